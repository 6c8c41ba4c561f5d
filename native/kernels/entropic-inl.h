// What entropic transport does n^2 times: the logarithm of a row's sum of exponentials, those exponentials, logarithms of uniform numbers, and the products
// of a matrix with a vector from either side.
// n is a multiple of 16 and every row starts at 64 bytes; a column that is to count for nothing holds -1e30.
// Exponentials below e^-87 are 0: subnormal numbers cost a hundred times as much, and nothing here needs them.
namespace {

FLOW_INLINE F plan_exponential(F x) { return select(x < splat(-87.0f), splat(0.0f), exponential(at_least(x, -87.0f))); }

float log_sum_exp(int32_t n, const float* a, const float* b) {
  Lanes top, sum = {};
  for (int j = 0; j < kParts; j++) top.part[j] = splat(-3.4e38f);
  for (int32_t i = 0; i < n; i += kVirtualLanes) {
#pragma GCC unroll 4
    for (int j = 0; j < kParts; j++) {
      const F x = load(a + i + j * kWidth) + load(b + i + j * kWidth);
      top.part[j] = select(x > top.part[j], x, top.part[j]);
    }
  }
  float most = -3.4e38f;
  for (int j = 0; j < kParts; j++)
    for (int l = 0; l < kWidth; l++) most = lane(top.part[j], l) > most ? lane(top.part[j], l) : most;
  const F shift = splat(most);
  for (int32_t i = 0; i < n; i += kVirtualLanes) {
#pragma GCC unroll 4
    for (int j = 0; j < kParts; j++) sum.part[j] += plan_exponential((load(a + i + j * kWidth) + load(b + i + j * kWidth)) - shift);
  }
  return most + lane(logarithm(splat(tree(sum))), 0);
}

void exponentials(int32_t n, const float* a, const float* b, float shift, float* y) {
  const F s = splat(shift);
  for (int32_t j = 0; j < n; j += kWidth) store(y + j, plan_exponential((load(a + j) + load(b + j)) - s));
}

void logarithms(int32_t n, const float* x, float* y) {
  for (int32_t j = 0; j < n; j += kWidth) store(y + j, logarithm(load(x + j)));
}

template <int R>
FLOW_INLINE void products_of(int32_t n, const float* m, int64_t stride, const float* v, float* y) {
  Lanes sum[R] = {};
  for (int32_t i = 0; i < n; i += kVirtualLanes) {
#pragma GCC unroll 4
    for (int j = 0; j < kParts; j++) {
      const F x = load(v + i + j * kWidth);
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) sum[r].part[j] = fma(load(m + r * stride + i + j * kWidth), x, sum[r].part[j]);
    }
  }
  for (int r = 0; r < R; r++) y[r] = tree(sum[r]);
}

void row_products(int32_t rows, int32_t n, const float* m, int64_t stride, const float* v, float* y) {
  constexpr int R = kWidth >= 8 ? 4 : 2;  // sums that fit the registers
  int32_t r = 0;
  for (; r + R <= rows; r += R) products_of<R>(n, m + r * stride, stride, v, y + r);
  for (; r < rows; r++) products_of<1>(n, m + r * stride, stride, v, y + r);
}

template <int C>
FLOW_INLINE void weighted_columns(int32_t rows, const float* m, int64_t stride, const float* w, float* y) {
  F sum[C] = {};
  for (int32_t r = 0; r < rows; r++) {
    const F factor = splat(w[r]);
#pragma GCC unroll 16
    for (int c = 0; c < C; c++) sum[c] = fma(factor, load(m + r * stride + c * kWidth), sum[c]);
  }
#pragma GCC unroll 16
  for (int c = 0; c < C; c++) store(y + c * kWidth, sum[c]);
}

void weighted_rows(int32_t rows, int32_t n, const float* m, int64_t stride, const float* w, float* y) {
  constexpr int32_t wide = 8 * kWidth;  // eight sums hide the latency of fma
  int32_t i = 0;
  for (; i + wide <= n; i += wide) weighted_columns<8>(rows, m + i, stride, w, y + i);
  for (; i < n; i += kVirtualLanes) weighted_columns<kParts>(rows, m + i, stride, w, y + i);
}

}  // namespace
