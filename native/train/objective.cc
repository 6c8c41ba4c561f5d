#include "train/objective.h"

#include <cstring>

namespace flow {

namespace {

// log2 x = e + log2 m, m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172.
double log2_of(double x) {
  int shift = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    shift = -54;
  }
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  int64_t e = static_cast<int64_t>(bits >> 52) - 1023 + shift;
  bits = (bits & 0xFFFFFFFFFFFFF) | (uint64_t{1023} << 52);
  double m;
  std::memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++e;
  }
  const double s = (m - 1) / (m + 1), z = s * s;
  double sum = 0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
  return static_cast<double>(e) + 2 * s * sum * 1.4426950408889634;
}

// 2^y for |y| < 1022: the fraction by the series of e^(f log 2), |f log 2| < 0.35.
double exp2_of(double y) {
  const int64_t n = static_cast<int64_t>(y < 0 ? y - 0.5 : y + 0.5);
  const double f = (y - static_cast<double>(n)) * 0.6931471805599453;
  double sum = 1;
  for (int k = 16; k >= 1; --k) sum = 1 + sum * f / k;
  const uint64_t bits = static_cast<uint64_t>(n + 1023) << 52;
  double scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

}  // namespace

double power_of(double x, double p) {
  const double y = p * log2_of(x);
  return y < -1021 ? 0 : y > 1021 ? 0x1p1021 : exp2_of(y);
}

void scale_columns(Blocked m, int32_t first, const float* by) {
  if (by == nullptr || m.data == nullptr) return;
  for (int32_t c = first; c < m.cols; ++c) {
    float* at = m.data + (c / kLanes) * m.block + c % kLanes;
    for (int32_t r = 0; r < m.rows; ++r, at += kLanes) *at *= by[r];
  }
}

void RowLoss::apply(int32_t rows, float* loss, float* weight) const {
  for (int32_t r = 0; r < rows; ++r) {
    const double q = loss[r], w = weight[r];
    if (!(q - q == 0)) continue;  // NaN or infinity stays what it is: the step is discarded
    if (kind_ == LossKind::kSquares) {
      loss[r] = static_cast<float>(w * q);
    } else if (kind_ == LossKind::kPseudoHuber) {
      const double root = __builtin_sqrt(q + c_ * c_);
      loss[r] = static_cast<float>(w * d_ * (q / (root + c_)));  // root - c without a difference of near numbers
      weight[r] = static_cast<float>(w * d_ / (2 * root));
    } else {
      const double scale = w * d_ / power_of(q + c_, power_);
      loss[r] = static_cast<float>(scale * q);
      weight[r] = static_cast<float>(scale);
    }
  }
}

}  // namespace flow
