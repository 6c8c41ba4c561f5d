// Hostile and damaged files: every one is refused with ERR_FLOW_ONNX (or read), never with another error, in bounded time and memory.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { Graph, valueInfo } from '../../lib/onnx/graph.ts';
import { customDomains, inspectOnnx, readOnnxFile, requireInput } from '../../lib/onnx/inspect.ts';
import { firstRuntime } from '../../lib/onnx/runtimes.ts';
import { Random } from '../../lib/random.ts';
import { caught, untrained } from '../support/models.ts';

const own = onnxBytes(untrained(2, { hidden: [4, 4] }, { columns: ['a', 'b'] }));

/** A small foreign model: y = Neg(x), plus whatever `change` does to it. */
function foreign(change: (graph: GraphProto) => void = () => undefined, header: { domain?: string; ir?: bigint; opset?: bigint } = {}): Uint8Array {
  const graph = create(GraphProtoSchema, { name: 'g', node: [create(NodeProtoSchema, { opType: 'Neg', input: ['x'], output: ['y'] })] });
  graph.input.push(valueInfo('x', 'float', ['n', 2]));
  graph.output.push(valueInfo('y', 'float', ['n', 2]));
  change(graph);
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: header.opset ?? 13n })];
  if (header.domain) opsetImport.push(create(OperatorSetIdProtoSchema, { domain: header.domain, version: 1n }));
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: header.ir ?? 7n, producerName: 'someone', opsetImport, graph }));
}
const tensor = (fields: Partial<TensorProto>): TensorProto =>
  create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [2n], rawData: new Uint8Array(8), ...fields } as object);
const refused = async (bytes: Uint8Array): Promise<string> => {
  const error = await caught(() => inspectOnnx(bytes));
  expect(error).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_ONNX' });
  return error.message;
};

