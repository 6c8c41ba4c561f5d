// What one pass over a column learns, in bounded memory: counts per reading (number, integer, boolean, date), range, moments, the grid its numbers lie on, distinct values.

import { booleanOf, type Cell, decimalsOf, isZeroPadded, numberOf } from './cells.ts';
import { dateFormats, mayBeDate } from './dates.ts';

/** A cell that spoils an otherwise numeric or date column. */
export interface BadCell {
  readonly row: number;
  readonly line: number | null;
  readonly text: string;
}

const longestLabel = 200;

/** Running count, mean, second and third central moment (Welford; Pebay 2008), and the extremes. */
export class Moments {
  n = 0;
  mean = 0;
  m2 = 0;
  m3 = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;

  add(x: number): void {
    const n = ++this.n;
    const delta = x - this.mean;
    const dn = delta / n;
    const term = delta * dn * (n - 1);
    this.m3 += term * dn * (n - 2) - 3 * dn * this.m2;
    this.m2 += term;
    this.mean += dn;
    if (x < this.min) this.min = x;
    if (x > this.max) this.max = x;
  }

  get std(): number {
    return this.n > 0 ? Math.sqrt(this.m2 / this.n) : 0;
  }

  /** Third standardised moment; 0 for a constant column. */
  get skewness(): number {
    return this.m2 > 0 ? (Math.sqrt(this.n) * this.m3) / this.m2 ** 1.5 : 0;
  }
}

/** The lattice that all values lie on: integers times 10^-decimals, congruent to the first one modulo `step`. */
export class Lattice {
  decimals = 0;
  step = 0;
  private first = 0;
  private broken = false;
  private any = false;

  add(value: number, decimals: number): void {
    if (this.broken) return;
    if (decimals > this.decimals) {
      const factor = 10 ** (decimals - this.decimals);
      this.first *= factor;
      this.step *= factor;
      this.decimals = decimals;
    }
    const scaled = Math.round(value * 10 ** this.decimals);
    if (!Number.isSafeInteger(scaled) || !Number.isSafeInteger(this.step) || decimals > 12) {
      this.broken = true;
      return;
    }
    if (!this.any) {
      this.first = scaled;
      this.any = true;
    }
    this.step = gcd(this.step, Math.abs(scaled - this.first));
  }

  /** null when the values need more digits than a double keeps. */
  get grid(): { readonly decimals: number; readonly step: number } | null {
    return this.broken || !this.any ? null : { decimals: this.decimals, step: Math.max(1, this.step) };
  }
}

function gcd(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

class DateScan {
  readonly value = new Moments();
  readonly lattice = new Lattice();
}

export class ColumnScan {
  readonly name: string;
  count = 0;
  numbers = 0;
  integers = 0;
  booleans = 0;
  zeroPadded = 0;
  /** Numbers that arrived as JSON numbers or booleans rather than text. */
  typed = 0;
  readonly value = new Moments();
  readonly log = new Moments();
  readonly lattice = new Lattice();
  /** Integers that each exceed the one before by the same amount: a row counter. */
  counts = true;
  private previous: number | null = null;
  private difference: number | null = null;
  readonly distinct = new Map<string, number>();
  /** Set when more than `mostDistinct` values were seen, with how many rows that took. */
  overflowedAt: number | null = null;
  /** Per date format: cells that fit it, with their range and lattice in its units. */
  readonly dates: DateScan[] = dateFormats.map(() => new DateScan());
  longest = 0;
  notNumber: BadCell | null = null;
  notDate: BadCell | null = null;
  readonly mostDistinct: number;

  constructor(name: string, mostDistinct: number) {
    this.name = name;
    this.mostDistinct = mostDistinct;
  }

  /** Adds a cell that is not missing. */
  add(cell: Exclude<Cell, null>, row: number, line: number | null): void {
    this.count++;
    const text = typeof cell === 'string' ? cell : String(cell);
    if (typeof cell !== 'string') this.typed++;
    if (text.length > this.longest) this.longest = text.length;
    this.addDistinct(text);
    const number = typeof cell === 'number' ? cell : typeof cell === 'string' ? numberOf(text) : undefined;
    if (number !== undefined) this.addNumber(number, text);
    else this.notNumber ??= { row, line, text };
    if (number === undefined && booleanOf(text) !== undefined) this.booleans++;
    if (number === undefined && mayBeDate(text)) this.addDate(text, row, line);
    else this.notDate ??= { row, line, text };
  }

  /** Different values over cells, counted up to the overflow: 1 = every value is new. */
  get share(): number {
    return this.overflowedAt === null ? this.distinct.size / Math.max(1, this.count) : this.mostDistinct / (this.overflowedAt - 1 || 1);
  }

  private addDistinct(text: string): void {
    if (this.overflowedAt !== null) return;
    const seen = this.distinct.get(text);
    if (seen !== undefined) this.distinct.set(text, seen + 1);
    else if (this.distinct.size >= this.mostDistinct || text.length > longestLabel) {
      this.overflowedAt = text.length > longestLabel ? this.mostDistinct + 1 : this.count;
      this.distinct.clear();
    } else this.distinct.set(text, 1);
  }

  private addNumber(x: number, text: string): void {
    this.numbers++;
    if (isZeroPadded(text)) this.zeroPadded++;
    this.value.add(x);
    if (x > 0) this.log.add(Math.log(x));
    if (Number.isInteger(x)) this.integers++;
    this.lattice.add(x, decimalsOf(text));
    if (this.counts) {
      if (this.previous !== null) {
        this.difference ??= x - this.previous;
        if (this.difference === 0 || x - this.previous !== this.difference) this.counts = false;
      }
      this.previous = x;
    }
  }

  private addDate(text: string, row: number, line: number | null): void {
    let matched = false;
    for (let i = 0; i < dateFormats.length; i++) {
      const date = this.dates[i] as DateScan;
      if (date.value.n < 0.9 * (this.count - 1) - 5) continue; // this format already failed too often
      const units = dateFormats[i]?.parse(text);
      if (units === undefined) continue;
      date.value.add(units);
      date.lattice.add(units, 0);
      matched = true;
    }
    if (!matched) this.notDate ??= { row, line, text };
  }
}
