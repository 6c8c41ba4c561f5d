// The model that a verb was given. An ONNX file, or one that never was a model, is told by its first bytes.

import { open } from 'node:fs/promises';
import { startsAsOnnx } from '../data/file-kind.ts';
import { fileError } from '../errors.ts';
import { Model } from '../model/model.ts';

/** The first bytes of a file, at most nine. @throws FlowError ERR_FLOW_IO */
async function headOf(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r');
    try {
      const head = new Uint8Array(9);
      return head.subarray(0, (await handle.read(head, 0, 9, 0)).bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    const [what, hint] = unreadable[code] ?? [`cannot be read (${code})`, 'Check the path and the permissions.'];
    throw fileError('ERR_FLOW_IO', file, what, { expected: 'a file', received: code, hint, cause });
  }
}

const writers = '`flowmatch fit` writes model files, `flowmatch export` ONNX files';
const unreadable: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['there is no such file', `Check the path; ${writers}.`],
  EISDIR: ['is a folder', 'Name a file in it.'],
};

const brace = 0x7b;
const looksLikeOnnx = (file: string, head: Uint8Array): boolean => startsAsOnnx(head) && !/\.safetensors$/i.test(file);

/**
 * Whether `inspect` reads it as ONNX: by its name, or else by its first bytes. A file of either name may be damaged: its reader says where.
 * @throws FlowError ERR_FLOW_IO; ERR_FLOW_CHECKPOINT for what is neither kind
 */
export async function isOnnx(file: string): Promise<boolean> {
  const head = await headOf(file);
  if (looksLikeOnnx(file, head) || /\.onnx$/i.test(file)) return true;
  if (head[8] === brace || /\.safetensors$/i.test(file)) return false;
  throw fileError('ERR_FLOW_CHECKPOINT', file, head.length === 0 ? 'is empty' : 'is neither a model file nor an ONNX file', {
    expected: 'a model file, .safetensors, or an ONNX file',
    received: head.length === 0 ? 'nothing' : 'another kind of file',
    hint: `${writers}.`,
  });
}

/** Model.load in the words of the command line. @throws FlowError ERR_FLOW_IO, ERR_FLOW_CHECKPOINT for what is no model file */
export async function loadModel(file: string): Promise<Model> {
  const head = await headOf(file);
  if (head[8] !== brace) {
    const onnx = looksLikeOnnx(file, head);
    const hint = onnx
      ? '`flowmatch inspect` tells what it holds and onnxruntime runs it; this command takes the .safetensors file that it was made from.'
      : '`flowmatch fit` writes model files, .safetensors.';
    const received = onnx ? 'an ONNX file' : 'another kind of file';
    const what = onnx ? 'is an ONNX file, not a model file' : 'is not a model file';
    throw fileError('ERR_FLOW_CHECKPOINT', file, what, { expected: 'a model file, .safetensors', received, hint });
  }
  return Model.load(file);
}
