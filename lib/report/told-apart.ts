// What a classifier means that is wrong more often than a coin: measured on near copies of 333 and of 2000 rows, it is right in 0.26 to 0.46 of the cases, and in one
// half on fresh rows of the same law (test/report/told-apart.test.ts).

/** A sentence for an accuracy below one half by more than twice its standard error; empty otherwise. */
export const belowChance = ({ accuracy, standardError }: { readonly accuracy: number; readonly standardError: number }): string =>
  accuracy + 2 * standardError < 0.5
    ? 'Below one half: generated rows lie close to single real ones, as after long training on few rows, and the classifier takes each for its neighbour of the other kind.'
    : '';
