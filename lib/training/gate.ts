// Where a run and those who want it to stand still meet. Each of them has a hold of its own, so that a save under way never ends somebody else's pause; the run passes
// the gate between slices, waits there while anybody holds it, and says when it stands.

export class Gate {
  readonly #holds = new Set<object>();
  #waiting: (() => void)[] = [];
  #wake: () => void = () => undefined;

  /** Whether anybody wants the run to stand still. */
  get held(): boolean {
    return this.#holds.size > 0;
  }
  /** Whether `by` still wants it. */
  heldBy(by: object): boolean {
    return this.#holds.has(by);
  }
  hold(by: object): void {
    this.#holds.add(by);
  }
  release(by: object): void {
    this.#holds.delete(by);
    this.call();
  }

  /** For the run: resolves at the next call(). */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
  /** Everybody looks again: the run that waits, and who waits for it. */
  call(): void {
    this.#wake();
    this.arrive();
  }

  /** For holders: resolves when the run stands, or when there is another reason to look again. */
  arrival(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  /** The run stands. */
  arrive(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
