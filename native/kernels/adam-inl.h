// AdamW in one pass: moments (those below the smallest normal number become zero: without gradients they would decay into subnormals, stick there, and slow
// every later step on CPUs that take a trap for each), decoupled decay, update, EMA (Loshchilov, Hutter 2019, algorithm 2). True division and square root.
namespace {

FLOW_INLINE F normal_or_zero(F x) { return select(magnitude(x) < splat(0x1p-126f), F{}, x); }

template <bool kEma>
FLOW_INLINE void adam_pass(const AdamArgs& a) {
  const F beta1 = splat(static_cast<float>(a.beta1)), rest1 = splat(static_cast<float>(1.0 - a.beta1));
  const F beta2 = splat(static_cast<float>(a.beta2)), rest2 = splat(static_cast<float>(1.0 - a.beta2));
  const F step = splat(-static_cast<float>(a.lr / a.correction1)), keep = splat(1.0f - a.lr * a.weight_decay),
          ema_rest = splat(static_cast<float>(1.0 - a.ema_decay));
  const F root = splat(__builtin_sqrtf(static_cast<float>(1.0 / a.correction2))), epsilon = splat(a.epsilon), grad_scale = splat(a.grad_scale);
  for (int64_t i = 0; i < a.n; i += kWidth) {
    const F g = load(a.g + i) * grad_scale;
    const F m = normal_or_zero(fma(beta1, load(a.m + i), rest1 * g)), v = normal_or_zero(fma(beta2, load(a.v + i), rest2 * g * g));
    const F p = fma(step, m / fma(square_root(v), root, epsilon), load(a.p + i) * keep);
    store(a.m + i, m);
    store(a.v + i, v);
    store(a.p + i, p);
    if (kEma) {
      const F ema = load(a.ema + i);
      store(a.ema + i, fma(ema_rest, p - ema, ema));
    }
  }
}

void adam(const AdamArgs& a) { a.ema ? adam_pass<true>(a) : adam_pass<false>(a); }

}  // namespace
