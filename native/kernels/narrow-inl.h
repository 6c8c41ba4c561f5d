// bfloat16 products: dense, weight gradient, conversion and packing for one vector type. One step takes a pair of neighbouring k: with FLOW_DOT
// (AVX512_BF16) one instruction, elsewhere two fma on the halves, even then odd. Register tiles as in dense-inl.h, but no blocks of k: an operand's error
// (2^-9) is far above that of a long sum, and a panel is half as large.
namespace {

constexpr int kNarrowVectors = kLanes / kWidth;                              // vectors of a panel row
constexpr int kNarrowAtOnce = kNarrowVectors < 2 ? 1 : kWidth == 1 ? 1 : 2;  // of them in registers together
constexpr int kNarrowRows = kWidth == 16 ? 12 : 4;

#if defined(FLOW_DOT)
typedef I Pair;
FLOW_INLINE Pair halves(I w) { return w; }
FLOW_INLINE F dot(F sum, Pair a, Pair b) { return (F)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b); }
#else
struct Pair {
  F even, odd;
};
FLOW_INLINE Pair halves(I w) { return {floats(w << 16), floats(w & static_cast<int32_t>(0xffff0000))}; }
FLOW_INLINE F dot(F sum, const Pair& a, const Pair& b) { return fma(a.odd, b.odd, fma(a.even, b.even, sum)); }
#endif
typedef int32_t Word __attribute__((may_alias));
#if FLOW_LANES == 1
FLOW_INLINE I load_words(const Bf16* p) { return *reinterpret_cast<const Word*>(p); }
#else
FLOW_INLINE I load_words(const Bf16* p) { return *reinterpret_cast<const I*>(p); }
#endif
FLOW_INLINE int32_t word(const Bf16* p) { return *reinterpret_cast<const Word*>(p); }
FLOW_INLINE F narrow_keep(F x, int count) {  // lanes >= count become zero
#if FLOW_LANES == 16
  return (F)_mm512_maskz_mov_ps(static_cast<__mmask16>((1u << count) - 1u), (__m512)x);
#elif FLOW_LANES == 1
  return count > 0 ? x : 0.0f;
#else
  I index;
  for (int i = 0; i < kWidth; i++) index[i] = i;
  return select(index < splat_bits(count), x, F{});
#endif
}

// The bits of the nearest bfloat16, ties to even, in the upper halves; NaN stays NaN.
FLOW_INLINE I nearest_bits(F x) {
  const I b = bits(x), r = b + 0x7fff + ((b >> 16) & 1);
  return select_bits(x == x, r, b | 0x400000) & static_cast<int32_t>(0xffff0000);
}
FLOW_INLINE F rounded(F x) { return floats(nearest_bits(x)); }
FLOW_INLINE void store_narrow(Bf16* p, F x) {
#if defined(FLOW_DOT)
  *reinterpret_cast<__m256bh*>(p) = _mm512_cvtneps_pbh((__m512)x);
#elif FLOW_LANES == 1
  *p = static_cast<Bf16>(static_cast<uint32_t>(nearest_bits(x)) >> 16);
#else
  typedef Bf16 H __attribute__((vector_size(2 * FLOW_LANES), may_alias));
  *reinterpret_cast<H*>(p) = __builtin_convertvector((U)nearest_bits(x) >> 16, H);
#endif
}

// Sigmoid to 2^-13: 2^y = 2^floor(y) 2^f, f in [0, 1) by a cubic (relative error 7.5e-5); on AVX-512 floor comes with the scaling, which saturates where it
// must, and the reciprocal is the estimate (2^-14).
struct QuickSilu {
  static FLOW_INLINE void apply(F z, F& r, F& slope) {
#if FLOW_LANES == 16
    const F y = z * splat(-1.44269504f), f = (F)_mm512_reduce_ps((__m512)y, 0x09);
#else
    const F y = at_least(at_most(z * splat(-1.44269504f), 126.0f), -126.0f);
    I n;
    const F nf = nearest(y - splat(0.5f), n), f = y - nf;
#endif
    F p = fma(splat(0.0780245215f), f, splat(0.226067156f));
    p = fma(p, f, splat(0.695833564f));
    p = fma(p, f, splat(0.999925196f));
#if FLOW_LANES == 16
    const F s = (F)_mm512_rcp14_ps(_mm512_add_ps(_mm512_set1_ps(1.0f), _mm512_scalef_ps((__m512)p, (__m512)y)));
#else
    const F s = splat(1.0f) / (splat(1.0f) + times_power(p, nf, n));
#endif
    r = z * s;
    slope = fma(r, splat(1.0f) - s, s);
  }
};

