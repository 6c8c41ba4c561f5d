// The loss curve of a run in bounded memory: means over windows of 1, 2, 4, ... steps (the window doubles when 1024 are full), and the last 100 losses.
// A pure function of the losses so far: interrupting and resuming a run gives the same log.

const capacity = 1024;
/** Steps that the reported loss is a mean of. */
export const recentSteps = 100;

export class LossLog {
  /** Steps per entry. */
  window = 1;
  /** Mean loss of each full window, in order. */
  values: number[] = [];
  /** Sum and count of the window that is not full yet. */
  sum = 0;
  count = 0;
  /** The last losses, oldest first, at most `recentSteps`. */
  recent: number[] = [];

  add(loss: number): void {
    if (this.recent.length === recentSteps) this.recent.shift();
    this.recent.push(loss);
    this.sum += loss;
    if (++this.count < this.window) return;
    this.values.push(this.sum / this.window);
    this.sum = 0;
    this.count = 0;
    if (this.values.length < capacity) return;
    this.values = Array.from({ length: capacity / 2 }, (_, i) => ((this.values[2 * i] as number) + (this.values[2 * i + 1] as number)) / 2);
    this.window *= 2;
  }

  /** Mean of the last losses; NaN before the first step. */
  mean(): number {
    return this.recent.reduce((sum, loss) => sum + loss, 0) / this.recent.length;
  }
}

/** A 64-bit running hash of the learning rates used so far: a resumed run must have used the same ones. */
export class RateHash {
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;
  readonly #bits = new Uint32Array(2);
  readonly #value = new Float64Array(this.#bits.buffer);

  add(rates: Float64Array, count: number = rates.length): void {
    for (let k = 0; k < count; k++) {
      this.#value[0] = rates[k] as number;
      const [a, b] = this.#bits as unknown as [number, number];
      this.#low = Math.imul(this.#low ^ a, 0x01000193) ^ (this.#high >>> 13);
      this.#high = Math.imul(this.#high ^ b, 0x85ebca6b) ^ (this.#low >>> 16);
    }
  }

  get text(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
