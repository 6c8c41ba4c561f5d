// Which runtimes load a file, by its opset and IR version. Rows up to 1.20: onnxruntime.ai/docs/reference/compatibility.html; the last one was tried.
// onnxruntime-node, onnxruntime-web and the Python package of one version share one core and hence one row.

interface RuntimeRow {
  readonly version: string;
  readonly opset: number;
  readonly ir: number;
}

const rows: readonly RuntimeRow[] = [
  { version: '1.7', opset: 13, ir: 7 },
  { version: '1.8', opset: 14, ir: 7 },
  { version: '1.9', opset: 15, ir: 8 },
  { version: '1.11', opset: 16, ir: 8 },
  { version: '1.12', opset: 17, ir: 8 },
  { version: '1.14', opset: 18, ir: 8 },
  { version: '1.15', opset: 19, ir: 8 },
  { version: '1.16', opset: 19, ir: 9 },
  { version: '1.17', opset: 20, ir: 9 },
  { version: '1.18', opset: 21, ir: 10 },
  { version: '1.30', opset: 26, ir: 13 },
];

/** The first onnxruntime (node, web, Python) that loads opset and IR, such as "1.12"; null when none is known to. Nothing older than 1.7 is listed. */
export function firstRuntime(opset: number, ir: number): string | null {
  return rows.find((row) => row.opset >= opset && row.ir >= ir)?.version ?? null;
}
