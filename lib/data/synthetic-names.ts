// The names of the toy distributions: all that is known of them before one is drawn.

export type SyntheticName = 'normal' | '8gaussians' | 'moons' | 'scurve' | 'checkerboard' | 'swissroll' | 'circles' | 'pinwheel' | 'spirals';
/** All names, as `flowmatch demo` lists them. */
export const syntheticNames: readonly SyntheticName[] = Object.freeze([
  'normal',
  '8gaussians',
  'moons',
  'scurve',
  'checkerboard',
  'swissroll',
  'circles',
  'pinwheel',
  'spirals',
] as const);
