// What entropic transport does n^2 times: the logarithm of a row's sum of exponentials, those exponentials, and logarithms of uniform numbers.
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

}  // namespace
