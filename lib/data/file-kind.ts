// What a file is, by its first nine bytes: safetensors begins with the length of its header, 8 bytes, and a brace; an ONNX file with the field of its IR version.

const brace = 0x7b;
/** Field 1 of ModelProto, a varint. */
const irVersion = 8;

/** Whether they begin a model file: a header of less than 4 GiB. */
export const startsAsModelFile = (head: Uint8Array): boolean => head[8] === brace && head.subarray(4, 8).every((byte) => byte === 0);

/** Whether they begin an ONNX file, and no model file. */
export const startsAsOnnx = (head: Uint8Array): boolean => head.length > 1 && head[0] === irVersion && head[8] !== brace;

/** Whether a byte may stand in a line of ASCII text. */
export const isText = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13;
