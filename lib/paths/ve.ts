// The variance-exploding diffusion as a path: alpha = 1, sigma = a (b / a)^(1-t); alpha / sigma = rho at t = log(rho b) / log(b / a).
// The source is N(0, b^2). Source: Song et al., arXiv 2011.13456, turned to t = 0 noise, t = 1 data.

import { finite, record } from '../options.ts';
import { type AffinePath, affinePath } from './affine.ts';

/**
 * The path of variance-exploding diffusion models: noise of standard deviation sigmaMax on unscaled data shrinks to sigmaMin, which stays on the samples.
 * The network sees states as large as sigmaMax: for normalised data 5 to 10 is enough, and far easier to learn than the default, which images need.
 * @param options.sigmaMin In [1e-4, 0.1]. @default 0.01
 * @param options.sigmaMax In [1, 1000]. @default 50
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, path: ve({ sigmaMax: 8 }) })
 */
export function ve(options: { readonly sigmaMin?: number; readonly sigmaMax?: number } = {}): AffinePath {
  const given = record(options, 've', ['sigmaMin', 'sigmaMax']);
  const a = finite(given.sigmaMin ?? 0.01, 've.sigmaMin', 1e-4, 0.1);
  const b = finite(given.sigmaMax ?? 50, 've.sigmaMax', 1, 1000);
  const rate = Math.log(b / a);
  return affinePath({
    name: 've',
    constants: { sigmaMin: a, sigmaMax: b },
    sourceScale: b,
    at: (t) => {
      const sigma = t < 0.5 ? b * Math.exp(-rate * t) : a * Math.exp(rate * (1 - t)); // exact at both ends
      return [1, sigma, 0, -rate * sigma];
    },
    timeOf: (rho) => Math.log(rho * b) / rate,
  });
}
