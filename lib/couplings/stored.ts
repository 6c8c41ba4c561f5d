// Built-in couplings by the names that they have in files, such as "sinkhorn absolute 2 within 0.001 in 1000 of 512 ignoring the condition": what is read is
// made anew, and must then have the very name.

import { FlowError } from '../errors.ts';
import type { BuiltInCoupling, OptimalCoupling } from './coupling.ts';
import { type Regularisation, type SinkhornOptions, sinkhorn, unbalancedOT } from './entropic.ts';
import { type MinibatchOTOptions, minibatchOT, partialOT } from './optimal.ts';

const strength = '(?:absolute )?\\S+';
const limits = '(?: within (?<tolerance>\\S+) in (?<iterations>\\S+))';
const rest = '(?: of (?<batch>\\d+))?(?<ignoring> ignoring the condition)?';
type Groups = Readonly<Record<string, string | undefined>>;

const kinds: readonly (readonly [RegExp, (groups: Groups) => OptimalCoupling])[] = [
  [RegExp(`^minibatchOT${rest}$`), (groups) => minibatchOT(common(groups))],
  [RegExp(`^partialOT (?<mass>\\S+?)${rest}$`), (groups) => partialOT({ ...common(groups), mass: Number(groups['mass']) })],
  [
    RegExp(`^sinkhorn (?<regularisation>${strength})(?:(?<permutation> as a permutation)|${limits})${rest}$`),
    (groups) => sinkhorn({ ...common(groups), ...entropic(groups), ...(groups['permutation'] ? { rounding: 'permutation' } : {}) }),
  ],
  [
    RegExp(`^unbalancedOT (?<regularisation>${strength}) marginal (?<marginal>${strength})${limits}${rest}$`),
    (groups) => unbalancedOT({ ...common(groups), ...entropic(groups), marginal: parse(groups['marginal'] as string) }),
  ],
];

/** A built-in coupling by the name that it has in files; null for any other. */
export function builtInCoupling(name: unknown): BuiltInCoupling | null {
  if (name === 'independent') return Object.freeze({ name });
  if (typeof name !== 'string' || name.length > 200) return null;
  for (const [form, make] of kinds) {
    const groups = form.exec(name)?.groups;
    if (groups === undefined) continue;
    try {
      const coupling = make(groups);
      return coupling.name === name ? coupling : null;
    } catch (error) {
      if (error instanceof FlowError) return null; // a number out of its range
      throw error;
    }
  }
  return null;
}

const common = ({ batch, ignoring }: Groups): MinibatchOTOptions => ({
  ...(ignoring === undefined ? {} : { ignoreCondition: true }),
  ...(batch === undefined ? {} : { batch: Number(batch) }),
});
const entropic = ({ regularisation, tolerance, iterations }: Groups): Pick<SinkhornOptions, 'regularisation' | 'tolerance' | 'iterations'> => ({
  regularisation: parse(regularisation as string),
  ...(tolerance === undefined ? {} : { tolerance: Number(tolerance), iterations: Number(iterations) }),
});
const parse = (text: string): Regularisation => (text.startsWith('absolute ') ? { absolute: Number(text.slice('absolute '.length)) } : Number(text));