// z[r][p][32] = sum over k pairs of x[r] w_p, for R rows, P panels and V vectors from vector `first`.
template <int R, int P, int V>
void narrow_tile(const Bf16* x, int64_t x_block, const Bf16* w, int64_t w_panel, int pairs, float* z, int64_t z_panel, int first) {
  F sum[R][P * V];
#pragma GCC unroll 24
  for (int r = 0; r < R; r++)
#pragma GCC unroll 24
    for (int v = 0; v < P * V; v++) sum[r][v] = F{};
  w += first * 2 * kWidth;
  for (int done = 0; done < pairs; done += kLanes / 2, x += x_block) {
    const int n = pairs - done < kLanes / 2 ? pairs - done : kLanes / 2;
    for (int j = 0; j < n; j++) {
      Pair b[P * V];
#pragma GCC unroll 24
      for (int v = 0; v < P * V; v++) b[v] = halves(load_words(w + v / V * w_panel + v % V * 2 * kWidth));
#pragma GCC unroll 24
      for (int r = 0; r < R; r++) {
        const Pair a = halves(splat_bits(word(x + r * kLanes + 2 * j)));
#pragma GCC unroll 24
        for (int v = 0; v < P * V; v++) sum[r][v] = dot(sum[r][v], a, b[v]);
      }
      w += 2 * kLanes;
    }
  }
#pragma GCC unroll 24
  for (int r = 0; r < R; r++)
#pragma GCC unroll 24
    for (int v = 0; v < P * V; v++) store(z + v / V * z_panel + r * kLanes + (first + v % V) * kWidth, sum[r][v]);
}

template <int R, int P>
FLOW_INLINE void narrow_panel(const Bf16* x, int64_t x_block, const Bf16* w, int64_t w_panel, int pairs, float* z, int64_t z_panel, int used) {
  int v = 0;
  for (; v + kNarrowAtOnce <= used; v += kNarrowAtOnce) narrow_tile<R, P, kNarrowAtOnce>(x, x_block, w, w_panel, pairs, z, z_panel, v);
  if (v < used) narrow_tile<R, P, 1>(x, x_block, w, w_panel, pairs, z, z_panel, v);
}

void narrow_rows(int rows, const Bf16* x, int64_t x_block, const Bf16* w, int pairs, float* z, int used) {
  switch (rows) {
#define FLOW_CASE(R) \
  case R:            \
    return narrow_panel<R, 1>(x, x_block, w, 0, pairs, z, 0, used)
    FLOW_CASE(1);
    FLOW_CASE(2);
    FLOW_CASE(3);
    FLOW_CASE(4);
#if FLOW_LANES == 16
    FLOW_CASE(5);
    FLOW_CASE(6);
    FLOW_CASE(7);
    FLOW_CASE(8);
    FLOW_CASE(9);
    FLOW_CASE(10);
    FLOW_CASE(11);
    FLOW_CASE(12);
#endif
#undef FLOW_CASE
    default:
      return;
  }
}

