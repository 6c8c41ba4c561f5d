// `flowmatch inspect`: what a model file or an ONNX file holds; of a damaged one, what is wrong and at which byte (the error of its strict reader).

import { readModelFile } from '../checkpoint/model-file.ts';
import type { ModelRecord } from '../model/record.ts';
import { inspectOnnxFile, type OnnxValue } from '../onnx/inspect.ts';
import { Codec, type CodecColumn } from '../table/codec.ts';
import { parseCodec } from '../table/codec-parse.ts';
import { dateFormat } from '../table/dates.ts';
import { isOnnx } from './model.ts';
import type { Session } from './session.ts';
import { bytes, count, tabulate } from './terminal.ts';

export async function inspect(file: string, _flags: unknown, { terminal }: Session): Promise<void> {
  const onnx = await isOnnx(file);
  const { record, text } = onnx ? await inspectOnnx(file) : await inspectModel(file);
  process.stdout.write(terminal.json ? `${JSON.stringify(record)}\n` : `${text}\n`);
}

/** What the network says of a state. */
function says({ network, prediction, score }: ModelRecord): string {
  if (network.span === undefined) return `${prediction}${score ? ' and score' : ''}`;
  return `average velocities over ${network.span === true ? 'any span' : `1/1, 1/2, ... 1/${network.span} of the time`}`;
}

async function inspectModel(file: string): Promise<{ record: Record<string, unknown>; text: string }> {
  const { record: model, kind, sections, hash, trainer } = await readModelFile(file);
  const codec = model.table === null ? null : new Codec(parseCodec(model.table));
  const { network, training } = model;
  const lines: string[][] = [
    ['file', `${file}: flowmatch ${kind === 'model' ? 'model' : 'training checkpoint (a model as well)'}, format 1, written by ${model.version}`],
    ['hash', `sha256 ${hash}`],
    [
      'network',
      `${network.kind} ${network.hidden.join('-')} ${network.activation}, time ${network.time.kind}; ${count(model.parameters.length)} parameters, ${bytes(model.parameters.byteLength)}`,
    ],
    ['flow', `path ${model.path.name}, predicts ${says(model)}, source ${model.source}, ${model.dimension} network columns`],
  ];
  if (kind === 'training') lines.push(['holds', [...sections.keys()].join(', ')]);
  const scalars = Object.entries(training).filter(([, value]) => ['number', 'string', 'boolean'].includes(typeof value));
  if (scalars.length > 0)
    lines.push(['training', scalars.map(([key, value]) => `${key} ${typeof value === 'number' ? Number(value.toPrecision(6)) : value}`).join(', ')]);
  if (model.condition) lines.push(['condition', codec?.target ? `${codec.target.name}: ${codec.target.values.join(', ')}` : JSON.stringify(model.condition)]);
  if (codec)
    lines.push([
      'columns',
      `${codec.names.length}${codec.record.leftOut.length > 0 ? `; left out: ${codec.record.leftOut.map((c) => c.name).join(', ')}` : ''}`,
    ]);
  else if (model.columns) lines.push(['columns', model.columns.join(', ')]);
  const table = codec ? `\n${tabulate(codec.record.columns.map((column) => [`  ${column.name}`, column.kind, describeColumn(column)]))}` : '';
  const { parameters, normaliser: _n, conditionNormaliser: _c, ...plain } = model;
  const record = { file, kind, hash, parameters: parameters.length, sections: [...sections.keys()], trainer: trainer === null ? null : 'present', ...plain };
  return { record, text: tabulate(lines) + table };
}

function describeColumn(column: CodecColumn): string {
  if (column.encoding === 'constant') return JSON.stringify(column.value);
  if ('values' in column) return `${column.values.slice(0, 8).join(', ')}${column.values.length > 8 ? `, ... (${column.values.length})` : ''}`;
  const show = (x: number) => (column.format === null ? String(x) : dateFormat(column.format).format(x));
  const step = column.grid && column.grid.step / 10 ** column.grid.decimals;
  return `${show(column.min)} .. ${show(column.max)}${step && column.format === null ? `, step ${step}` : ''}${column.transform === 'none' ? '' : `, learnt as ${column.transform}`}`;
}

async function inspectOnnx(file: string): Promise<{ record: Record<string, unknown>; text: string }> {
  const { info } = await inspectOnnxFile(file);
  const value = (v: OnnxValue) => [
    `  ${v.name}`,
    v.type,
    v.shape ? `[${v.shape.map((d) => d ?? '?').join(', ')}]` : 'any shape',
    v.optional ? 'optional' : '',
    v.doc,
  ];
  const intact = info.intact === null ? '' : info.intact ? ', graph unchanged since export' : ', graph CHANGED since export';
  const lines = [
    ['file', `${file}: ONNX, ${bytes(info.bytes)}, opset ${info.opset}, IR ${info.irVersion}${info.producer ? `, written by ${info.producer}` : ''}${intact}`],
    ['runs in', info.runtimes],
    [
      'holds',
      `${count(info.parameters)} numbers; ${Object.entries(info.operators)
        .map(([name, n]) => `${n} ${name}`)
        .join(', ')}`,
    ],
    ...(info.doc ? [['says', info.doc]] : []),
  ];
  return { record: { file, ...info }, text: `${tabulate(lines)}\ninputs\n${tabulate(info.inputs.map(value))}\noutputs\n${tabulate(info.outputs.map(value))}` };
}
