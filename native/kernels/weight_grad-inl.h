// dW (+)= x^T g and db (+)= column sums of g.
//
// Loops: blocks of kSumBlock rows | panels of g | feature blocks of x | tiles of A features x V vectors. The block of g (16 KiB) stays in L1, those of x and
// the sums wait in L2 when the caller cuts panels and features so; a row costs V loads, A broadcasts of neighbouring features and A V fmas. 32 features are
// dealt evenly (AVX-512: 11 + 11 + 10). The order of an element's sum: rows ascending, from zero in blocks of kSumBlock, then added to what is there.
namespace {

template <int A, int V>
void gradient_tile(const float* x, const float* g, int rows, float* w, bool add) {
  F sum[A][V];
#pragma GCC unroll 24
  for (int a = 0; a < A; a++)
#pragma GCC unroll 24
    for (int v = 0; v < V; v++) sum[a][v] = F{};
  for (int r = 0; r < rows; r++) {
    F b[V];
#pragma GCC unroll 24
    for (int v = 0; v < V; v++) b[v] = load(g + v * kWidth);
#pragma GCC unroll 24
    for (int a = 0; a < A; a++) {
      const F c = splat(x[a]);
#pragma GCC unroll 24
      for (int v = 0; v < V; v++) sum[a][v] = fma(c, b[v], sum[a][v]);
    }
    x += kLanes;
    g += kLanes;
  }
#pragma GCC unroll 24
  for (int a = 0; a < A; a++)
#pragma GCC unroll 24
    for (int v = 0; v < V; v++) {
      float* to = w + a * kLanes + v * kWidth;
      store(to, add ? load(to) + sum[a][v] : sum[a][v]);
    }
}

#if FLOW_LANES == 16
template <int A>
void gradient_narrow(const float* x, const float* g, int rows, float* w, bool add) {  // at most 8 columns
  __m256 sum[A];
#pragma GCC unroll 24
  for (int a = 0; a < A; a++) sum[a] = _mm256_setzero_ps();
  for (int r = 0; r < rows; r++) {
    const __m256 b = _mm256_load_ps(g + r * kLanes);
#pragma GCC unroll 24
    for (int a = 0; a < A; a++) sum[a] = _mm256_fmadd_ps(_mm256_set1_ps(x[r * kLanes + a]), b, sum[a]);
  }
#pragma GCC unroll 24
  for (int a = 0; a < A; a++) _mm256_store_ps(w + a * kLanes, add ? _mm256_add_ps(_mm256_load_ps(w + a * kLanes), sum[a]) : sum[a]);
}
#endif

// At most three columns in a panel of many features (the last layer of a network for few dimensions): lanes run over the features, so that a row costs C fmas
// for a whole vector of them. The same order of sums.
template <int C>
void gradient_few(const float* x, const float* g, int rows, float* w, bool add, int features) {
  F sum[C][kVectors];
#pragma GCC unroll 8
  for (int c = 0; c < C; c++)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) sum[c][v] = F{};
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) {
      const F b = load(x + r * kLanes + v * kWidth);
#pragma GCC unroll 8
      for (int c = 0; c < C; c++) sum[c][v] = fma(b, splat(g[r * kLanes + c]), sum[c][v]);
    }
  alignas(64) float out[C][kLanes];
  for (int c = 0; c < C; c++)
    for (int v = 0; v < kVectors; v++) store(out[c] + v * kWidth, sum[c][v]);
  for (int i = 0; i < features; i++)
    for (int c = 0; c < C; c++) w[i * kLanes + c] = add ? w[i * kLanes + c] + out[c][i] : out[c][i];
}

template <int A>
FLOW_INLINE void gradient_panel(const float* x, const float* g, int rows, float* w, bool add, int used) {
  constexpr int V = tile_vectors(A);
#if FLOW_LANES == 16
  if (used == 0) return gradient_narrow<A>(x, g, rows, w, add);
#endif
  if (used * 2 <= V && V > 1) {
    constexpr int H = V > 1 ? V / 2 : 1;
    gradient_tile<A, H>(x, g, rows, w, add);
  } else {
    for (int v = 0; v < used; v += V) gradient_tile<A, V>(x, g + v * kWidth, rows, w + v * kWidth, add);
  }
}

void gradient_features(int features, const float* x, const float* g, int rows, float* w, bool add, int used) {
  switch (features) {
#define FLOW_CASE(A) \
  case A:            \
    return gradient_panel<A>(x, g, rows, w, add, used);
    FLOW_HEIGHTS(FLOW_CASE)
#undef FLOW_CASE
    default:
      return;
  }
}

// Column sums of `rows` rows of a panel of g.
void gradient_bias(const float* g, int rows, float* bias, bool add) {
  F sum[kVectors] = {};
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) sum[v] = sum[v] + load(g + r * kLanes + v * kWidth);
  for (int v = 0; v < kVectors; v++) store(bias + v * kWidth, add ? load(bias + v * kWidth) + sum[v] : sum[v]);
}

void weight_grad(const WeightGradArgs& a) {
  const int rows = a.x.rows, in = a.x.cols, begin = a.feature_begin, end = a.feature_end < in ? a.feature_end : in;
  for (int row = 0; row < rows || row == 0; row += kSumBlock) {
    const int count = rows - row < kSumBlock ? rows - row : kSumBlock;
    const bool add = a.accumulate || row > 0;
    for (int p = a.panel_begin; p < a.panel_end; p++) {
      float* w = a.panels + static_cast<int64_t>(p) * in * kLanes;
      const int used = used_vectors(a.g.cols - p * kLanes);
      if (used < kVectors && !add)
        for (int64_t i = static_cast<int64_t>(begin) * kLanes; i < static_cast<int64_t>(end) * kLanes; i += kWidth) store(w + i, F{});
      const float* g = a.g.data + p * a.g.block + static_cast<int64_t>(row) * kLanes;
      if (a.bias && begin == 0) gradient_bias(g, count, a.bias + p * kLanes, add);
      for (int first = begin; first < end; first += kLanes) {
        const int features = end - first < kLanes ? end - first : kLanes, tiles = (features + kTileRows - 1) / kTileRows;
        const float* x = a.x.data + static_cast<int64_t>(first / kLanes) * a.x.block + static_cast<int64_t>(row) * kLanes;
        const int cols = a.g.cols - p * kLanes;
        float* panel = w + static_cast<int64_t>(first) * kLanes;
        if (cols <= 3 && features > 3) {
          if (cols == 1) gradient_few<1>(x, g, count, panel, add, features);
          if (cols == 2) gradient_few<2>(x, g, count, panel, add, features);
          if (cols == 3) gradient_few<3>(x, g, count, panel, add, features);
          continue;
        }
        for (int t = 0, i = 0; t < tiles; t++) {
          const int n = (features - i + tiles - t - 1) / (tiles - t);
          gradient_features(n, x + i, g, count, w + static_cast<int64_t>(first + i) * kLanes, add, used);
          i += n;
        }
      }
    }
  }
}

}  // namespace
