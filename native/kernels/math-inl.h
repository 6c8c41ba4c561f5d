// Elementary functions over the vector type F, one definition for every ISA and for the plain reference (F = float): bits agree by construction.
// Coefficients: minimax fits of our own (scripts in docs/decisions/0002-kernels.md tell how); reductions are exact without fma too.
// No libm: its results differ between C libraries and its double exp/log/pow raise the glibc floor.
namespace {

#define FLOW_EACH(i, N) _Pragma("GCC unroll 8") for (int i = 0; i < (N); i++)

// r = x - n ln 2 of N vectors in step, so that their chains hide each other's latency, and q of e^r = 1 + r + r^2 q(r), |r| <= ln 2 / 2; relative error of
// its fit 2^-28. r comes in as x. With kSign = -1 for e^-x: -r comes in as x and stays -r, n is that of -x, and q is -q(r).
template <int kSign, int N>
FLOW_INLINE void exponential_core(const F (&nf)[N], F (&r)[N], F (&q)[N]) {
  FLOW_EACH(i, N) r[i] = fma(nf[i], splat(-kSign * 0x1.62cp-1f), r[i]);  // ln 2 in 11 + 24 bits: n * 0x1.62c is exact
  FLOW_EACH(i, N) r[i] = fma(nf[i], splat(-kSign * 0x1.217f7ep-12f), r[i]);
  FLOW_EACH(i, N) q[i] = fma(splat(kSign * 1.381949056e-03f), r[i], splat(8.368690498e-03f));
  FLOW_EACH(i, N) q[i] = fma(q[i], r[i], splat(kSign * 4.166828096e-02f));
  FLOW_EACH(i, N) q[i] = fma(q[i], r[i], splat(1.666652113e-01f));
  FLOW_EACH(i, N) q[i] = fma(q[i], r[i], splat(kSign * 4.999999404e-01f));
}
// e^x. Measured <= 1 ULP. Subnormal results are kept.
FLOW_INLINE F exponential(F x) {
  I n;
  F r[1] = {at_least(at_most(x, 89.0f), -104.0f)}, q[1];
  const F nf[1] = {nearest(r[0] * splat(1.44269504f), n)};
  exponential_core<1>(nf, r, q);
  return times_power(fma(r[0] * r[0], q[0], r[0]) + splat(1.0f), nf[0], n);
}
// q and two_n with e^-z = q two_n, of N vectors for |z| <= 88; what is outside counts as the nearer end, NaN as either, and e^-88 as zero. The fewest
// operations on the ports of fma, which bound activations: n comes out of the rounding with its bias, so that a shift makes 2^n, and -z is never formed.
template <int N>
FLOW_INLINE void exponential_of_minus(const F (&z)[N], F (&q)[N], F (&two_n)[N]) {
  constexpr float kToExponent = kToInteger + 127.0f;
  F r[N], y[N], nf[N];
  FLOW_EACH(i, N) r[i] = within(z[i], 88.0f);
  FLOW_EACH(i, N) y[i] = fma(r[i], splat(-1.44269504f), splat(kToExponent));
  FLOW_EACH(i, N) nf[i] = y[i] - splat(kToExponent);
  FLOW_EACH(i, N) two_n[i] = floats(bits(y[i]) << 23);
  exponential_core<-1>(nf, r, q);
  FLOW_EACH(i, N) q[i] = fma(q[i], r[i], splat(1.0f));
  FLOW_EACH(i, N) q[i] = fma(q[i], -r[i], splat(1.0f));
}

// e^x - 1 of N vectors for x <= 0: n = 0 keeps the small end exact, otherwise 2^n p + (2^n - 1).
template <int N>
FLOW_INLINE void exponential_minus_one(F (&x)[N]) {
  F nf[N], r[N], q[N], two_n[N];
  I n[N];
  FLOW_EACH(i, N) r[i] = at_least(x[i], -18.0f);  // below, e^x < 2^-25
  FLOW_EACH(i, N) nf[i] = nearest(r[i] * splat(1.44269504f), n[i]);
  exponential_core<1>(nf, r, q);
  FLOW_EACH(i, N) q[i] = fma(r[i] * r[i], q[i], r[i]);
  FLOW_EACH(i, N) two_n[i] = floats((n[i] + 127) << 23);
  FLOW_EACH(i, N) q[i] = fma(two_n[i], q[i], two_n[i] - splat(1.0f));
  FLOW_EACH(i, N) x[i] = select(x[i] == splat(0.0f), x[i], q[i]);  // keeps -0
}

// ln x for normal x > 0. x = 2^e m, m in [sqrt(1/2), sqrt 2); ln m = f - f^2/2 + f^3 P(f), f = m - 1, relative error of the fit 2^-27.
FLOW_INLINE F logarithm(F x) {
  const I b = bits(x), e = (b - 0x3f3504f3) >> 23;
  const F f = floats(b - (e << 23)) - splat(1.0f), ef = to_float(e), f2 = f * f;
  F p = splat(-7.645149529e-02f);
  p = fma(p, f, splat(1.277835518e-01f));
  p = fma(p, f, splat(-1.316422820e-01f));
  p = fma(p, f, splat(1.419983208e-01f));
  p = fma(p, f, splat(-1.662277430e-01f));
  p = fma(p, f, splat(2.000128478e-01f));
  p = fma(p, f, splat(-2.500083745e-01f));
  p = fma(p, f, splat(3.333333135e-01f));
  F y = fma(f2 * f, p, ef * splat(0x1.217f7ep-12f));
  y = fma(f2, splat(-0.5f), y) + f;
  return fma(ef, splat(0x1.62cp-1f), y);
}

// sin and cos of r in [-pi/4, pi/4] turned by q quarter turns; fits 2^-28 and 2^-33.
FLOW_INLINE void quarter_turns(F r, I q, F& sine, F& cosine) {
  const F z = r * r;
  F s = fma(splat(-1.951789454e-04f), z, splat(8.332187310e-03f));
  s = fma(s, z, splat(-1.666665524e-01f));
  s = fma(s * z, r, r);
  F c = fma(splat(2.443232916e-05f), z, splat(-1.388730947e-03f));
  c = fma(c, z, splat(4.166664556e-02f));
  c = fma(c * z, z, fma(z, splat(-0.5f), splat(1.0f)));
  const auto odd = (q & 1) != 0;
  const F a = select(odd, c, s), b = select(odd, s, c);
  sine = floats(bits(a) ^ ((q & 2) << 30));
  cosine = floats(bits(b) ^ (((q + 1) & 2) << 30));
}

// sin x and cos x for |x| <= 8192: pi/2 in 10 + 10 + 10 + 24 bits, n < 2^13, so the first three products are exact. Larger arguments: see sincos.
FLOW_INLINE void sine_cosine(F x, F& sine, F& cosine) {
  I n;
  const F nf = nearest(x * splat(0.636619772f), n);
  F r = fma(nf, splat(-0x1.92p+0f), x);
  r = fma(nf, splat(-0x1.fbp-12f), r);
  r = fma(nf, splat(-0x1.51p-22f), r);
  r = fma(nf, splat(-0x1.0b4612p-34f), r);
  quarter_turns(r, n, sine, cosine);
  sine = select(x == splat(0.0f), x, sine);
}

// The same for any finite argument, scalar: |x| = m 2^e times 96 bits of 2 / pi from the place where whole circles have dropped out (Payne, Hanek 1983).
inline void sine_cosine_large(float x, float& sine, float& cosine) {
  const uint32_t b = __builtin_bit_cast(uint32_t, x);
  const int exponent = static_cast<int>(b >> 23 & 255);
  if (exponent == 255) {
    sine = cosine = x - x;
    return;
  }
  static const uint32_t two_over_pi[7] = {0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
  const int e = exponent - 150, skip = e > 2 ? e - 2 : 0, fraction_bits = 96 - (e - skip);
  unsigned __int128 window = 0;
  for (int i = 0; i < 4; i++) window = window << 32 | two_over_pi[skip / 32 + i];
  window = window << (skip % 32) >> 32;
  const unsigned __int128 product = window * ((b & 0x7fffffu) | 0x800000u);
  int32_t q = static_cast<int32_t>(product >> fraction_bits) & 3;
  int64_t part = static_cast<int64_t>(product << (128 - fraction_bits) >> 66);  // 62 bits of the fraction of a quarter turn
  if (part >> 61 & 1) {
    part -= INT64_C(1) << 62;
    q++;
  }
  const float r = static_cast<float>(part) * (0x1p-62f * 1.57079633f), z = r * r;
  const float s = ((-1.951789454e-04f * z + 8.332187310e-03f) * z - 1.666665524e-01f) * z * r + r;
  const float c = ((2.443232916e-05f * z - 1.388730947e-03f) * z + 4.166664556e-02f) * z * z + (1.0f - 0.5f * z);
  const float a = q & 1 ? c : s, d = q & 1 ? s : c;
  sine = ((q & 2) != 0) != (x < 0) ? -a : a;
  cosine = (q + 1) & 2 ? -d : d;
}

// tanh: x + x^3 T(x^2) for |x| < 0.625 (fit 2^-32), else 1 - 2 / (e^2|x| + 1).
FLOW_INLINE F hyperbolic_tangent(F x) {
  const F a = magnitude(x), z = x * x;
  F t = splat(2.152681118e-03f);
  t = fma(t, z, splat(-8.190012537e-03f));
  t = fma(t, z, splat(2.170689404e-02f));
  t = fma(t, z, splat(-5.394817889e-02f));
  t = fma(t, z, splat(1.333322078e-01f));
  t = fma(t, z, splat(-3.333333135e-01f));
  const F small = with_sign(fma(t * z, x, x), x);
  const F e = exponential(a + a), large = with_sign(splat(1.0f) - splat(2.0f) / (e + splat(1.0f)), x);
  return select(a < splat(0.625f), small, select(x == x, large, x));
}

// Phi(-z) = e^(-z^2/2) g(z) for z >= 0, g(z) = erfc(z / sqrt 2) e^(z^2/2) / 2 as a polynomial in 1 / (1 + 0.3 z), fit 2^-28; `bell` = e^(-z^2/2).
FLOW_INLINE F normal_tail(F z, F& bell) {
  const F z2 = z * z, low = product_error(z, z, z2);
  bell = exponential(z2 * splat(-0.5f));
  bell = fma(bell, select(z < splat(15.0f), low * splat(-0.5f), splat(0.0f)), bell);  // the rounding of z^2, magnified by the exponent
  const F t = splat(1.0f) / fma(splat(0.3f), z, splat(1.0f));
  F g = splat(-2.061951347e-02f);
  g = fma(g, t, splat(1.124136075e-01f));
  g = fma(g, t, splat(-2.281604558e-01f));
  g = fma(g, t, splat(1.917115003e-01f));
  g = fma(g, t, splat(-7.936065644e-02f));
  g = fma(g, t, splat(9.612181038e-02f));
  g = fma(g, t, splat(7.840226591e-02f));
  g = fma(g, t, splat(1.102325991e-01f));
  g = fma(g, t, splat(1.195721701e-01f));
  g = fma(g, t, splat(1.196866706e-01f));
  return bell * (g * t);
}

constexpr float kSeluScale = 1.0507009873554805f, kSeluAlpha = 1.6732632423543772f;

// r = act(z) and slope = act'(z). PyTorch's definitions: gelu is the erf form, elu has alpha = 1. NaN comes through; -0 stays -0.
struct Identity {
  static FLOW_INLINE void apply(F z, F& r, F& slope) {
    r = z;
    slope = splat(1.0f);
  }
};
template <class Act>
struct InStep {  // of one vector what apply_all does with N
  static FLOW_INLINE void apply(F z, F& r, F& slope) {
    const F one_z[1] = {z};
    F one_r[1], one_slope[1];
    Act::apply_all(one_z, one_r, one_slope);
    r = one_r[0];
    slope = one_slope[0];
  }
};
// z s(z), s = 1 / (1 + E), E = e^-z; slope = s + r (1 - s), with 1 - s = E s free of cancellation. The sum with 1 takes 2^n in. Below -87.3 s is subnormal and
// flushed: r = -0; from 88 on E is 0 and the slope of any finite z 1.
struct Silu : InStep<Silu> {
  template <int N>
  static FLOW_INLINE void apply_all(const F (&z)[N], F (&r)[N], F (&slope)[N]) {
    const F one = splat(1.0f);
    F q[N], two_n[N], s[N];  // E = two_n q
    exponential_of_minus(z, q, two_n);
    FLOW_EACH(i, N) s[i] = one / fma(two_n[i], q[i], one);
    FLOW_EACH(i, N) r[i] = z[i] * s[i];
    FLOW_EACH(i, N) slope[i] = fma(r[i], two_n[i] * q[i] * s[i], s[i]);
  }
};
struct Gelu {  // z Phi(z); slope = Phi(z) + z phi(z). Phi = 1/2 + z P(z^2) in the middle (fit 2^-28).
  static FLOW_INLINE void apply(F z, F& r, F& slope) {
    F bell;
    const F a = magnitude(z), tail = normal_tail(a, bell), side = select(z < splat(0.0f), tail, splat(1.0f) - tail), z2 = z * z;
    F p = splat(-8.169563444e-06f);
    p = fma(p, z2, splat(1.150188327e-04f));
    p = fma(p, z2, splat(-1.188019989e-03f));
    p = fma(p, z2, splat(9.974163026e-03f));
    p = fma(p, z2, splat(-6.649053842e-02f));
    p = fma(p, z2, splat(3.989422917e-01f));
    const F phi = select(a < splat(0.75f), fma(z, p, splat(0.5f)), side);
    r = z * phi;
    slope = fma(z * splat(0.398942280f), bell, phi);
  }
};
struct Selu : InStep<Selu> {
  template <int N>
  static FLOW_INLINE void apply_all(const F (&z)[N], F (&r)[N], F (&slope)[N]) {
    const F scale = splat(kSeluScale), both = splat(kSeluScale * kSeluAlpha);
    F e[N];
    FLOW_EACH(i, N) e[i] = at_most(z[i], 0.0f);
    exponential_minus_one(e);
    FLOW_EACH(i, N) {
      const auto positive = z[i] > splat(0.0f);
      slope[i] = select(positive, scale, fma(both, e[i], both));
      r[i] = select(positive, scale * z[i], both * e[i]);
    }
  }
};
struct Elu : InStep<Elu> {
  template <int N>
  static FLOW_INLINE void apply_all(const F (&z)[N], F (&r)[N], F (&slope)[N]) {
    const F one = splat(1.0f);
    F e[N];
    FLOW_EACH(i, N) e[i] = at_most(z[i], 0.0f);
    exponential_minus_one(e);
    FLOW_EACH(i, N) {
      const auto positive = z[i] > splat(0.0f);
      slope[i] = select(positive, one, e[i] + one);
      r[i] = select(positive, z[i], e[i]);
    }
  }
};
struct Relu {
  static FLOW_INLINE void apply(F z, F& r, F& slope) {
    const F zero = splat(0.0f);
    r = select(z < zero, zero, z);
    slope = select(z > zero, splat(1.0f), zero);
  }
};
struct Tanh {
  static FLOW_INLINE void apply(F z, F& r, F& slope) {
    r = hyperbolic_tangent(z);
    slope = fma(-r, r, splat(1.0f));
  }
};

// N vectors in step where the activation knows how, else one after the other.
template <class Act, int N>
FLOW_INLINE void apply_all(const F (&z)[N], F (&r)[N], F (&slope)[N]) {
  if constexpr (requires { Act::apply_all(z, r, slope); }) Act::apply_all(z, r, slope);
  else FLOW_EACH(i, N) Act::apply(z[i], r[i], slope[i]);
}

}  // namespace
