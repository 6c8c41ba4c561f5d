// Colours by role. `light` and `dark` are literals for files that stand alone; `page` names CSS variables, so that one drawing follows the reader's setting.
// The series colours are Okabe and Ito's, told apart under every common colour blindness; the dark ones are lightened.

export interface Theme {
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  readonly background: string;
  readonly series: readonly string[];
  readonly positive: string;
  readonly negative: string;
  readonly onStrong: string;
}

export const light: Theme = {
  ink: '#1c2430',
  muted: '#667085',
  grid: '#e6e9ef',
  background: '#ffffff',
  series: ['#0072b2', '#d55e00', '#009e73', '#b5568f', '#b8860b', '#3f9bd1'],
  positive: '#0072b2',
  negative: '#d55e00',
  onStrong: '#ffffff',
};

export const dark: Theme = {
  ink: '#e6e9ef',
  muted: '#98a2b3',
  grid: '#2b3341',
  background: '#12161d',
  series: ['#4db1ec', '#ff8f45', '#2fd0a0', '#e58fc2', '#e3b341', '#8ccdf2'],
  positive: '#3f9fdc',
  negative: '#f07f35',
  onStrong: '#0b0e13',
};

/** The role's CSS variable; `themeCss` gives it its two values. */
export const page: Theme = {
  ink: 'var(--ink)',
  muted: 'var(--muted)',
  grid: 'var(--grid)',
  background: 'var(--background)',
  series: light.series.map((_, i) => `var(--series-${i + 1})`),
  positive: 'var(--positive)',
  negative: 'var(--negative)',
  onStrong: 'var(--on-strong)',
};

const variables = (theme: Theme): string =>
  [
    `--ink:${theme.ink};--muted:${theme.muted};--grid:${theme.grid};--background:${theme.background};`,
    `--positive:${theme.positive};--negative:${theme.negative};--on-strong:${theme.onStrong};`,
    ...theme.series.map((colour, i) => `--series-${i + 1}:${colour};`),
  ].join('');

/** Both themes as CSS: the reader's system setting decides. */
export const themeCss = `:root{color-scheme:light dark;${variables(light)}}@media (prefers-color-scheme:dark){:root{${variables(dark)}}}`;

export const fontFamily = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
