// The model that a verb was given. An ONNX file, or one that never was a model, is told by its first bytes: safetensors begins with the length of its header, 8 bytes,
// and a brace; an ONNX file with the field of its IR version.

import { open } from 'node:fs/promises';
import { FlowError } from '../errors.ts';
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
    const { code } = cause as NodeJS.ErrnoException;
    throw new FlowError('ERR_FLOW_IO', `${file}: cannot be read (${code}).`, { path: file, received: code, cause });
  }
}

const brace = 0x7b;
/** Field 1 of ModelProto, a varint. */
const irVersion = 8;
const looksLikeOnnx = (file: string, head: Uint8Array): boolean =>
  head.length > 1 && head[0] === irVersion && head[8] !== brace && !/\.safetensors$/i.test(file);

/** Whether `inspect` reads it as ONNX: by its name, or else by its first bytes. */
export async function isOnnx(file: string): Promise<boolean> {
  return looksLikeOnnx(file, await headOf(file)) || /\.onnx$/i.test(file);
}

/** Model.load in the words of the command line. @throws FlowError ERR_FLOW_CHECKPOINT for what is no model file */
export async function loadModel(file: string): Promise<Model> {
  const head = await headOf(file).catch(() => null); // what cannot be read, Model.load says
  if (head !== null && head[8] !== brace) {
    const onnx = looksLikeOnnx(file, head);
    const hint = onnx
      ? '`flowmatch inspect` tells what it holds and onnxruntime runs it; this command takes the .safetensors file that it was made from.'
      : '`flowmatch fit` writes model files, .safetensors.';
    const received = onnx ? 'an ONNX file' : 'another kind of file';
    const message = onnx ? `${file}: is an ONNX file, not a model file. ${hint}` : `${file}: is not a model file. ${hint}`;
    throw new FlowError('ERR_FLOW_CHECKPOINT', message, { path: file, expected: 'a model file, .safetensors', received, hint });
  }
  return Model.load(file);
}
