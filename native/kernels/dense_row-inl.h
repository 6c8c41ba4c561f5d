// dense() for one to three rows.
namespace {

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

}  // namespace
