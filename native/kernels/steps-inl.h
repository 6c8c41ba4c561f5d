// Steps of a size of their own per row: the stage of an adaptive Runge-Kutta method, and the error of its step in units of the tolerance.
namespace {

FLOW_INLINE F stage_sum(int32_t terms, const float* c, const float* const* k, int64_t at) {
  F sum = terms > 0 ? splat(c[0]) * load(k[0] + at) : F{};
  for (int j = 1; j < terms; j++) sum = fma(splat(c[j]), load(k[j] + at), sum);
  return sum;
}

void advance_rows(int32_t rows, int32_t cols, int64_t block, const float* h, const float* x, int32_t terms, const float* c, const float* const* k, float* y) {
  for (int first = 0; first < cols; first += kLanes) {
    const int used = cols - first < kLanes ? cols - first : kLanes;
    for (int r = 0; r < rows; r++) {
      const int64_t row = first / kLanes * block + static_cast<int64_t>(r) * kLanes;
      const F step = splat(h[r]);
      for (int l = 0; l < used; l += kWidth) store(y + row + l, fma(step, stage_sum(terms, c, k, row + l), load(x + row + l)));
    }
  }
}

void error_rows(int32_t rows, int32_t cols, int64_t block, const float* h, const float* x, const float* y, int32_t terms, const float* c, const float* const* k,
                float atol, float rtol, float* out) {
  const F absolute = splat(atol), relative = splat(rtol);
  for (int r = 0; r < rows; r++) {
    Lanes sum = {};
    const F step = splat(h[r]);
    for (int first = 0; first < cols; first += kVirtualLanes) {
      const int64_t row = first / kLanes * block + static_cast<int64_t>(r) * kLanes + first % kLanes;
#pragma GCC unroll 4
      for (int j = 0; j < kParts; j++) {
        const int64_t at = row + j * kWidth;
        if (first + j * kWidth >= cols) break;
        const F before = magnitude(load(x + at)), after = load(y + at), size = magnitude(after);
        const F scale = fma(relative, select(before > size, before, size), absolute);
        const F q = step * stage_sum(terms, c, k, at) / scale + (after - after);
        sum.part[j] = fma(q, q, sum.part[j]);
      }
    }
    out[r] = tree(sum);
  }
}

}  // namespace
