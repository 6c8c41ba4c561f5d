// A scatter plot in text: each character of the Braille block is a grid of 2 x 4 dots.

/** Dot (column, row) -> bit of U+2800. */
const bits = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** The square [low, high] in both axes that holds all but the outermost 0.5 % of the points, with a margin. */
export function square(x: ArrayLike<number>): { readonly low: readonly [number, number]; readonly size: number } {
  const axis = (k: number) => {
    const values = Float64Array.from({ length: x.length / 2 }, (_, i) => x[2 * i + k] as number).sort();
    const cut = Math.floor(values.length * 0.0025);
    return [values[cut] as number, values[values.length - 1 - cut] as number] as const;
  };
  const [[a, b], [c, d]] = [axis(0), axis(1)];
  const size = 1.08 * Math.max(b - a, d - c, 1e-9);
  return { low: [(a + b - size) / 2, (c + d - size) / 2], size };
}

/** Lines of text, `width` characters wide and as high as makes the plot square; at most `most` points, dots only where points are. */
export function brailleScatter(x: ArrayLike<number>, frame: ReturnType<typeof square>, width: number, most = 3000): string[] {
  const [columns, rows] = [2 * width, 2 * width];
  const cells = Array.from({ length: rows / 4 }, () => new Uint8Array(width));
  const n = Math.min(x.length / 2, most);
  for (let i = 0; i < n; i++) {
    const u = Math.floor((((x[2 * i] as number) - frame.low[0]) / frame.size) * columns);
    const v = rows - 1 - Math.floor((((x[2 * i + 1] as number) - frame.low[1]) / frame.size) * rows);
    if (!(u >= 0 && u < columns && v >= 0 && v < rows)) continue;
    const line = cells[v >> 2];
    if (line) line[u >> 1] = (line[u >> 1] as number) | (bits[v & 3]?.[u & 1] ?? 0);
  }
  return cells.map((line) => String.fromCharCode(...Array.from(line, (cell) => 0x2800 + cell)));
}

/** Blocks of lines side by side under their titles. */
export function sideBySide(blocks: readonly { readonly title: string; readonly lines: readonly string[] }[], gap = '   '): string {
  const width = blocks[0]?.lines[0]?.length ?? 0;
  const head = blocks.map(({ title }) => title.padEnd(width)).join(gap);
  const lines = (blocks[0]?.lines ?? []).map((_, i) => blocks.map((block) => block.lines[i] ?? '').join(gap));
  return [head.trimEnd(), ...lines].join('\n');
}
