#include "ot/point_costs.h"

#include "rng/permutation.h"

namespace flow {

namespace {

// The largest power of two not above x > 0, kept where its square and its inverse are normal numbers.
double power_below(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  uint64_t exponent = bits >> 52 & 0x7ff;
  exponent = exponent < 2 ? 2 : exponent > 2044 ? 2044 : exponent;
  bits = exponent << 52;
  std::memcpy(&x, &bits, sizeof bits);
  return x;
}
double magnitude(double x) { return x < 0 ? -x : x; }

}  // namespace

Status PointCosts::init(int32_t n, int32_t depth, const double* x, const double* y, int32_t power) {
  n_ = n;
  depth_ = depth;
  power_ = power;
  stride_ = round_up(n, 16);
  const int64_t size = checked_product(n, depth);
  double largest = 0;
  for (const double* points : {x, y})
    for (int64_t i = 0; i < size; ++i) largest = magnitude(points[i]) > largest ? magnitude(points[i]) : largest;
  const double first = largest > 0 ? 0.25 / power_below(largest) : 1;  // |coordinate| < 1/2: neither a difference nor its square overflows
  Buffer<double> centre, low, high;
  for (Buffer<double>* b : {&centre, &low, &high}) FLOW_TRY(b->allocate(depth));
  for (int32_t c = 0; c < depth; ++c) low[c] = 2, high[c] = -2;
  for (const double* points : {x, y})
    for (int64_t i = 0; i < size; ++i) {
      const double v = points[i] * first;
      const int64_t c = i % depth;
      low[c] = v < low[c] ? v : low[c];
      high[c] = v > high[c] ? v : high[c];
    }
  double diagonal = 0;
  for (int32_t c = 0; c < depth; ++c) {
    centre[c] = (low[c] + high[c]) / 2 / first;
    diagonal += (high[c] - low[c]) * (high[c] - low[c]);
  }
  diagonal = __builtin_sqrt(diagonal);
  scale_ = diagonal > 0 ? first * (0.5 / power_below(diagonal)) : first;  // the diagonal comes to lie in [1/2, 1)
  margin_ = static_cast<float>(2 * depth + 16) * 0x1p-24f;
  FLOW_TRY(place(x, centre.data(), 0, &x_order_, &x_));
  FLOW_TRY(place(y, centre.data(), 1, &y_order_, &y_));
  FLOW_TRY(from_.allocate(size));
  FLOW_TRY(to_.allocate(checked_product(stride_, depth)));
  for (int64_t i = 0; i < size; ++i) from_[i] = static_cast<float>(x_[i]);
  for (int64_t j = 0; j < n; ++j)
    for (int32_t c = 0; c < depth; ++c) to_[c * stride_ + j] = static_cast<float>(y_[j * depth + c]);
  return {};
}

Status PointCosts::place(const double* points, const double* centre, uint64_t stream, Buffer<uint32_t>* order, Buffer<double>* to) const {
  FLOW_TRY(order->allocate(n_));
  FLOW_TRY(to->allocate(checked_product(n_, depth_)));
  Permutation(static_cast<uint64_t>(n_), philox_key(0), Stream::kEpoch, stream).run(0, n_, order->data());
  for (int64_t i = 0; i < n_; ++i)
    for (int32_t c = 0; c < depth_; ++c) (*to)[i * depth_ + c] = (points[int64_t{(*order)[i]} * depth_ + c] - centre[c]) * scale_;
  return {};
}

double PointCosts::cost(int32_t i, int32_t j) const {
  const double *x = x_.data() + int64_t{i} * depth_, *y = y_.data() + int64_t{j} * depth_;
  double sum = 0;
  for (int32_t c = 0; c < depth_; ++c) sum += (x[c] - y[c]) * (x[c] - y[c]);
  return power_ == 1 ? __builtin_sqrt(sum) : sum;
}

int64_t PointCosts::exact(int32_t i, int32_t j) const { return static_cast<int64_t>(cost(i, j) * static_cast<double>(int64_t{1} << kCostBits) + 0.5); }

void PointCosts::row(const Kernels& k, int32_t i, int32_t first, int32_t last, float* out) const {
  const int32_t count = static_cast<int32_t>(round_up(last - first, 16));
  k.distances(1, count, depth_, from_.data() + int64_t{i} * depth_, to_.data() + first, stride_, out, 0);
  if (power_ == 1)
    for (int32_t j = 0; j < count; ++j) out[j] = __builtin_sqrtf(out[j]);
}

double PointCosts::mean(const int32_t* column_of) const {
  double sum = 0;
  for (int32_t i = 0; i < n_; ++i) sum += cost(i, column_of[i]);
  sum /= n_;
  return power_ == 1 ? sum / scale_ : sum / scale_ / scale_;
}

}  // namespace flow