#if defined(FLOW_AMX)
// SiLU for operands in parts, by the same means: 2^f to degree 4 (4e-6) or 6 (1e-8), the reciprocal estimate and one step of Newton's.
template <int kDegree>
struct PartsSilu {
  static FLOW_INLINE void apply(F z, F& r, F& slope) {
    const F y = at_most(z * splat(-1.44269504f), 126.0f), f = (F)_mm512_reduce_ps((__m512)y, 0x09);
    F p;
    if (kDegree == 4) {
      p = fma(splat(1.353416778e-02f), f, splat(5.201146007e-02f));
      p = fma(p, f, splat(2.414427549e-01f));
      p = fma(p, f, splat(6.930038333e-01f));
      p = fma(p, f, splat(1.000002623e+00f));
    } else {
      p = fma(splat(2.170225489e-04f), f, splat(1.243968843e-03f));
      p = fma(p, f, splat(9.678840637e-03f));
      p = fma(p, f, splat(5.548334122e-02f));
      p = fma(p, f, splat(2.402298301e-01f));
      p = fma(p, f, splat(6.931470037e-01f));
      p = fma(p, f, splat(1.000000000e+00f));
    }
    const F below = splat(1.0f) + (F)_mm512_scalef_ps((__m512)p, (__m512)y), guess = (F)_mm512_rcp14_ps((__m512)below);
    const F s = fma(guess, fma(-guess, below, splat(1.0f)), guess);
    r = z * s;
    slope = fma(r, splat(1.0f) - s, s);
  }
};
#endif

// A row of 32 values to bfloat16; split_row leaves what rounding took away.
FLOW_INLINE void store_narrow_row(Bf16* p, const F (&x)[kNarrowVectors]) {
#if defined(FLOW_DOT)
  *reinterpret_cast<__m512bh*>(p) = _mm512_cvtne2ps_pbh((__m512)x[1], (__m512)x[0]);
#else
#pragma GCC unroll 32
  for (int v = 0; v < kNarrowVectors; v++) store_narrow(p + v * kWidth, x[v]);
#endif
}
FLOW_INLINE void split_row(Bf16* p, F (&x)[kNarrowVectors]) {
#if defined(FLOW_DOT)
  const __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)x[1], (__m512)x[0]);
  _mm512_store_si512(p, both);
  x[0] = x[0] - (F)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(both)), 16);
  x[1] = x[1] - (F)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(both, 1)), 16);
#else
#pragma GCC unroll 32
  for (int v = 0; v < kNarrowVectors; v++) {
    store_narrow(p + v * kWidth, x[v]);
    x[v] = x[v] - rounded(x[v]);
  }
#endif
}
FLOW_INLINE F load_narrow(const Bf16* p) {
#if FLOW_LANES == 16
  return (F)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(p))), 16);
#elif FLOW_LANES == 1
  return floats(static_cast<int32_t>(static_cast<uint32_t>(*p) << 16));
#else
  typedef Bf16 H __attribute__((vector_size(2 * FLOW_LANES), may_alias));
  return floats((I)(__builtin_convertvector(*reinterpret_cast<const H*>(p), U) << 16));
#endif
}

// The parts of a row, `plane` values apart.
FLOW_INLINE void store_parts(Bf16* p, int parts, int64_t plane, F (&x)[kNarrowVectors]) {
  for (int part = 1; part < parts; part++, p += plane) split_row(p, x);
  store_narrow_row(p, x);
}
FLOW_INLINE void keep_row(F (&x)[kNarrowVectors], int cols) {  // columns >= cols become zero
#pragma GCC unroll 32
  for (int v = 0; v < kNarrowVectors; v++) {
    const int left = cols - v * kWidth;
    if (left < kWidth) x[v] = narrow_keep(x[v], left < 0 ? 0 : left);
  }
}

