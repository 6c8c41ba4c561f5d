// The thin SIMD layer: a vector of FLOW_LANES floats (1, 4, 8 or 16) on compiler vector extensions, and the few operations on which compilers
// differ or do badly. Included by every target inside a namespace of its own (so: no include guard, no #include), everything in an unnamed
// namespace so that no symbol of one ISA can be merged with another's. fma() is a true fused multiply-add wherever the ISA has one; the
// x86-64-v2 baseline multiplies and adds, and is the only target whose bits differ. Division and square root are the true, correctly rounded ones:
// reciprocal estimates differ between makers and would cost the equality of bits.
// Rejected: Highway (as fast here, but a dependency); one vector width for all targets through the compiler's own splitting (spills on AVX2).
namespace {

#define FLOW_INLINE inline __attribute__((always_inline))

#if FLOW_LANES == 1
typedef float F;
typedef int32_t I;
typedef uint32_t U;
typedef double D;
typedef F FUnaligned;
#else
typedef float F __attribute__((vector_size(4 * FLOW_LANES), may_alias));
typedef int32_t I __attribute__((vector_size(4 * FLOW_LANES), may_alias));
typedef uint32_t U __attribute__((vector_size(4 * FLOW_LANES), may_alias));
typedef float FUnaligned __attribute__((vector_size(4 * FLOW_LANES), aligned(4), may_alias));
#endif

constexpr int kWidth = FLOW_LANES;
constexpr float kToInteger = 12582912.0f;  // 1.5 x 2^23: x + this has the nearest integer in its low bits

FLOW_INLINE F splat(float x) {
#if FLOW_LANES == 1
  return x;
#else
  return x - F{};  // x - (+0) keeps -0 and NaN, and every compiler folds it into a broadcast
#endif
}
FLOW_INLINE I splat_bits(int32_t x) {
#if FLOW_LANES == 1
  return x;
#else
  return x - I{};
#endif
}
FLOW_INLINE F load(const float* p) { return *reinterpret_cast<const F*>(p); }
FLOW_INLINE F load_unaligned(const float* p) { return *reinterpret_cast<const FUnaligned*>(p); }
FLOW_INLINE void store(float* p, F x) { *reinterpret_cast<F*>(p) = x; }
FLOW_INLINE void store_unaligned(float* p, F x) { *reinterpret_cast<FUnaligned*>(p) = x; }
// Asks for `count` floats from p, one 64-byte line after the other, into the second-level cache or (near) the first: a hint, never a fault.
FLOW_INLINE void prefetch(const float* p, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) __builtin_prefetch(p + i, 0, 2);
}
FLOW_INLINE void prefetch_near(const float* p, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) __builtin_prefetch(p + i, 0, 3);
}
FLOW_INLINE I bits(F x) { return __builtin_bit_cast(I, x); }
FLOW_INLINE F floats(I x) { return __builtin_bit_cast(F, x); }

