// A signal of our own that follows the caller's: for work computed ahead, which must also stop when the caller leaves a loop early.

/** `signal` aborts with the caller's reason, or at end(), which also takes the listener off the caller's signal. */
export function following(outer: AbortSignal | undefined): { readonly signal: AbortSignal; end(): void } {
  const own = new AbortController();
  const follow = (): void => own.abort(outer?.reason);
  if (outer?.aborted) follow();
  else outer?.addEventListener('abort', follow);
  return {
    signal: own.signal,
    end: () => {
      outer?.removeEventListener('abort', follow);
      own.abort();
    },
  };
}

/** Longest stretch of work between two turns of the event loop. */
const stretchMs = 2;

/** Runs a generator to its end, leaving the event loop a turn every few milliseconds. */
export async function unhurried<T>(work: Generator<void, T>, signal: AbortSignal | undefined): Promise<T> {
  for (let began = performance.now(); ; ) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() < began + stretchMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    began = performance.now();
  }
}