// From the sums z (rows, 32) of one panel to everything that is wanted of it, a row at a time.
template <class Act, bool kSlope>
void narrow_finish(const NarrowDenseArgs& d, const float* z, int row, int rows, int panel) {
  const int64_t at = static_cast<int64_t>(row) * kLanes;
  float* y = d.y.data ? d.y.data + panel * d.y.block + at : nullptr;
  float* slope = d.slope.data ? d.slope.data + panel * d.slope.block + at : nullptr;
  const float* add = d.add.data ? d.add.data + panel * d.add.block + at : nullptr;
  const float* mul = d.mul.data ? d.mul.data + panel * d.mul.block + at : nullptr;
  Bf16* n = d.n.data ? d.n.data + panel * d.n.block + at : nullptr;
  Bf16* narrow_slope = d.narrow_slope.data ? d.narrow_slope.data + panel * d.narrow_slope.block + at : nullptr;
  const Bf16* narrow_mul = d.narrow_mul.data ? d.narrow_mul.data + panel * d.narrow_mul.block + at : nullptr;
  const int cols = d.out - panel * kLanes;
  F bias[kNarrowVectors];
#pragma GCC unroll 32
  for (int v = 0; v < kNarrowVectors; v++) bias[v] = d.bias ? load(d.bias + panel * kLanes + v * kWidth) : splat(-0.0f);  // x + -0 = x
  for (int r = 0; r < rows; r++, z += kLanes) {
    F value[kNarrowVectors], s[kNarrowVectors];
#pragma GCC unroll 32
    for (int v = 0; v < kNarrowVectors; v++) Act::apply(load(z + v * kWidth) + bias[v], value[v], s[v]);
    const int i = r * kLanes;
#pragma GCC unroll 32
    for (int v = 0; v < kNarrowVectors; v++) {
      if (add) value[v] = value[v] + load(add + i + v * kWidth);
      if (mul) value[v] = value[v] * load(mul + i + v * kWidth);
      if (narrow_mul) value[v] = value[v] * load_narrow(narrow_mul + i + v * kWidth);
    }
    if (cols < kLanes) {
      keep_row(value, cols);
      if (kSlope) keep_row(s, cols);
    }
    if (y) {
#pragma GCC unroll 32
      for (int v = 0; v < kNarrowVectors; v++) store(y + i + v * kWidth, value[v]);
    }
    if (kSlope && slope) {
#pragma GCC unroll 32
      for (int v = 0; v < kNarrowVectors; v++) store(slope + i + v * kWidth, s[v]);
    }
    if (kSlope && narrow_slope) store_narrow_row(narrow_slope + i, s);
    if (n) store_parts(n + i, d.parts, d.n.plane, value);
  }
}

using NarrowFinish = void (*)(const NarrowDenseArgs&, const float*, int, int, int);
template <class Act>
FLOW_INLINE NarrowFinish narrow_finish_of(bool slope) {
  return slope ? narrow_finish<Act, true> : narrow_finish<Act, false>;
}
FLOW_INLINE NarrowFinish narrow_finish_for(const NarrowDenseArgs& d) {
  const bool slope = d.slope.data != nullptr || d.narrow_slope.data != nullptr;
  switch (d.activation) {
    case Activation::kSilu:
#if defined(FLOW_AMX)
      if (d.parts > 1) return d.parts == 2 ? narrow_finish_of<PartsSilu<4>>(slope) : narrow_finish_of<PartsSilu<6>>(slope);
#endif
      return d.quick ? narrow_finish_of<QuickSilu>(slope) : narrow_finish_of<Silu>(slope);
    case Activation::kGelu:
      return narrow_finish_of<Gelu>(slope);
    case Activation::kSelu:
      return narrow_finish_of<Selu>(slope);
    case Activation::kElu:
      return narrow_finish_of<Elu>(slope);
    case Activation::kRelu:
      return narrow_finish_of<Relu>(slope);
    case Activation::kTanh:
      return narrow_finish_of<Tanh>(slope);
    default:
      return narrow_finish_of<Identity>(slope);
  }
}

// One panel's rows (row, 32) as row groups.
#if FLOW_LANES == 16
FLOW_INLINE void interleave(__m512i a, __m512i b, Bf16* to) {                           // [32][2]
  const __m512i low = _mm512_unpacklo_epi16(a, b), high = _mm512_unpackhi_epi16(a, b);  // columns 0-3, 8-11, ..., and 4-7, 12-15, ...
  const __m512i first = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), second = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
  _mm512_store_si512(to, _mm512_permutex2var_epi64(low, first, high));
  _mm512_store_si512(to + kLanes, _mm512_permutex2var_epi64(low, second, high));
}
FLOW_INLINE void transpose_words(__m512i r[16]) {  // 16 x 16 words of 32 bits
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
  }
}
#endif

