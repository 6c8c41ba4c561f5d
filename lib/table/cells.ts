// What one cell of text says: a number, a boolean or nothing. Dates are in dates.ts. Text in, value or undefined out; nothing here throws.

/** A cell as a reader hands it on: CSV gives text, JSON may give numbers, booleans and null (absent). */
export type Cell = string | number | boolean | null;

/** Cells read as missing, compared after trimming. `--null` adds to this list. */
export const nullTokens: readonly string[] = ['', 'NA', 'N/A', 'n/a', '#N/A', 'null', 'NULL', 'None', 'NaN', 'nan'];

/** Largest magnitude a number may have: far inside f32, so that sums and squares of standardised columns stay finite. */
export const largestNumber = 1e30;

const numberText = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

/** The number a trimmed text spells (decimal, optional exponent), or undefined: no hex, no thousands separators, no infinities. */
export function numberOf(text: string): number | undefined {
  if (text.length > 64 || !numberText.test(text)) return undefined;
  const value = Number(text);
  return Math.abs(value) <= largestNumber ? value : undefined;
}

/** `007`, `02139`: digits that are a code, not a quantity (reading them as numbers would lose the zeros). */
export const isZeroPadded = (text: string): boolean => text.length > 1 && /^[+-]?0\d/.test(text);

/** true / false in any case, or undefined. */
export function booleanOf(text: string): boolean | undefined {
  if (text.length < 4 || text.length > 5) return undefined;
  const lower = text.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : undefined;
}

/** Digits after the point of a plain decimal text, or of a number's shortest decimal; Infinity when it needs more than 12. */
export function decimalsOf(text: string): number {
  const e = text.search(/[eE]/);
  const mantissa = e < 0 ? text : text.slice(0, e);
  const point = mantissa.indexOf('.');
  const shift = e < 0 ? 0 : Number(text.slice(e + 1));
  const digits = Math.max(0, (point < 0 ? 0 : mantissa.length - point - 1) - shift);
  return digits > 12 ? Number.POSITIVE_INFINITY : digits;
}

/** The test for missing cells: the usual tokens and `nulls`. */
export function missingTest(nulls: readonly string[] = []): (cell: Cell | undefined) => boolean {
  const tokens = new Set([...nullTokens, ...nulls]);
  return (cell) => cell === null || cell === undefined || (typeof cell === 'string' && tokens.has(cell.trim()));
}
