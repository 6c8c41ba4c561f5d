// The register tile of dense(): products of R rows, and what follows on them.
//
// Registers hold R x V vectors of sums (AVX-512: 12 x 2, AVX2: 6 x 2, NEON 6 x 4, SSE 3 x 4); every k costs V loads, R broadcasts and R V fmas. With few rows
// the tile grows over P panels instead, with few columns it shrinks to the vectors that are needed; the order of an element's sum never changes: k ascending,
// from zero in blocks of kSumBlock. The epilogue takes a tile from a scratch while it is hot. Rejected: epilogue in registers (a copy of each activation for
// each R).
namespace {

#if FLOW_LANES == 16 || defined(FLOW_NEON)
constexpr int kSums = 24;  // accumulator registers of 32
#else
constexpr int kSums = 12;  // of 16
#endif
constexpr int kVectors = kLanes / kWidth;  // vectors per panel row
constexpr int kTileRows = kWidth == 16 ? 12 : kSums == 24 ? 6 : kWidth == 8 ? 6 : 3;
// Rows whose activations are computed in step: divides the height of a full tile. With slopes AVX2 gains by a third (0.5 %), without it loses (1 %).
constexpr int together(bool slope) { return kWidth == 16 ? 4 : kWidth == 8 && !slope ? 2 : 3; }

// How many vectors of a panel hold columns; 0 stands for half of one, where that is a kernel of its own.
FLOW_INLINE int used_vectors(int cols) {
  if (kWidth == 16 && cols <= 8) return 0;
  return cols >= kLanes ? kVectors : (cols + kWidth - 1) / kWidth;
}

// How many of a panel's vectors (a divisor of kVectors), and how many panels, R rows of sums leave room for.
constexpr int tile_vectors(int rows) {
  int v = kVectors;
  while (v > 1 && rows * v > kSums) v /= 2;
  return v;
}
constexpr int tile_panels(int rows) {
  int p = 4;
  while (p > 1 && rows * p * kVectors > kSums) p /= 2;
  return p;
}

// z[r][p 32 + lanes of V vectors] (+)= sum over k in [k0, k1) of x[r][k] w_p[k]: one block of products from zero, then set or added.
template <int R, int P, int V>
void tile_product(const float* x, int64_t x_block, const float* w, int64_t w_panel, int k0, int k1, float* z, int64_t z_row, int64_t z_panel) {
  F sum[R][P * V];
#pragma GCC unroll 24
  for (int r = 0; r < R; r++)
#pragma GCC unroll 24
    for (int v = 0; v < P * V; v++) sum[r][v] = F{};
  for (int first = k0; first < k1; first += kLanes) {
    const float* xk = x + static_cast<int64_t>(first / kLanes) * x_block;
    const float* wk = w + static_cast<int64_t>(first) * kLanes;
    const int n = k1 - first < kLanes ? k1 - first : kLanes;
    for (int k = 0; k < n; k++) {
      F b[P * V];
#pragma GCC unroll 24
      for (int v = 0; v < P * V; v++) b[v] = load(wk + v / V * w_panel + v % V * kWidth);
#pragma GCC unroll 24
      for (int r = 0; r < R; r++) {
        const F a = splat(xk[r * kLanes + k]);
#pragma GCC unroll 24
        for (int v = 0; v < P * V; v++) sum[r][v] = fma(a, b[v], sum[r][v]);
      }
      wk += kLanes;
    }
  }
#pragma GCC unroll 24
  for (int r = 0; r < R; r++)
#pragma GCC unroll 24
    for (int v = 0; v < P * V; v++) {
      float* to = z + r * z_row + v / V * z_panel + v % V * kWidth;
      store(to, k0 == 0 ? sum[r][v] : load(to) + sum[r][v]);
    }
}

#if FLOW_LANES == 16
// At most 8 columns (d = 2 is common): half vectors, which cost half on CPUs that split 512 bits, and no more elsewhere. The same order of sums.
template <int R>
void tile_narrow(const float* x, int64_t x_block, const float* w, int k0, int k1, float* z) {
  __m256 sum[R];
#pragma GCC unroll 24
  for (int r = 0; r < R; r++) sum[r] = _mm256_setzero_ps();
  for (int first = k0; first < k1; first += kLanes) {
    const float* xk = x + static_cast<int64_t>(first / kLanes) * x_block;
    const float* wk = w + static_cast<int64_t>(first) * kLanes;
    const int n = k1 - first < kLanes ? k1 - first : kLanes;
    for (int k = 0; k < n; k++) {
      const __m256 b = _mm256_load_ps(wk + k * kLanes);
#pragma GCC unroll 24
      for (int r = 0; r < R; r++) sum[r] = _mm256_fmadd_ps(_mm256_set1_ps(xk[r * kLanes + k]), b, sum[r]);
    }
  }
#pragma GCC unroll 24
  for (int r = 0; r < R; r++) {
    float* to = z + r * kLanes;
    _mm256_store_ps(to, k0 == 0 ? sum[r] : _mm256_add_ps(_mm256_load_ps(to), sum[r]));
    _mm256_store_ps(to + 8, _mm256_setzero_ps());
  }
}
#endif

// One panel (or P of them) for R rows; `used` of the panel's vectors are wanted (0: half of one).
template <int R>
FLOW_INLINE void tile_panel(const float* x, int64_t x_block, const float* w, int k0, int k1, float* z, int used) {
  constexpr int V = tile_vectors(R);
#if FLOW_LANES == 16
  if (used == 0) return tile_narrow<R>(x, x_block, w, k0, k1, z);
#endif
  if (used * 2 <= V && V > 1) {
    constexpr int H = V > 1 ? V / 2 : 1;
    if (used * 4 <= V && V > 2) {
      constexpr int Q = V > 2 ? V / 4 : 1;
      return tile_product<R, 1, Q>(x, x_block, w, 0, k0, k1, z, kLanes, 0);
    }
    return tile_product<R, 1, H>(x, x_block, w, 0, k0, k1, z, kLanes, 0);
  }
  for (int v = 0; v < used; v += V) tile_product<R, 1, V>(x, x_block, w + v * kWidth, 0, k0, k1, z + v * kWidth, kLanes, 0);
}

void tile_rows(int rows, const float* x, int64_t x_block, const float* w, int k0, int k1, float* z, int used) {
  switch (rows) {
#define FLOW_CASE(R) \
  case R:            \
    return tile_panel<R>(x, x_block, w, k0, k1, z, used);
    FLOW_HEIGHTS(FLOW_CASE)
#undef FLOW_CASE
    default:
      return;
  }
}

FLOW_INLINE F first_lanes(F x, int count) {  // lanes >= count become zero
#if FLOW_LANES == 16
  return (F)_mm512_maskz_mov_ps(static_cast<__mmask16>((1u << count) - 1u), (__m512)x);
#else
#if FLOW_LANES == 8
  const I index = {0, 1, 2, 3, 4, 5, 6, 7};
#else
  const I index = {0, 1, 2, 3};
#endif
  return select(index < splat_bits(count), x, F{});
#endif
}

// What finish_panel needs of DenseArgs for one vector of columns: in registers, as stores through y could change the arguments for all the compiler knows.
struct Finishing {
  F bias;
  const float *z, *mul;
  float *y, *slope;
  bool biased, accumulate;
  int left;  // columns from here on
};

template <class Act, bool kSlope, int N>
FLOW_INLINE void finish_rows(const Finishing& f, int row) {
  const int64_t at = static_cast<int64_t>(row) * kLanes;
  F value[N], s[N];
  FLOW_EACH(i, N) value[i] = load(f.z + at + i * kLanes);
  if (f.biased) FLOW_EACH(i, N) value[i] = value[i] + f.bias;
  apply_all<Act, N>(value, value, s);
  if (f.accumulate) FLOW_EACH(i, N) value[i] = value[i] + load(f.y + at + i * kLanes);
  if (f.mul) FLOW_EACH(i, N) value[i] = value[i] * load(f.mul + at + i * kLanes);
  FLOW_EACH(i, N) {
    if (f.left < kWidth) {
      value[i] = first_lanes(value[i], f.left);
      if (kSlope) s[i] = first_lanes(s[i], f.left);
    }
    store(f.y + at + i * kLanes, value[i]);
    if (kSlope) store(f.slope + at + i * kLanes, s[i]);
  }
}

// From the sums z (rows, 32) of one panel to y: bias, activation and slope, accumulate, mul. Lanes past the columns become zero.
template <class Act, bool kSlope>
void finish_panel(const DenseArgs& d, const float* z, int row, int rows, int panel) {
  const int64_t at = panel * d.y.block + static_cast<int64_t>(row) * kLanes;
  Finishing f{{},
              z,
              d.mul.data ? d.mul.data + (panel * d.mul.block + static_cast<int64_t>(row) * kLanes) : nullptr,
              d.y.data + at,
              kSlope ? d.slope.data + (panel * d.slope.block + static_cast<int64_t>(row) * kLanes) : nullptr,
              d.bias != nullptr,
              d.accumulate,
              d.y.cols - panel * kLanes};
  for (int v = 0; v < kLanes; v += kWidth, f.left -= kWidth) {
    if (f.left <= 0) {
      for (int r = 0; r < rows; r++) {
        store(f.y + r * kLanes, F{});
        if (kSlope) store(f.slope + r * kLanes, F{});
      }
    } else {
      if (f.biased) f.bias = load(d.bias + panel * kLanes + v);
      int r = 0;
      for (; r + together(kSlope) <= rows; r += together(kSlope)) finish_rows<Act, kSlope, together(kSlope)>(f, r);
      for (; r < rows; r++) finish_rows<Act, kSlope, 1>(f, r);
    }
    f.z += kWidth;
    f.y += kWidth;
    if (kSlope) f.slope += kWidth;
    if (f.mul) f.mul += kWidth;
  }
}

using Finish = void (*)(const DenseArgs&, const float*, int, int, int);
template <class Act>
FLOW_INLINE Finish finish_of(bool slope) {
  return slope ? finish_panel<Act, true> : finish_panel<Act, false>;
}
FLOW_INLINE Finish finish_for(Activation activation, bool slope) {
  switch (activation) {
    case Activation::kSilu:
      return finish_of<Silu>(slope);
    case Activation::kGelu:
      return finish_of<Gelu>(slope);
    case Activation::kSelu:
      return finish_of<Selu>(slope);
    case Activation::kElu:
      return finish_of<Elu>(slope);
    case Activation::kRelu:
      return finish_of<Relu>(slope);
    case Activation::kTanh:
      return finish_of<Tanh>(slope);
    default:
      return finish_of<Identity>(slope);
  }
}

}  // namespace
