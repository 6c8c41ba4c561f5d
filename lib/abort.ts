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
