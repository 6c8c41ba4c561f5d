// What forward derivatives need beside the dense kernel: rows times one vector, the trace of many tangents, and the derivative of a layer norm.
namespace {

void scale_rows(ConstBlocked a, const float* w, int64_t w_block, Blocked y) {
  const int blocks = (y.cols + kLanes - 1) / kLanes;
  for (int b = 0; b < blocks; b++) {
    F by[kLanes / kWidth];
#pragma GCC unroll 8
    for (int v = 0; v < kLanes / kWidth; v++) by[v] = load(w + b * w_block + v * kWidth);
    const float* from = a.data + b * a.block;
    float* to = y.data + b * y.block;
    for (int r = 0; r < y.rows; r++, from += kLanes, to += kLanes)
#pragma GCC unroll 8
      for (int v = 0; v < kLanes / kWidth; v++) store(to + v * kWidth, load(from + v * kWidth) * by[v]);
  }
}

// R rows at a time: enough independent sums to hide the latency of fma, and one load of the shared vector for all of them.
template <int R>
FLOW_INLINE void trace_rows(const TraceArgs& t, int row) {
  Lanes sum[R] = {};
  const int64_t at = static_cast<int64_t>(row) * kLanes, at_b = row * t.b_row;
  for (int copy = 0; copy < t.copies; copy++)
    for (int block = 0; block < t.blocks; block++) {
      const float* a = t.a + copy * t.a_copy + block * t.a_block + at;
      const float* b = t.b + copy * t.b_copy + block * t.b_block + at_b;
#pragma GCC unroll 2
      for (int half = 0; half < kLanes; half += kVirtualLanes)
#pragma GCC unroll 4
        for (int j = 0; j < kParts; j++)
#pragma GCC unroll 4
          for (int r = 0; r < R; r++) {
            const int o = half + j * kWidth;
            sum[r].part[j] = fma(load(a + r * kLanes + o), load(b + r * t.b_row + o), sum[r].part[j]);
          }
    }
  for (int r = 0; r < R; r++) t.y[(row + r) * t.y_row] = tree(sum[r]);
}

void trace(const TraceArgs& t) {
  constexpr int R = kWidth == 16 ? 4 : kWidth == 8 ? 4 : 2;
  int r = 0;
  for (; r + R <= t.rows; r += R) trace_rows<R>(t, r);
  for (; r < t.rows; r++) trace_rows<1>(t, r);
}

// y = gamma rstd (d - mean(d) - xhat mean(xhat d)), d the tangent of x
void layer_norm_tangent(ConstBlocked x, ConstBlocked along, const float* gamma, const float* mean, const float* rstd, Blocked y) {
  const float n = static_cast<float>(x.cols);
  for (int r = 0; r < x.rows; r++) {
    const int64_t row = static_cast<int64_t>(r) * kLanes;
    const F vm = splat(mean[r]), vs = splat(rstd[r]);
    Lanes sum = {}, products = {};
    each_vector(x.cols, [&](int b, int o, int j, int lanes) {
      const F d = only(load(along.data + b * along.block + row + o), lanes);
      const F xhat = only((load(x.data + b * x.block + row + o) - vm) * vs, lanes);
      sum.part[j] = sum.part[j] + d;
      products.part[j] = fma(d, xhat, products.part[j]);
    });
    const F m1 = splat(tree(sum) / n), m2 = splat(tree(products) / n);
    each_vector(x.cols, [&](int b, int o, int, int lanes) {
      const F d = load(along.data + b * along.block + row + o), xhat = (load(x.data + b * x.block + row + o) - vm) * vs;
      store(y.data + b * y.block + row + o, only(vs * fma(-xhat, m2, d - m1) * load(gamma + b * kLanes + o), lanes));
    });
    clear_rest(y, r);
  }
}

}  // namespace
