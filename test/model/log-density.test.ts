// The contract of log-densities by every way that there is: fixed steps and steps by error control, exact and estimated, narrow operands.

import { describe } from 'vitest';
import { bosh3, dopri5, dopri8, euler, midpoint, rk4, tsit5 } from '../../lib/index.ts';
import { logDensityContract } from '../contracts/log-density.ts';

const control = { rtol: 1e-4, atol: 1e-4 };
const estimated = { method: 'hutchinson', probes: 3, seed: 5 } as const;

describe('fixed steps', () => {
  describe('euler', () => logDensityContract({ solver: euler({ steps: 3 }) }, 1e-4));
  describe('midpoint', () => logDensityContract({ solver: midpoint({ steps: 4 }) }, 1e-4));
  describe('rk4, estimated', () => logDensityContract({ solver: rk4({ steps: 3 }), ...estimated }, 1e-4));
  describe('rk4, bf16x3', () => logDensityContract({ solver: rk4({ steps: 3 }), precision: 'bf16x3' }, 1e-4));
});

describe('error control', () => {
  describe.each([bosh3, dopri5, tsit5, dopri8])('%o', (make) => logDensityContract({ solver: make(control) }, 1e-4));
  describe('integral controller', () => logDensityContract({ solver: dopri5({ ...control, controller: 'integral' }) }, 1e-4));
  describe('by the state alone', () => logDensityContract({ solver: dopri5(control), traceWeight: 0 }, 1e-4));
  describe('estimated', () => logDensityContract({ solver: dopri5(control), ...estimated }, 1e-4));
  describe('bf16', () => logDensityContract({ solver: dopri5({ rtol: 1e-2, atol: 1e-2 }), precision: 'bf16' }, 1e-2));
});
