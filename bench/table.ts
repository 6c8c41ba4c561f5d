// Rows as Markdown: every reading in full, and one line for each case that sets ours beside the best variant of each peer.

import { bestOf, type Row } from './statistics.ts';

export function time(seconds: number): string {
  if (seconds < 0) return `-${time(-seconds)}`;
  const [scale, unit] = seconds < 0.9995e-3 ? [1e6, 'us'] : seconds < 0.9995 ? [1e3, 'ms'] : [1, 's']; // what rounds to 1000 is 1.00 of the next
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

/**
 * One line a case: our f32 beside the best f32 variant of each peer, and of a peer that has others (`bf16`) its best of any precision beside our fastest. The
 * ratios are of its time to ours.
 */
export function ratioTable(rows: readonly Row[]): string {
  const ids = [...new Set(rows.map((r) => r.id))];
  const wide = (r: Row): boolean => r.precision === 'f32';
  const mixed = (group: string): boolean => rows.some((r) => r.group === group && !wide(r));
  const peers = [...new Set(rows.map((r) => r.group))].filter((group) => group !== 'flowmatch');
  const peerHead = (peer: string): string[] => [`${peer} f32`, 'ratio', ...(mixed(peer) ? [`${peer}, fastest`, 'ratio'] : [])];
  const head = ['case', 'flowmatch f32', ...(mixed('flowmatch') ? ['flowmatch, fastest other'] : []), ...peers.flatMap(peerHead)];
  const lines = ids.map((id) => {
    const here = rows.filter((r) => r.id === id);
    const [f32, any] = [bestOf(here.filter(wide)), bestOf(here)];
    const other = bestOf(here.filter((r) => !wide(r))).get('flowmatch');
    const ours = (r: Row | undefined, name: string): string =>
      r === undefined ? '' : `${name}${time(r.seconds.median)}, ${percent(r.fraction.median)}${r.noisy ? ' (noisy)' : ''}`;
    const against = (peer: Row | undefined, mine: Row | undefined): string[] => [
      peer === undefined ? '' : `${time(peer.seconds.median)} (${peer.contender.replace(`${peer.group} `, '')})`,
      peer === undefined || mine === undefined ? '' : ratio(peer.seconds.median / mine.seconds.median),
    ];
    const [mine, fastest] = [f32.get('flowmatch'), any.get('flowmatch')];
    return [
      here[0]?.title ?? id,
      ours(mine, ''),
      ...(mixed('flowmatch') ? [ours(other, `${other?.precision} `)] : []),
      ...peers.flatMap((peer) => [...against(f32.get(peer), mine), ...(mixed(peer) ? against(any.get(peer), fastest) : [])]),
    ];
  });
  return markdown(head, lines);
}
