// dense() for one to four outputs of many inputs, the last layer of a network for few dimensions: lanes run over k, where a tile's vectors would hold four
// columns at most and one row would wait for a chain of as many fmas as there are inputs. An element's sum: kVirtualLanes lanes, each k ascending, then the
// tree.
namespace {

// The lanes' halves of every block of 2 W lanes added, first those of a, then those of b: a level of the tree for several sums at once.
template <int W, int... J>
FLOW_INLINE F halves_added(F a, F b, std::integer_sequence<int, J...>) {
  constexpr int kBlocks = kWidth / (2 * W);
  const F low = __builtin_shufflevector(a, b, (J / W / kBlocks * kWidth + J / W % kBlocks * 2 * W + J % W)...);
  const F high = __builtin_shufflevector(a, b, (J / W / kBlocks * kWidth + J / W % kBlocks * 2 * W + J % W + W)...);
  return low + high;
}
template <int W, int N>
FLOW_INLINE F trees_of(const F (&x)[N]) {
  if constexpr (W == 0) {
    return x[0];
  } else {
    F half[N / 2];
#pragma GCC unroll 8
    for (int i = 0; i < N / 2; i++) half[i] = halves_added<W>(x[2 * i], x[2 * i + 1], std::make_integer_sequence<int, kWidth>());
    return trees_of<W / 2>(half);
  }
}
// tree() of N <= kWidth sums, in their order.
template <int N>
FLOW_INLINE F trees(const Lanes (&sum)[N]) {
  F x[kWidth] = {};
#pragma GCC unroll 16
  for (int i = 0; i < N; i++) {
    Lanes s = sum[i];
#pragma GCC unroll 2
    for (int n = kParts / 2; n > 0; n /= 2)
#pragma GCC unroll 2
      for (int j = 0; j < n; j++) s.part[j] = s.part[j] + s.part[j + n];
    x[i] = s.part[0];
  }
  return trees_of<kWidth / 2>(x);
}

// z[r C + c] of R rows.
template <int R, int C>
FLOW_INLINE void few_sums(const DenseArgs& d, const float* transposed, int row, float* z) {
  Lanes sum[R * C] = {};
  const float* x = d.x.data + static_cast<int64_t>(row) * kLanes;
  for (int k = 0; k < d.x.cols; k += kVirtualLanes) {
    const float *xk = x + k / kLanes * d.x.block + k % kLanes, *wk = transposed + k / kLanes * C * kLanes + k % kLanes;
#pragma GCC unroll 4
    for (int j = 0; j < kParts; j++) {
      F w[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) w[c] = load(wk + c * kLanes + j * kWidth);
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) {
        const F a = load(xk + r * kLanes + j * kWidth);
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) sum[r * C + c].part[j] = fma(a, w[c], sum[r * C + c].part[j]);
      }
    }
  }
  store(z, trees(sum));
}

// R rows from their sums on. Without activation element by element: a row is made of few numbers, which a vector could not load so soon after.
template <int R, int C>
FLOW_INLINE void few_finish(const DenseArgs& d, Finish finish, int row, const float* z) {
  if (d.activation != Activation::kIdentity || d.slope.data) {
    alignas(64) float rows[R][kLanes] = {};
    for (int r = 0; r < R; r++)
      for (int c = 0; c < C; c++) rows[r][c] = z[r * C + c];
    return finish(d, rows[0], row, R, 0);
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
    float* y = d.y.data + static_cast<int64_t>(row + r) * kLanes;
    float value[C];
    for (int c = 0; c < C; c++) {
      value[c] = d.bias ? z[r * C + c] + d.bias[c] : z[r * C + c];
      if (d.accumulate) value[c] += y[c];
      if (d.mul.data) value[c] *= d.mul.data[static_cast<int64_t>(row + r) * kLanes + c];
    }
#pragma GCC unroll 8
    for (int v = 0; v < kLanes; v += kWidth) store(y + v, F{});
    for (int c = 0; c < C; c++) y[c] = value[c];
  }
}

template <int C>
void few_outputs_of(const DenseArgs& d, Finish finish) {
  constexpr int R = kSums >= 24 ? (kWidth == 16 ? 16 : 4) / C : kWidth == 8 ? 4 / C : 1;  // R C sums stay in registers
  alignas(64) float z[kWidth], made[C * kFewInputs];
  const float* transposed = d.transposed;
  if (!transposed) {
    transpose_panels(d.panels, C, d.x.cols, made);
    transposed = made;
  }
  int row = 0;
  for (; row + R <= d.y.rows; row += R) {
    few_sums<R, C>(d, transposed, row, z);
    few_finish<R, C>(d, finish, row, z);
  }
  for (; row < d.y.rows; row++) {
    few_sums<1, C>(d, transposed, row, z);
    few_finish<1, C>(d, finish, row, z);
  }
}

void dense_few(const DenseArgs& d) {
  const Finish finish = finish_for(d.activation, d.slope.data != nullptr);
  if (d.y.cols == 1) return few_outputs_of<1>(d, finish);
  if (d.y.cols == 2) return few_outputs_of<2>(d, finish);
  if (d.y.cols == 3) return few_outputs_of<3>(d, finish);
  few_outputs_of<kFewOutputs>(d, finish);
}

}  // namespace
