// An ONNX file as pieces, for writers that keep the event loop free: the graph, and the head that carries its hash. Free of the ONNX messages, whose
// types are not published: the declarations of lib/onnx/export.ts name this one.

/** A model file in pieces: those of the graph, whose SHA-256 the header needs, and what stands before them. */
export interface ModelPieces {
  readonly graph: readonly Uint8Array[];
  head(graphHash: string): Uint8Array;
}
