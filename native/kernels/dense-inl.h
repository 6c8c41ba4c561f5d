// y = f(x W): the matrix product of forward and backward-data, packed and register-tiled.
//
// Loops, outermost first: chunks of kChunk rows | panels of 32 columns | blocks of kSumBlock k | tiles of R rows. A panel's slice of one k block (16 KiB)
// stays in L1 while the chunk's rows pass by, the next slice being fetched meanwhile; sums of several blocks wait in a scratch of the chunk (16 KiB); the
// epilogue takes a tile while it is hot. Registers hold R x V vectors of sums (AVX-512: 12 x 2, AVX2: 6 x 2, NEON 6 x 4, SSE 3 x 4); every k costs V loads, R
// broadcasts and R V fmas. Rows are dealt evenly over tiles (16 rows = 8 + 8, not 12 + 4). With few rows the tile grows over P panels instead, with few columns
// it shrinks to the vectors that are needed; the order of an element's sum never changes: k ascending, from zero in blocks of kSumBlock. Rejected: epilogue in
// registers (a copy of each activation for each R; the store and load of a tile cost < 1 % at in = 256).
namespace {

#if FLOW_LANES == 16 || defined(FLOW_NEON)
constexpr int kSums = 24;  // accumulator registers of 32
#else
constexpr int kSums = 12;  // of 16
#endif
constexpr int kVectors = kLanes / kWidth;  // vectors per panel row
constexpr int kTileRows = kWidth == 16 ? 12 : kSums == 24 ? 6 : kWidth == 8 ? 6 : 3;
constexpr int kChunk = 132;
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

// Few rows: R rows by P panels at a time, so that enough independent sums hide the latency of fma and the weights stream once.
template <int R, int P>
FLOW_INLINE void few_panels(const DenseArgs& d, Finish finish, int p) {
  alignas(64) float z[P][R][kLanes];
  const int in = d.x.cols;
  const int64_t w_panel = static_cast<int64_t>(in) * kLanes;
  for (int k = 0; k < in || k == 0; k += kSumBlock) {
    const int end = in - k < kSumBlock ? in : k + kSumBlock;
    tile_product<R, P, kVectors>(d.x.data, d.x.block, d.panels + p * w_panel, w_panel, k, end, &z[0][0][0], kLanes, R * kLanes);
  }
  for (int j = 0; j < P; j++) finish(d, &z[j][0][0], 0, R, p + j);
}

template <int R>
FLOW_INLINE void few_rows(const DenseArgs& d, Finish finish) {
  constexpr int P = tile_panels(R);
  const int in = d.x.cols, panels = (d.y.cols + kLanes - 1) / kLanes;
  int p = 0;
  for (; p + P <= panels; p += P) few_panels<R, P>(d, finish, p);
  if (P > 2 && p + 2 <= panels) {
    few_panels < R, P<2 ? P : 2>(d, finish, p);
    p += 2;
  }
  for (alignas(64) float z[R][kLanes]; p < panels; p++) {
    const int used = used_vectors(d.y.cols - p * kLanes);
    for (int k = 0; k < in || k == 0; k += kSumBlock) {
      const int end = in - k < kSumBlock ? in : k + kSumBlock;
      tile_panel<R>(d.x.data, d.x.block, d.panels + p * static_cast<int64_t>(in) * kLanes, k, end, &z[0][0], used);
    }
    finish(d, &z[0][0], 0, R, p);
  }
}

// One row, the latency of a single sample: P panels of V vectors each. Sums, bias and activation stay in registers, and k is unrolled, so that the
// processor sees past the chain of one layer's sums into the next layer.
template <int P, int V>
FLOW_INLINE void one_row_sums(const float* x, int64_t x_block, const float* w, int64_t w_panel, int n, F (&sum)[P * V]) {
#pragma GCC unroll 16
  for (int v = 0; v < P * V; v++) sum[v] = F{};
  for (; n >= kLanes; n -= kLanes, x += x_block) {
#pragma GCC unroll 8
    for (int i = 0; i < kLanes; i++, w += kLanes) {
      const F a = splat(x[i]);
#pragma GCC unroll 16
      for (int v = 0; v < P * V; v++) sum[v] = fma(a, load(w + v / V * w_panel + v % V * kWidth), sum[v]);
    }
  }
  for (int i = 0; i < n; i++, w += kLanes) {
    const F a = splat(x[i]);
#pragma GCC unroll 16
    for (int v = 0; v < P * V; v++) sum[v] = fma(a, load(w + v / V * w_panel + v % V * kWidth), sum[v]);
  }
}

template <class Act, int P, int V>
FLOW_INLINE void one_row_panels(const DenseArgs& d, int p) {
  const int in = d.x.cols;
  const int64_t w_panel = static_cast<int64_t>(in) * kLanes;
  const float *w = d.panels + p * w_panel, *x = d.x.data;
  F sum[P * V];
  one_row_sums<P, V>(x, d.x.block, w, w_panel, in < kSumBlock ? in : kSumBlock, sum);
  if (in > kSumBlock) {
    alignas(64) float total[P * V][kWidth];
    for (int k = kSumBlock;; k += kSumBlock) {
#pragma GCC unroll 16
      for (int v = 0; v < P * V; v++) store(total[v], k == kSumBlock ? sum[v] : load(total[v]) + sum[v]);
      if (k >= in) break;
      one_row_sums<P, V>(x + k / kLanes * d.x.block, d.x.block, w + static_cast<int64_t>(k) * kLanes, w_panel, in - k < kSumBlock ? in - k : kSumBlock, sum);
    }
#pragma GCC unroll 16
    for (int v = 0; v < P * V; v++) sum[v] = load(total[v]);
  }
  constexpr int kStep = P * V % 4 == 0 ? 4 : P * V % 2 == 0 ? 2 : 1;
#pragma GCC unroll 4
  for (int v = 0; v < P * V; v += kStep) {
    F value[kStep], slope[kStep];
    const auto column = [&](int i) { return p * kLanes + (v + i) / V * kLanes + (v + i) % V * kWidth; };
    FLOW_EACH(i, kStep) value[i] = sum[v + i];
    if (d.bias) FLOW_EACH(i, kStep) value[i] = value[i] + load(d.bias + column(i));
    apply_all<Act, kStep>(value, value, slope);
    FLOW_EACH(i, kStep) {
      const int left = d.y.cols - column(i);
      store(d.y.data + (p + (v + i) / V) * d.y.block + (v + i) % V * kWidth, left < kWidth ? first_lanes(value[i], left > 0 ? left : 0) : value[i]);
    }
  }
}

template <class Act>
void one_row(const DenseArgs& d) {
  constexpr int P = tile_panels(1);
  const int panels = (d.y.cols + kLanes - 1) / kLanes;
  int p = 0;
  for (; p + P <= panels; p += P) one_row_panels<Act, P, kVectors>(d, p);
  if (P > 2 && p + 2 <= panels) {
    one_row_panels < Act, P<2 ? P : 2, kVectors>(d, p);
    p += 2;
  }
  if (p == panels) return;
  if (d.y.cols - p * kLanes > kWidth) return one_row_panels<Act, 1, kVectors>(d, p);
  one_row_panels<Act, 1, 1>(d, p);  // one vector of columns
  for (int v = kWidth; v < kLanes; v += kWidth) store(d.y.data + p * d.y.block + v, F{});
}

void one_row_of(const DenseArgs& d) {
  switch (d.activation) {
    case Activation::kSilu:
      return one_row<Silu>(d);
    case Activation::kGelu:
      return one_row<Gelu>(d);
    case Activation::kSelu:
      return one_row<Selu>(d);
    case Activation::kElu:
      return one_row<Elu>(d);
    case Activation::kRelu:
      return one_row<Relu>(d);
    case Activation::kTanh:
      return one_row<Tanh>(d);
    default:
      return one_row<Identity>(d);
  }
}

constexpr int64_t kSlice = static_cast<int64_t>(kSumBlock) * kLanes;  // weights of a panel's block of k
constexpr int64_t kNear = 64 * 1024;                                  // weights that stay in the second-level cache by themselves

// The lines that `rows` rows of a panel will write, and the slopes that they will read.
void prefetch_results(const DenseArgs& d, int row, int rows, int panel) {
  const int64_t at = static_cast<int64_t>(row) * kLanes, count = static_cast<int64_t>(rows) * kLanes;
  prefetch_near(d.y.data + panel * d.y.block + at, count);
  if (d.slope.data) prefetch_near(d.slope.data + panel * d.slope.block + at, count);
  if (d.mul.data) prefetch_near(d.mul.data + panel * d.mul.block + at, count);
}

void dense(const DenseArgs& d) {
  if (d.y.rows == 1 && tile_panels(1) > 1 && d.slope.data == nullptr && d.mul.data == nullptr && !d.accumulate) return one_row_of(d);
  const Finish finish = finish_for(d.activation, d.slope.data != nullptr);
  const int rows = d.y.rows, in = d.x.cols, panels = (d.y.cols + kLanes - 1) / kLanes;
  if (rows == 1 && tile_panels(1) > 1) return few_rows<1>(d, finish);
  if (rows == 2 && tile_panels(2) > 1) return few_rows<2>(d, finish);
  if (rows == 3 && tile_panels(3) > 1) return few_rows<3>(d, finish);
  alignas(64) float z[kChunk][kLanes];
  const bool far = static_cast<int64_t>(in) * panels * kLanes > kNear;
  const int stay = in > kSumBlock ? kLanes : 0;  // with one block of k every tile uses the first rows of the scratch
  for (int chunk = 0, count; chunk < rows; chunk += count) {
    const int chunks = (rows - chunk + kChunk - 1) / kChunk;
    count = (rows - chunk + chunks - 1) / chunks;
    const int tiles = (count + kTileRows - 1) / kTileRows;
    const float* x = d.x.data + static_cast<int64_t>(chunk) * kLanes;
    for (int p = 0; p < panels; p++) {
      const float* w = d.panels + static_cast<int64_t>(p) * in * kLanes;
      const int used = used_vectors(d.y.cols - p * kLanes);
      for (int k = 0; k < in || k == 0; k += kSumBlock) {
        const int end = in - k < kSumBlock ? in : k + kSumBlock;
        // What comes next is on its way while these tiles are at work: a share of the next slice of weights, and the lines that a tile will write.
        const int64_t left = (static_cast<int64_t>(panels - p) * in - end) * kLanes, slice = far ? (left < kSlice ? left : kSlice) : 0;
        for (int t = 0, r = 0; t < tiles; t++) {
          const int n = (count - r + tiles - t - 1) / (tiles - t);
          float* sums = &z[0][0] + r * stay;
          const int64_t share = slice * t / tiles / 16 * 16;
          prefetch(w + static_cast<int64_t>(end) * kLanes + share, slice * (t + 1) / tiles / 16 * 16 - share);
          if (far && end == in) prefetch_results(d, chunk + r, n, p);
          tile_rows(n, x + r * kLanes, d.x.block, w, k, end, sums, used);
          if (end == in) finish(d, sums, chunk + r, n, p);
          r += n;
        }
      }
    }
  }
}

}  // namespace
