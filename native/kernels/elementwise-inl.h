// One pass over a buffer: activations, sums, Runge-Kutta combinations, the bridge between x0 and x1, sine and cosine.
namespace {

template <class Act>
void activate_as(int64_t n, const float* z, float* r, float* slope) {
  constexpr int N = 32 / kWidth < 4 ? 32 / kWidth : 4;  // vectors in step; n is a multiple of 32
  for (int64_t i = 0; i < n; i += N * kWidth) {
    F value[N], s[N];
    FLOW_EACH(v, N) value[v] = load(z + i + v * kWidth);
    apply_all<Act, N>(value, value, s);
    FLOW_EACH(v, N) store(r + i + v * kWidth, value[v]);
    if (slope) FLOW_EACH(v, N) store(slope + i + v * kWidth, s[v]);
  }
}
void activate(Activation activation, int64_t n, const float* z, float* r, float* slope) {
  switch (activation) {
    case Activation::kSilu:
      return activate_as<Silu>(n, z, r, slope);
    case Activation::kGelu:
      return activate_as<Gelu>(n, z, r, slope);
    case Activation::kSelu:
      return activate_as<Selu>(n, z, r, slope);
    case Activation::kElu:
      return activate_as<Elu>(n, z, r, slope);
    case Activation::kRelu:
      return activate_as<Relu>(n, z, r, slope);
    case Activation::kTanh:
      return activate_as<Tanh>(n, z, r, slope);
    default:
      return activate_as<Identity>(n, z, r, slope);
  }
}

void multiply(int64_t n, const float* a, const float* b, float* y) {
  for (int64_t i = 0; i < n; i += kWidth) store(y + i, load(a + i) * load(b + i));
}
void add(int64_t n, const float* a, const float* b, float* y) {
  for (int64_t i = 0; i < n; i += kWidth) store(y + i, load(a + i) + load(b + i));
}
void scale(int64_t n, float s, const float* a, float* y) {
  const F factor = splat(s);
  for (int64_t i = 0; i < n; i += kWidth) store(y + i, factor * load(a + i));
}
void combine(int64_t n, const float* x, int32_t terms, const float* c, const float* const* k, float* y) {
  for (int64_t i = 0; i < n; i += kWidth) {
    F sum = load(x + i);
    for (int j = 0; j < terms; j++) sum = fma(splat(c[j]), load(k[j] + i), sum);
    store(y + i, sum);
  }
}

FLOW_INLINE float fma_one(float a, float b, float c) {
#if FLOW_LANES == 4 && !defined(FLOW_NEON)
  return a * b + c;
#else
  return __builtin_fmaf(a, b, c);
#endif
}

// Few columns: 16 rows at a time as one run of numbers, their coefficients repeated C times.
template <int C>
int mix_few(int32_t rows, const float* a, const float* x1, const float* s, const float* x0, const float* g, const float* eps, float* y) {
  constexpr int kRows = 16;
  alignas(64) float ra[kRows * C], rs[kRows * C], rg[kRows * C];
  int r = 0;
  for (; r + kRows <= rows; r += kRows) {
    for (int i = 0; i < kRows; i++)
      for (int c = 0; c < C; c++) {
        ra[i * C + c] = a[r + i];
        rs[i * C + c] = s[r + i];
        if (eps) rg[i * C + c] = g[r + i];
      }
    for (int i = 0; i < kRows * C; i += kWidth) {
      const int64_t at = static_cast<int64_t>(r) * C + i;
      F bridge = fma(load(ra + i), load_unaligned(x1 + at), load(rs + i) * load_unaligned(x0 + at));
      if (eps) bridge = fma(load(rg + i), load_unaligned(eps + at), bridge);
      store_unaligned(y + at, bridge);
    }
  }
  return r;
}

void mix(int32_t rows, int32_t cols, const float* a, const float* x1, const float* s, const float* x0, const float* g, const float* eps, float* y) {
  int done = 0;
  if (cols == 1) done = mix_few<1>(rows, a, x1, s, x0, g, eps, y);
  if (cols == 2) done = mix_few<2>(rows, a, x1, s, x0, g, eps, y);
  if (cols == 3) done = mix_few<3>(rows, a, x1, s, x0, g, eps, y);
  const int64_t skip = static_cast<int64_t>(done) * cols;
  x1 += skip;
  x0 += skip;
  y += skip;
  if (eps) eps += skip;
  for (int r = done; r < rows; r++, x1 += cols, x0 += cols, y += cols, eps = eps ? eps + cols : nullptr) {
    const F va = splat(a[r]), vs = splat(s[r]);
    int c = 0;
    for (; c + kWidth <= cols; c += kWidth) {
      F bridge = fma(va, load_unaligned(x1 + c), vs * load_unaligned(x0 + c));
      if (eps) bridge = fma(splat(g[r]), load_unaligned(eps + c), bridge);
      store_unaligned(y + c, bridge);
    }
    for (; c < cols; c++) {
      const float bridge = fma_one(a[r], x1[c], s[r] * x0[c]);
      y[c] = eps ? fma_one(g[r], eps[c], bridge) : bridge;
    }
  }
}

void sincos(int64_t n, const float* x, float* s, float* c) {
  for (int64_t i = 0; i < n; i += kWidth) {
    const int count = n - i < kWidth ? static_cast<int>(n - i) : kWidth;
    alignas(64) float in[kWidth] = {}, sine[kWidth], cosine[kWidth];
    for (int j = 0; j < count; j++) in[j] = x[i + j];
    F vs, vc;
    sine_cosine(load(in), vs, vc);
    store(sine, vs);
    store(cosine, vc);
    for (int j = 0; j < count; j++) {
      if (!(__builtin_fabsf(in[j]) <= 8192.0f)) sine_cosine_large(in[j], sine[j], cosine[j]);
      s[i + j] = sine[j];
      c[i + j] = cosine[j];
    }
  }
}

}  // namespace
