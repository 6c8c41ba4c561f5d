// Rows as Markdown: every reading in full, and one line for each case that sets ours beside the best variant of each peer.

import { bestOf, type Row } from './statistics.ts';

export function time(seconds: number): string {
  if (seconds < 0) return `-${time(-seconds)}`;
  const [scale, unit] = seconds < 1e-3 ? [1e6, 'us'] : seconds < 1 ? [1e3, 'ms'] : [1, 's'];
  return `${(seconds * scale).toPrecision(3).replace(/e\+2$/, '00')} ${unit}`;
}
export const percent = (fraction: number): string => `${(100 * fraction).toFixed(fraction < 0.0095 ? 2 : 0)} %`;

export function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...lines.map(line)].join('\n');
}

export function fullTable(rows: readonly Row[]): string {
  const head = ['case', 'contender', 'median', 'min .. max', '% of peak', 'min .. max', 'GFLOP/s', 'peak', 'rounds', ''];
  return markdown(
    head,
    rows.map((r) => [
      r.title,
      r.contender,
      time(r.seconds.median),
      `${time(r.seconds.min)} .. ${time(r.seconds.max)}`,
      percent(r.fraction.median),
      `${percent(r.fraction.min)} .. ${percent(r.fraction.max)}`,
      r.gflops.toPrecision(3),
      r.peak.median.toFixed(0),
      String(r.rounds),
      r.noisy ? 'noisy' : '',
    ]),
  );
}

/** 0.82, 5.9, 38, 4800. */
export const ratio = (x: number): string => (x < 1 ? x.toFixed(2) : x < 9.95 ? x.toFixed(1) : x < 99.5 ? x.toFixed(0) : String(Number(x.toPrecision(2))));

/** One line a case: our precisions, then each peer's best with the ratio of its time to ours (f32, and our fastest when that is another). */
export function ratioTable(rows: readonly Row[]): string {
  const ids = [...new Set(rows.map((r) => r.id))];
  const peers = [...new Set(rows.map((r) => r.group))].filter((group) => group !== 'flowmatch');
  const head = ['case', 'flowmatch f32', 'flowmatch, fastest other', ...peers.flatMap((peer) => [`${peer}, best`, 'ratio to f32 (other)'])];
  const lines = ids.map((id) => {
    const here = rows.filter((r) => r.id === id);
    const best = bestOf(here);
    const ours = here.filter((r) => r.group === 'flowmatch');
    const f32 = bestOf(ours.filter((r) => r.precision === 'f32')).get('flowmatch');
    const other = bestOf(ours.filter((r) => r.precision !== 'f32')).get('flowmatch');
    const mark = (r: Row): string => (r.noisy ? ' (noisy)' : '');
    const against = (peer: Row, mine: Row | undefined): string | null => (mine === undefined ? null : ratio(peer.seconds.median / mine.seconds.median));
    return [
      here[0]?.title ?? id,
      f32 ? `${time(f32.seconds.median)}, ${percent(f32.fraction.median)}${mark(f32)}` : '',
      other ? `${other.precision} ${time(other.seconds.median)}, ${percent(other.fraction.median)}${mark(other)}` : '',
      ...peers.flatMap((name) => {
        const peer = best.get(name);
        if (peer === undefined) return ['', ''];
        const [a, b] = [against(peer, f32), against(peer, other)];
        return [`${time(peer.seconds.median)} (${peer.contender.replace(`${name} `, '')})`, `${a ?? ''}${b === null ? '' : ` (${b})`}`];
      }),
    ];
  });
  return markdown(head, lines);
}
