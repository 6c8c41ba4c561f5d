// What no result and no table may be larger than.

/** Values of one array. */
export const rowLimit = 2 ** 31;
