// A uniform sample of a stream of unknown length (Vitter's algorithm R, ACM TOMS 11, 1985), the same at every run.

import { Random } from '../random.ts';

export class Reservoir<T> {
  readonly items: T[] = [];
  private readonly most: number;
  private readonly random = new Random(0, 0x7ab1e);
  private seen = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** Takes the next element; `make` is called only when it is kept. */
  offer(make: () => T): void {
    this.seen++;
    if (this.items.length < this.most) {
      this.items.push(make());
      return;
    }
    const at = Math.floor(((this.random.word() * 2 ** 21 + (this.random.word() >>> 11)) / 2 ** 53) * this.seen);
    if (at < this.most) this.items[at] = make();
  }
}
