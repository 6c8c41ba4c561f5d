// The losses of a run as the model record keeps them (`training.history`), read with care: a file may come from anywhere.

export interface LossHistory {
  readonly training: { readonly step: number[]; readonly loss: number[] };
  readonly validation: { readonly step: number[]; readonly loss: number[] } | null;
}

/** Curves out of `training.history`, or null when there are none. */
export function lossHistory(training: Readonly<Record<string, unknown>>): LossHistory | null {
  const entries = Array.isArray(training['history']) ? (training['history'] as unknown[]) : [];
  const curve = (name: string) => {
    const points = entries.flatMap((entry) => {
      const { step, [name]: loss } = (entry ?? {}) as Record<string, unknown>;
      return typeof step === 'number' && typeof loss === 'number' && Number.isFinite(step) && Number.isFinite(loss) ? [[step, loss] as const] : [];
    });
    return { step: points.map(([step]) => step), loss: points.map(([, loss]) => loss) };
  };
  const [losses, validation] = [curve('loss'), curve('validation')];
  return losses.step.length < 2 ? null : { training: losses, validation: validation.step.length < 1 ? null : validation };
}
