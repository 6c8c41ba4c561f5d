// The paths that closed forms are held against: all built-in ones, and those with fresh noise on the way.

import { condOT, cosine, interpolant, linearVP, polynomial, schrodingerBridge, ve, vp } from '../../lib/index.ts';
import { resolvePath } from '../../lib/paths/paths.ts';
import type { KnownPath } from '../../lib/paths/restore.ts';

const named = (paths: Readonly<Record<string, Parameters<typeof resolvePath>[0]>>): readonly (readonly [name: string, path: KnownPath])[] =>
  Object.entries(paths).map(([name, path]) => [name, resolvePath(path)]);

/** x_t = alpha x1 + sigma x0. */
export const affinePaths = named({
  condOT: condOT(),
  'condOT with sigmaMin': condOT({ sigmaMin: 0.05 }),
  polynomial: polynomial({ power: 2 }),
  linearVP: linearVP(),
  cosine: cosine(),
  vp: vp(),
  ve: ve({ sigmaMin: 0.1, sigmaMax: 8 }),
});

/** x_t = alpha x1 + sigma x0 + gamma eps: the velocity says nothing of the score. */
export const stirredPaths = named({
  'condOT with sigma': condOT({ sigma: 0.3 }),
  'cosine with sigma': cosine({ sigma: 0.3 }),
  'a bridge': schrodingerBridge({ sigma: 0.7 }),
  'a bridge of falling diffusion': schrodingerBridge({ sigma: (t) => 1.5 - t }),
  'linear, sine': interpolant(),
  'trigonometric, brownian': interpolant({ shape: 'trigonometric', gamma: 'brownian', scale: 0.5 }),
  'encoder-decoder': interpolant({ shape: 'encoderDecoder' }),
  'functions of the user': interpolant({ alpha: (t) => t * t * (3 - 2 * t), sigma: (t) => 1 - t * t * (3 - 2 * t), gamma: (t) => 2 * t * (1 - t) }),
});
