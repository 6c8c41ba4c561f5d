// Counter-based randomness: Philox4x32-10 (Salmon et al., SC 2011, doi 10.1145/2063384.2063405), the same words as the native generator.
// Counter = {row lo, row hi, stream, group}, key = the 64-bit seed; group g holds words 4g .. 4g+3 of that row.
// log, sin and cos are written out here, because Math.* may differ in the last bit between engines and initial weights must not.

const m0 = 0xd2511f53;
const m1 = 0xcd9e8d57;

/** High 32 bits of the product of two unsigned 32-bit integers. */
function mulHigh(a: number, b: number): number {
  const [al, ah, bl, bh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const mid = ah * bl + ((al * bl) >>> 16);
  const low = al * bh + (mid & 0xffff);
  return (ah * bh + Math.floor(mid / 65536) + Math.floor(low / 65536)) >>> 0;
}

/** Four words for one counter and key (both little-endian in 32-bit words), written into `out` from `at`. */
export function philox(c0: number, c1: number, c2: number, c3: number, k0: number, k1: number, out: Uint32Array, at = 0): void {
  for (let round = 0; round < 10; round++) {
    const [h0, h1] = [mulHigh(m0, c0), mulHigh(m1, c2)];
    const [l0, l1] = [Math.imul(m0, c0), Math.imul(m1, c2)];
    [c0, c1, c2, c3] = [(h1 ^ c1 ^ k0) >>> 0, l1 >>> 0, (h0 ^ c3 ^ k1) >>> 0, l0 >>> 0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/** A stream of words for (seed, stream, row), read in order. One row holds 2^34 words. */
export class Random {
  readonly #key: readonly [number, number];
  readonly #stream: number;
  readonly #row: readonly [number, number];
  readonly #words = new Uint32Array(4);
  #next = 4;
  #group = 0;
  #spare: number | undefined;

  /** `seed` is taken modulo 2^64; `row` must be a safe integer >= 0. */
  constructor(seed: number | bigint, stream: number, row = 0) {
    const key = BigInt.asUintN(64, BigInt(seed));
    this.#key = [Number(key & 0xffffffffn), Number(key >> 32n)];
    this.#stream = stream >>> 0;
    this.#row = [row >>> 0, Math.floor(row / 2 ** 32) >>> 0];
  }

  word(): number {
    if (this.#next === 4) {
      philox(this.#row[0], this.#row[1], this.#stream, this.#group++, this.#key[0], this.#key[1], this.#words);
      this.#next = 0;
    }
    return this.#words[this.#next++] as number;
  }

  /** In (0, 1): (k + 1/2) 2^-24 from the top 24 bits of one word. */
  uniform(): number {
    return ((this.word() >>> 8) + 0.5) * 2 ** -24;
  }

  /** An integer in [0, n), n < 2^24. */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal: Box-Muller on pairs of words, cosine first. */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * log(this.uniform()));
    const [sine, cosine] = sinCosTurns(this.uniform());
    this.#spare = radius * sine;
    return radius * cosine;
  }
}

/** The numbers 0 .. n - 1 in random order (Fisher and Yates), n < 2^24. */
export function shuffled(random: Random, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** ln x for normal x > 0, about 1 ulp: x = m 2^e, ln m = 2 artanh((m - 1) / (m + 1)). */
export function log(x: number): number {
  let exponent = 0;
  let mantissa = x;
  while (mantissa > Math.SQRT2) [mantissa, exponent] = [mantissa / 2, exponent + 1];
  while (mantissa < Math.SQRT1_2) [mantissa, exponent] = [mantissa * 2, exponent - 1];
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let k = 23; k >= 1; k -= 2) sum = sum * square + 1 / k;
  return exponent * Math.LN2 + 2 * s * sum;
}

/** [sin, cos] of `turns` full turns: exact quadrant reduction, then Taylor series on [-pi/4, pi/4]. */
export function sinCosTurns(turns: number): [number, number] {
  const quarter = Math.floor(turns * 4 + 0.5);
  const angle = (turns * 4 - quarter) * (Math.PI / 2);
  const square = angle * angle;
  let sine = 0;
  let cosine = 0;
  for (let k = 17; k >= 3; k -= 2) sine = (1 + sine) * (-square / (k * (k - 1)));
  for (let k = 18; k >= 2; k -= 2) cosine = (1 + cosine) * (-square / (k * (k - 1)));
  const [s, c] = [angle * (1 + sine), 1 + cosine];
  const turned: readonly (readonly [number, number])[] = [
    [s, c],
    [c, -s],
    [-s, -c],
    [-c, s],
  ];
  const [a, b] = turned[((quarter % 4) + 4) % 4] as readonly [number, number];
  return [a, b];
}
