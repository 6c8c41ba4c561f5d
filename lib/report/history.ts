// The losses of a run as the model record keeps them (`training.losses`, `training.validation`), read with care: a file may come from anywhere.

export interface LossHistory {
  readonly training: { readonly step: number[]; readonly loss: number[] };
  readonly validation: { readonly step: number[]; readonly loss: number[] } | null;
}

const numbers = (value: unknown): number[] => (Array.isArray(value) ? value.map((v: unknown) => (typeof v === 'number' ? v : Number.NaN)) : []);
const fields = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {});

/** Steps and losses of equal length, finite only. */
function curve(step: readonly number[], loss: readonly number[]) {
  const good = step.map((_, i) => i).filter((i) => Number.isFinite(step[i]) && Number.isFinite(loss[i]));
  return { step: good.map((i) => step[i]!), loss: good.map((i) => loss[i]!) };
}

/** Curves of a model record's `training`, or null when it has none. Each training loss is a mean over `window` steps and stands at the last of them. */
export function lossHistory(training: Readonly<Record<string, unknown>>): LossHistory | null {
  const losses = fields(training['losses']);
  const values = numbers(losses['values']);
  const window = typeof losses['window'] === 'number' && losses['window'] >= 1 ? losses['window'] : 1;
  const last = typeof training['steps'] === 'number' ? training['steps'] : Number.POSITIVE_INFINITY;
  const main = curve(
    values.map((_, i) => Math.min(last, (i + 1) * window)),
    values,
  );
  const held = fields(training['validation']);
  const validation = curve(numbers(held['steps']), numbers(held['losses']));
  return main.step.length < 2 ? null : { training: main, validation: validation.step.length < 1 ? null : validation };
}
