// The version of the library, as in package.json (a test compares them); written into every model file and ONNX export.

export const version = '0.1.0';
