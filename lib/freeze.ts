// Descriptions (paths, solvers, specs) are frozen through and through; typed arrays cannot be frozen and are left as they are.

/** Freezes plain objects and arrays recursively and returns the same reference. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