describe('inspectOnnx', () => {
  test('tells what a foreign file is', () => {
    const info = inspectOnnx(foreign((graph) => graph.initializer.push(tensor({}))));
    expect(info).toMatchObject({ opset: 13, irVersion: 7, producer: 'someone', parameters: 2, flow: null, intact: null, operators: { Neg: 1 } });
    expect(info.inputs).toEqual([{ name: 'x', type: 'float', shape: ['n', 2], optional: false, doc: '' }]);
    expect(info.runtimes).toContain('>= 1.7');
  });

  test('knows runtimes by opset and IR', () => {
    expect([firstRuntime(13, 7), firstRuntime(17, 8), firstRuntime(17, 9), firstRuntime(21, 10), firstRuntime(26, 13), firstRuntime(27, 8)]).toEqual([
      '1.7',
      '1.12',
      '1.16',
      '1.18',
      '1.30',
      null,
    ]);
    expect(inspectOnnx(foreign(undefined, { ir: 99n })).runtimes).toContain('none known');
    const custom = inspectOnnx(foreign(undefined, { domain: 'my.ops' }));
    expect(custom.runtimes).toContain('my.ops');
    expect(customDomains(custom)).toEqual(['my.ops']);
    expect(customDomains(inspectOnnx(foreign(undefined, { domain: 'com.microsoft' })))).toEqual([]);
  });

  test('refuses external data wherever it hides', async () => {
    const entry = create(StringStringEntryProtoSchema, { key: 'location', value: '../../etc/passwd' });
    const external = tensor({ dataLocation: TensorProto_DataLocation.EXTERNAL, externalData: [entry], rawData: new Uint8Array(0) });
    const listed = tensor({ externalData: [entry] });
    const attribute = (t: TensorProto) => create(AttributeProtoSchema, { name: 'value', type: AttributeProto_AttributeType.TENSOR, t });
    const inner = create(GraphProtoSchema, { name: 'inner', initializer: [external] });
    for (const change of [
      (graph: GraphProto) => graph.initializer.push(external),
      (graph: GraphProto) => graph.initializer.push(listed),
      (graph: GraphProto) => graph.node[0]?.attribute.push(attribute(external)),
      (graph: GraphProto) => graph.node[0]?.attribute.push(create(AttributeProtoSchema, { name: 'body', type: AttributeProto_AttributeType.GRAPH, g: inner })),
    ]) {
      expect(await refused(foreign(change))).toContain('external data');
    }
  });

  test('refuses raw data of the wrong length, impossible shapes, graphs without outputs, deep nesting', async () => {
    expect(await refused(foreign((graph) => graph.initializer.push(tensor({ rawData: new Uint8Array(9) }))))).toContain('8 bytes of raw data');
    expect(await refused(foreign((graph) => graph.initializer.push(tensor({ dims: [-1n] }))))).toContain('dimensions');
    expect(await refused(foreign((graph) => graph.initializer.push(tensor({ dims: [2n ** 62n, 4n] }))))).toContain('dimensions');
    expect(await refused(foreign((graph) => graph.output.splice(0)))).toContain('outputs');
    let deep = create(GraphProtoSchema, { name: 'leaf' });
    for (let i = 0; i < 60; i++) {
      const attribute = create(AttributeProtoSchema, { name: 'body', type: AttributeProto_AttributeType.GRAPH, g: deep });
      deep = create(GraphProtoSchema, { name: 'g', node: [create(NodeProtoSchema, { opType: 'If', attribute: [attribute] })] });
    }
    expect(await refused(foreign((graph) => graph.node.push(...deep.node)))).toContain('nested');
  });

  test('refuses every shortened file of ours, and sees every flipped bit of the graph', async () => {
    for (let length = 0; length < own.length; length += 3) await refused(own.subarray(0, length));
    const random = new Random(1, 1);
    for (let i = 0; i < 500; i++) {
      const damaged = own.slice();
      const at = random.below(damaged.length);
      damaged[at] = (damaged[at] as number) ^ (1 << random.below(8));
      let intact: boolean | null = false;
      try {
        const info = inspectOnnx(damaged);
        // a flip inside the header leaves the graph whole; it changes what the header says
        intact = info.intact && JSON.stringify(info) === JSON.stringify(inspectOnnx(own));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_FLOW_ONNX' });
      }
      // model_version is the one field that inspect does not report
      if (intact) expect(at).toBeLessThan(80);
    }
  });

  test('a file of a million empty nodes, random bytes and JSON cost little and are refused', async () => {
    const nodes = new Uint8Array(20_000_000);
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = (14 << 3) | 2; // metadata_props, empty
    expect(await refused(nodes)).toContain('at most');
    const random = new Random(2, 2);
    for (let i = 0; i < 300; i++) await refused(Uint8Array.from({ length: 1 + random.below(200) }, () => random.below(256)));
    await refused(new TextEncoder().encode('{"format":"json"}'));
    await refused(new Uint8Array(0));
    expect(await caught(() => inspectOnnx('file' as unknown as Uint8Array))).toMatchObject({ code: 'ERR_FLOW_TYPE' });
  });

  test('metadata that is not as written is refused, and names cannot reach a prototype', async () => {
    const graph = new Graph();
    const bytes = (entries: Record<string, string>): Uint8Array => {
      const proto = create(GraphProtoSchema, { name: 'g', node: [create(NodeProtoSchema, { opType: 'Neg', input: ['x'], output: ['y'] })] });
      proto.output.push(valueInfo('y', 'float', ['n', 2]));
      const metadataProps = Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
      const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: 13n })];
      return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 7n, opsetImport, graph: proto, metadataProps }));
    };
    expect(graph.opset).toBe(13);
    const fine = inspectOnnx(own).metadata;
    for (const [key, value] of [
      ['flowmatch.format', '2'],
      ['flowmatch.graph', 'both'],
      ['flowmatch.dimension', '-1'],
      ['flowmatch.columns', '["a"]'],
      ['flowmatch.columns', '{'],
      ['flowmatch.condition', '{"numbers":-1,"classes":[]}'],
      ['flowmatch.normaliser', '{"shift":[1],"scale":[1,1]}'],
      ['flowmatch.solver', '{"name":"x","stages":1,"steps":2,"grid":[0,1]}'],
    ] as const) {
      expect(await refused(bytes({ ...fine, [key]: value })), key).toContain('metadata');
    }
    const polluted = inspectOnnx(bytes({ ...fine, 'flowmatch.table': '{"__proto__":{"polluted":1}}', ['__proto__']: 'x' }));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(polluted.flow?.table)).toBeNull();
    expect(Object.getPrototypeOf(polluted.metadata)).toBeNull();
  });
});

describe('readOnnxFile', () => {
  test('refuses what is not a regular file', async () => {
    expect(await caught(() => readOnnxFile('/nowhere/model.onnx'))).toMatchObject({ code: 'ERR_FLOW_IO', path: '/nowhere/model.onnx' });
    expect(await caught(() => readOnnxFile('.'))).toMatchObject({ code: 'ERR_FLOW_IO' });
  });
});

describe('requireInput()', () => {
  const bytes = onnxBytes(untrained(2, { hidden: [8, 8] }), { graph: 'sampler' });
  const names = (file: Uint8Array) => fromBinary(ModelProtoSchema, file).graph?.initializer.map(({ name }) => name) ?? [];

  test('takes the default of one input out, on the wire, and nothing else', () => {
    const parsed = fromBinary(ModelProtoSchema, bytes);
    expect(names(bytes)).toContain('grid');
    if (parsed.graph) parsed.graph.initializer = parsed.graph.initializer.filter(({ name }) => name !== 'grid');
    const required = requireInput(bytes, 'grid');
    expect(fromBinary(ModelProtoSchema, required)).toEqual(parsed);
    expect(inspectOnnx(required).inputs.find(({ name }) => name === 'grid')?.optional).toBe(false);
  });

  test('leaves a file without such a default as it is', () => {
    expect(requireInput(bytes, 'nothing')).toEqual(new Uint8Array(bytes));
  });
});