// a b + c, rounded once
FLOW_INLINE F fma(F a, F b, F c) {
#if FLOW_LANES == 16
  return (F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif FLOW_LANES == 8
  return (F)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(FLOW_NEON)
  return (F)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif FLOW_LANES == 4
  return a * b + c;
#else
  return __builtin_fmaf(a, b, c);
#endif
}

FLOW_INLINE F square_root(F x) {
#if FLOW_LANES == 16
  return (F)_mm512_sqrt_ps((__m512)x);
#elif FLOW_LANES == 8
  return (F)_mm256_sqrt_ps((__m256)x);
#elif defined(FLOW_NEON)
  return (F)vsqrtq_f32((float32x4_t)x);
#elif FLOW_LANES == 4
  return (F)_mm_sqrt_ps((__m128)x);
#else
  return __builtin_sqrtf(x);
#endif
}

// x - a b exactly where a b fits one float: the rounding error of the product p = a b
FLOW_INLINE F product_error(F a, F b, F p) {
#if FLOW_LANES == 4 && !defined(FLOW_NEON)  // no fma: split each factor in 12 + 12 bits (Veltkamp), overflow only beyond 2^114
  const F s = splat(4097.0f), ca = s * a, cb = s * b;
  const F ah = ca - (ca - a), al = a - ah, bh = cb - (cb - b), bl = b - bh;
  return ((ah * bh - p) + ah * bl + al * bh) + al * bl;
#else
  return fma(a, b, -p);
#endif
}

template <class M>
FLOW_INLINE F select(M mask, F yes, F no) {
  return mask ? yes : no;
}
template <class M>
FLOW_INLINE I select_bits(M mask, I yes, I no) {
  return mask ? yes : no;
}
FLOW_INLINE I minimum(I a, I b) {
#if FLOW_LANES == 16
  return (I)_mm512_min_epi32((__m512i)a, (__m512i)b);
#else
  return a < b ? a : b;
#endif
}
FLOW_INLINE I maximum(I a, I b) {
#if FLOW_LANES == 16
  return (I)_mm512_max_epi32((__m512i)a, (__m512i)b);
#else
  return a > b ? a : b;
#endif
}
// min and max with a constant; a NaN in x comes through (x86's min and max return the second operand then, hence the intrinsics: one instruction).
FLOW_INLINE F at_most(F x, float limit) {
  const F l = splat(limit);
#if FLOW_LANES == 16
  return (F)_mm512_min_ps((__m512)l, (__m512)x);
#elif FLOW_LANES == 8
  return (F)_mm256_min_ps((__m256)l, (__m256)x);
#else
  return select(x > l, l, x);
#endif
}
FLOW_INLINE F at_least(F x, float limit) {
  const F l = splat(limit);
#if FLOW_LANES == 16
  return (F)_mm512_max_ps((__m512)l, (__m512)x);
#elif FLOW_LANES == 8
  return (F)_mm256_max_ps((__m256)l, (__m256)x);
#else
  return select(x < l, l, x);
#endif
}
// -limit <= x <= limit; NaN becomes an end. As integers where no one instruction does it: the same order within each sign.
FLOW_INLINE F within(F x, float limit) {
#if FLOW_LANES == 16
  return (F)_mm512_range_ps((__m512)x, (__m512)splat(limit), 2);  // the smaller magnitude with the sign of x
#else
  const I low = splat_bits(__builtin_bit_cast(int32_t, -limit)), high = splat_bits(__builtin_bit_cast(int32_t, limit));
  const I b = bits(x), cut = b < high ? b : high;
  return floats((I)((U)cut < (U)low ? (U)cut : (U)low));
#endif
}
FLOW_INLINE F magnitude(F x) { return floats(bits(x) & 0x7fffffff); }
FLOW_INLINE F with_sign(F x, F sign) { return floats((bits(x) & 0x7fffffff) | (bits(sign) & INT32_MIN)); }

// Nearest integer, ties to even, for |x| < 2^22: the sum with 1.5 * 2^23 rounds in the mantissa. `n` is the same number as an integer.
FLOW_INLINE F nearest(F x, I& n) {
  const F magic = splat(kToInteger), y = x + magic;
  n = bits(y) - 0x4b400000;
  return y - magic;
}
// x * 2^n for -252 <= n <= 254, rounded once (also into the subnormals): n is split in halves, the first product is exact.
FLOW_INLINE F times_power(F x, F n_float, I n) {
#if FLOW_LANES == 16
  (void)n;
  return (F)_mm512_scalef_ps((__m512)x, (__m512)n_float);
#else
  (void)n_float;
  const I half = n >> 1, rest = n - half;
  return x * floats((half + 127) << 23) * floats((rest + 127) << 23);
#endif
}
FLOW_INLINE F to_float(I x) {
#if FLOW_LANES == 1
  return static_cast<float>(x);
#else
  return __builtin_convertvector(x, F);
#endif
}
FLOW_INLINE float lane(const F& x, int i) {
#if FLOW_LANES == 1
  (void)i;
  return x;
#else
  return x[i];
#endif
}

}  // namespace

// CASE(n) for every height of a register tile, which templates need as a constant.
#if FLOW_LANES == 16
#define FLOW_HEIGHTS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#elif FLOW_LANES == 8 || defined(FLOW_NEON)
#define FLOW_HEIGHTS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#else
#define FLOW_HEIGHTS(CASE) CASE(1) CASE(2) CASE(3)
#endif