FLOW_INLINE void group_rows(const Bf16* n, int rows, Bf16* to) {
  for (int row = 0; row < rows; row += kLanes, to += kNarrowBlock) {
    for (int j = 0; j < kLanes / 2; j++) {
      const int r = row + 2 * j;
      const Bf16* a = n + static_cast<int64_t>(r) * kLanes;
      Bf16* pair = to + j * 2 * kLanes;
#if FLOW_LANES == 16
      const __m512i none = _mm512_setzero_si512();
      interleave(r < rows ? _mm512_load_si512(a) : none, r + 1 < rows ? _mm512_load_si512(a + kLanes) : none, pair);
#else
      for (int i = 0; i < kLanes; i++) {
        pair[2 * i] = r < rows ? a[i] : Bf16{0};
        pair[2 * i + 1] = r + 1 < rows ? a[kLanes + i] : Bf16{0};
      }
#endif
    }
  }
}

#if defined(FLOW_AMX)
// Left groups: [32 columns][32 rows], the tiles that TDPBF16PS takes from the left. Pairs of rows are joined within lanes of 128 bits, which takes two thirds
// less than in order, and leaves the columns of a half in the order 0-3, 8-11, 16-19, 24-27 (and 4 more): only where the rows are stored.
FLOW_INLINE void group_columns(const Bf16* n, int rows, Bf16* to) {
  for (int row = 0; row < rows; row += kLanes, to += kNarrowBlock, n += kNarrowBlock) {
    const int count = rows - row;
    __m512i low[16], high[16];
#pragma GCC unroll 16
    for (int j = 0; j < 16; j++) {
      const __m512i a = 2 * j < count ? _mm512_load_si512(n + 2 * j * kLanes) : _mm512_setzero_si512();
      const __m512i b = 2 * j + 1 < count ? _mm512_load_si512(n + (2 * j + 1) * kLanes) : _mm512_setzero_si512();
      low[j] = _mm512_unpacklo_epi16(a, b);
      high[j] = _mm512_unpackhi_epi16(a, b);
    }
    transpose_words(low);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) _mm512_store_si512(to + (i / 4 * 8 + i % 4) * kLanes, low[i]);
    transpose_words(high);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) _mm512_store_si512(to + (i / 4 * 8 + i % 4 + 4) * kLanes, high[i]);
  }
}
FLOW_INLINE void groups_of(bool right, const Bf16* n, int rows, Bf16* to) { right ? group_rows(n, rows, to) : group_columns(n, rows, to); }
#else
FLOW_INLINE void groups_of(bool, const Bf16* n, int rows, Bf16* to) { group_rows(n, rows, to); }
#endif

void narrow_convert(ConstBlocked x, int32_t parts, NarrowMatrix n, RowGroups groups) {
  for (int p = 0; p * kLanes < x.cols; p++) {
    const float* from = x.data + p * x.block;
    Bf16* to = n.data + p * n.block;
    const int cols = x.cols - p * kLanes;
    for (int r = 0; r < x.rows; r++) {
      F value[kNarrowVectors];
#pragma GCC unroll 32
      for (int v = 0; v < kNarrowVectors; v++) value[v] = load(from + r * kLanes + v * kWidth);
      if (cols < kLanes) keep_row(value, cols);
      store_parts(to + r * kLanes, parts, n.plane, value);
    }
    if (groups.data) groups_of(groups.right, to, x.rows, groups.data + p * groups.block);
  }
}

template <int R, int P>
FLOW_INLINE void narrow_few(const NarrowDenseArgs& d, NarrowFinish finish) {
  alignas(64) float z[P][R][kLanes];
  const int pairs = (d.in + 1) / 2, panels = (d.out + kLanes - 1) / kLanes;
  const int64_t w_panel = narrow_panels_size(kLanes, d.in);
  int p = 0;
  for (; p + P <= panels; p += P) {
    narrow_panel<R, P>(d.x.data, d.x.block, d.panels + p * w_panel, w_panel, pairs, &z[0][0][0], R * kLanes, kNarrowVectors);
    for (int j = 0; j < P; j++) finish(d, &z[j][0][0], 0, R, p + j);
  }
  for (; p < panels; p++) {
    narrow_panel<R, 1>(d.x.data, d.x.block, d.panels + p * w_panel, 0, pairs, &z[0][0][0], 0, kNarrowVectors);
    finish(d, &z[0][0][0], 0, R, p);
  }
}

