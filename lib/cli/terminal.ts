// What a person or a program sees on stderr while a verb works: notes, and progress as one updating line on a terminal (at most 10 times a second), as plain lines
// elsewhere (every 2 s), or as JSON lines with --json. Results go to stdout through `result`.

import { belowChance } from '../report/told-apart.ts';

const styles = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

export interface TerminalOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

export class Terminal {
  readonly json: boolean;
  readonly quiet: boolean;
  private readonly live: boolean;
  private shown = false;
  private last = Number.NEGATIVE_INFINITY;

  constructor(options: TerminalOptions) {
    this.json = options.json ?? false;
    this.quiet = options.quiet ?? false;
    this.live = process.stderr.isTTY === true && !this.json && process.env['TERM'] !== 'dumb';
  }

  /** A line for people on stderr; nothing with --quiet or --json. */
  note(text: string): void {
    if (this.quiet || this.json) return;
    this.clear();
    process.stderr.write(`${text}\n`);
  }

  /** A line that --quiet does not silence; a JSON line with --json. */
  warn(text: string): void {
    this.clear();
    if (this.json) process.stderr.write(`${JSON.stringify({ event: 'warning', message: text })}\n`);
    else process.stderr.write(`${this.paint('yellow', 'warning:')} ${text}\n`);
  }

  /** Something that happened, as a JSON line; with `text` also for people. */
  event(record: Record<string, unknown>, text?: string): void {
    if (this.quiet) return;
    if (this.json) process.stderr.write(`${JSON.stringify(record)}\n`);
    else if (text !== undefined) this.note(text);
  }

  /** Progress: `text` builds the line for people. `force` shows it whatever the time. */
  progress(record: Record<string, unknown>, text: () => string, force = false): void {
    if (this.quiet) return;
    const now = performance.now();
    if (!force && now - this.last < (this.live ? 100 : this.json ? 250 : 2000)) return;
    this.last = now;
    if (this.json) process.stderr.write(`${JSON.stringify(record)}\n`);
    else if (this.live) {
      const width = Math.max(20, (process.stderr.columns || 80) - 1);
      process.stderr.write(`\r\x1b[2K${text().slice(0, width)}`);
      this.shown = true;
    } else process.stderr.write(`${text()}\n`);
  }

  /** Ends the updating line. */
  endProgress(): void {
    if (this.shown) process.stderr.write('\n');
    this.shown = false;
    this.last = Number.NEGATIVE_INFINITY;
  }

  /** The outcome of a verb: one JSON line on stdout with --json, otherwise `text` on stderr. */
  result(record: Record<string, unknown>, text: string): void {
    if (this.json) process.stdout.write(`${JSON.stringify(record)}\n`);
    else this.note(text);
  }

  paint(style: keyof typeof styles, text: string): string {
    return this.live && !process.env['NO_COLOR'] ? `\x1b[${styles[style]}m${text}\x1b[0m` : text;
  }

  /** Takes the updating line away, for what is written in its place. */
  clear(): void {
    if (this.shown) process.stderr.write('\r\x1b[2K');
    this.shown = false;
  }
}

/** 12,345,678 */
export const count = (n: number): string => Math.round(n).toLocaleString('en-GB');

/** 4.2 MB */
export function bytes(n: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let [value, unit] = [n, 0];
  while (value >= 1000 && unit < 4) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** What a classifier two-sample test found, for people. */
export function c2stText(c2st: { readonly accuracy: number; readonly standardError: number }): string {
  const text = `a classifier tells them apart in ${c2st.accuracy.toFixed(3)} +- ${c2st.standardError.toFixed(3)} of cases (C2ST: 0.5 = not at all, 1 = always)`;
  const below = belowChance(c2st);
  return below === '' ? text : `${text}\n  ${below}`;
}

/** 0:42, 12:03, 1:02:03 */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** Columns of text, padded; `right` lists the columns aligned to the right. */
export function tabulate(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), []);
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