void narrow_dense(const NarrowDenseArgs& d) {
  const NarrowFinish finish = narrow_finish_for(d);
  const int rows = d.rows, pairs = (d.in + 1) / 2, panels = (d.out + kLanes - 1) / kLanes;
  const int64_t w_panel = narrow_panels_size(kLanes, d.in);
  if (d.groups.data == nullptr) {
    if (rows == 1) return narrow_few<1, 4>(d, finish);
    if (rows == 2) return narrow_few < 2, kWidth == 16 ? 4 : 2 > (d, finish);
    if (rows == 3 && kWidth == 16) return narrow_few < 3, kWidth == 16 ? 4 : 1 > (d, finish);
  }
  alignas(64) float z[kNarrowRows][kLanes];
  const int tiles = (rows + kNarrowRows - 1) / kNarrowRows;
  for (int p = 0; p < panels; p++) {
    const Bf16* w = d.panels + p * w_panel;
    const int cols = d.out - p * kLanes, used = cols >= kLanes ? kNarrowVectors : (cols + kWidth - 1) / kWidth;
    for (int t = 0, r = 0; t < tiles; t++) {
      const int n = (rows - r + tiles - t - 1) / (tiles - t);
      narrow_rows(n, d.x.data + static_cast<int64_t>(r) * kLanes, d.x.block, w, pairs, &z[0][0], used);
      finish(d, &z[0][0], r, n, p);
      r += n;
    }
    if (d.groups.data) groups_of(d.groups.right, d.n.data + p * d.n.block, rows, d.groups.data + p * d.groups.block);
  }
}

// A features x V vectors of dW over `pairs` pairs of rows.
template <int A, int V>
void narrow_gradient(const Bf16* x, const Bf16* g, int pairs, float* w, bool add) {
  F sum[A][V];
#pragma GCC unroll 24
  for (int a = 0; a < A; a++)
#pragma GCC unroll 24
    for (int v = 0; v < V; v++) sum[a][v] = F{};
  for (int j = 0; j < pairs; j++, x += 2 * kLanes, g += 2 * kLanes) {
    Pair b[V];
#pragma GCC unroll 24
    for (int v = 0; v < V; v++) b[v] = halves(load_words(g + v * 2 * kWidth));
#pragma GCC unroll 24
    for (int a = 0; a < A; a++) {
      const Pair c = halves(splat_bits(word(x + 2 * a)));
#pragma GCC unroll 24
      for (int v = 0; v < V; v++) sum[a][v] = dot(sum[a][v], c, b[v]);
    }
  }
#pragma GCC unroll 24
  for (int a = 0; a < A; a++)
#pragma GCC unroll 24
    for (int v = 0; v < V; v++) {
      float* to = w + a * kLanes + v * kWidth;
      store(to, add ? load(to) + sum[a][v] : sum[a][v]);
    }
}

void narrow_gradient_rows(int features, const Bf16* x, const Bf16* g, int pairs, float* w, bool add) {
  for (int v = 0; v < kNarrowVectors; v += kNarrowAtOnce) {
    switch (features) {
#define FLOW_CASE(A)                                                                      \
  case A:                                                                                 \
    narrow_gradient<A, kNarrowAtOnce>(x, g + v * 2 * kWidth, pairs, w + v * kWidth, add); \
    break
      FLOW_CASE(1);
      FLOW_CASE(2);
      FLOW_CASE(3);
      FLOW_CASE(4);
#if FLOW_LANES == 16
      FLOW_CASE(5);
      FLOW_CASE(6);
      FLOW_CASE(7);
      FLOW_CASE(8);
      FLOW_CASE(9);
      FLOW_CASE(10);
      FLOW_CASE(11);
      FLOW_CASE(12);
#endif
#undef FLOW_CASE
      default:
        break;
    }
  }
}

FLOW_INLINE void narrow_bias(const Bf16* g, int pairs, float* bias, bool add) {  // column sums of right row groups
  for (int v = 0; v < kNarrowVectors; v++) {
    F sum = {};
    for (int j = 0; j < pairs; j++) {
      const I w = load_words(g + j * 2 * kLanes + v * 2 * kWidth);
      sum = sum + floats(w << 16) + floats(w & static_cast<int32_t>(0xffff0000));
    }
    store(bias + v * kWidth, add ? load(bias + v * kWidth) + sum : sum);
  }
}

void narrow_weight_grad(const NarrowWeightGradArgs& a) {
  const int in = a.feature_end < a.in ? a.feature_end : a.in;
  constexpr int kRows = kSumBlock;  // both operands of a block of rows stay in L1
  for (int p = a.panel_begin; p < a.panel_end; p++) {
    float* w = a.panels + static_cast<int64_t>(p) * a.in * kLanes;
    for (int row = 0; row < a.rows || row == 0; row += kRows) {
      const int count = a.rows - row < kRows ? a.rows - row : kRows, pairs = (count + 1) / 2;
      const bool add = a.accumulate || row > 0;
      const Bf16* g = a.g + p * a.g_block + static_cast<int64_t>(row) * kLanes;
      if (a.bias && a.feature_begin == 0) narrow_bias(g, pairs, a.bias + p * kLanes, add);
      for (int first = a.feature_begin; first < in; first += kLanes) {
        const int features = in - first < kLanes ? in - first : kLanes, tiles = (features + kNarrowRows - 1) / kNarrowRows;
        const Bf16* x = a.x + first / kLanes * a.x_block + static_cast<int64_t>(row) * kLanes;
        for (int t = 0, i = 0; t < tiles; t++) {
          const int n = (features - i + tiles - t - 1) / (tiles - t);
          narrow_gradient_rows(n, x + 2 * i, g, pairs, w + static_cast<int64_t>(first + i) * kLanes, add);
          i += n;
        }
      }
    }
  }
}

void narrow_pack(const float* panels, int32_t out, int32_t in, int32_t panel, int32_t parts, Bf16* narrow, int64_t plane, Bf16* transposed) {
  const int64_t in_blocks = (in + kLanes - 1) / kLanes, out_blocks = (out + kLanes - 1) / kLanes;
  for (int64_t b = 0; b < in_blocks; b++) {
    const float* from = panels + (panel * static_cast<int64_t>(in) + b * kLanes) * kLanes;
    const int rows = in - static_cast<int>(b) * kLanes < kLanes ? in - static_cast<int>(b) * kLanes : kLanes;
    alignas(64) Bf16 row[kLanes][kLanes];  // [i][o]
    alignas(64) float rest[kLanes][kLanes];
    for (int part = 0; part < parts; part++) {
      for (int i = 0; i < kLanes; i++)
        for (int v = 0; v < kLanes; v += kWidth) {
          const F value = i >= rows ? F{} : part == 0 ? load(from + i * kLanes + v) : load(&rest[i][v]);
          store_narrow(&row[i][v], value);
          if (part + 1 < parts) store(&rest[i][v], value - rounded(value));
        }
      if (narrow) group_rows(&row[0][0], kLanes, narrow + part * plane + (panel * in_blocks + b) * kNarrowBlock);
    }
    if (!transposed) continue;
    Bf16* to = transposed + (b * out_blocks + panel) * kNarrowBlock;  // [o / 2][i][o % 2]
#if FLOW_LANES == 16
    for (int half = 0; half < kLanes; half += 16) {
      __m512i r[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) r[i] = _mm512_load_si512(&row[half + i][0]);
      transpose_words(r);
#pragma GCC unroll 16
      for (int j = 0; j < 16; j++) _mm512_store_si512(to + j * 2 * kLanes + half * 2, r[j]);
    }
#else
    for (int j = 0; j < kLanes / 2; j++)
      for (int i = 0; i < kLanes; i++) {
        to[j * 2 * kLanes + 2 * i] = row[i][2 * j];
        to[j * 2 * kLanes + 2 * i + 1] = row[i][2 * j + 1];
      }
#endif
  }
}

}  // namespace
#define FLOW_NARROW_TABLE(name, splits) {name, splits, narrow_dense, narrow_weight_grad, narrow_convert, narrow_pack}
