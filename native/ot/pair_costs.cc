#include "ot/pair_costs.h"

#include "ot/assignment.h"
#include "ot/over_rows.h"

namespace flow {

namespace {
constexpr double kShare = 0.05, kShareTolerance = 1e-3, kMostWeight = 1e8;  // of C2OT
constexpr int kBisections = 10;
constexpr int32_t kLine = 16;  // floats

float finite_cost(float x) { return x < 3e38f ? x : 3e38f; }
}  // namespace

Status PairCosts::init(int64_t rows, int32_t dimension, int32_t numbers, int32_t labels) {
  dimension_ = dimension;
  numbers_ = numbers;
  labels_ = labels;
  const int64_t stride = round_up(rows, 16);
  FLOW_TRY(share_.allocate(rows));
  FLOW_TRY(from_.allocate(checked_product(rows, dimension)));
  FLOW_TRY(to_.allocate(checked_product(stride, dimension)));
  FLOW_TRY(beside_.allocate(checked_product(rows, numbers)));
  FLOW_TRY(beside_to_.allocate(checked_product(stride, numbers)));
  FLOW_TRY(distance_.allocate(checked_product(rows, stride)));
  FLOW_TRY(apart_.allocate(numbers > 0 ? checked_product(rows, stride) : 0));
  return sums_.allocate(2 * rows);
}

template <class F>
double PairCosts::sum_rows(int32_t n, int32_t threads, const StopFlag* stop, F&& row) {
  over_rows(n, threads, stop, [&](int32_t i) { sums_[i] = row(i); });
  double sum = 0;
  for (int32_t i = 0; i < n; ++i) sum += sums_[i];
  return sum;
}

bool PairCosts::build(const Kernels& k, int32_t n, const int32_t* rows, const float* x0, const float* x1, const float* condition, int32_t threads,
                      const StopFlag* stop, double* mean) {
  const int64_t stride = round_up(n, 16);
  const int32_t width = numbers_ + labels_;
  for (int32_t first = 0; first < n; first += kLine) {  // whole lines of to_ at a time: its rows lie far apart
    const int32_t end = first + kLine < n ? first + kLine : n;
    for (int32_t i = first; i < end; ++i)
      std::memcpy(from_.data() + int64_t{i} * dimension_, x0 + int64_t{rows[i]} * dimension_, static_cast<size_t>(dimension_) * sizeof(float));
    for (int32_t c = 0; c < dimension_; ++c)
      for (int32_t i = first; i < end; ++i) to_[c * stride + i] = x1[int64_t{rows[i]} * dimension_ + c];
    for (int32_t c = 0; c < numbers_; ++c)
      for (int32_t i = first; i < end; ++i) beside_[int64_t{i} * numbers_ + c] = beside_to_[c * stride + i] = condition[int64_t{rows[i]} * width + c];
  }
  over_tasks(n, threads, stop, [&](int32_t first, int32_t end) {
    const auto distances = [&](int32_t depth, const float* from, const float* to, float* out) {
      k.distances(end - first, static_cast<int32_t>(stride), depth, from + int64_t{first} * depth, to, stride, out + first * stride, stride);
    };
    distances(dimension_, from_.data(), to_.data(), distance_.data());
    if (numbers_ > 0) distances(numbers_, beside_.data(), beside_to_.data(), apart_.data());
  });
  const auto row_sum = [&](int32_t i) {
    double sum = 0;
    for (int32_t j = 0; j < n; ++j) sum += static_cast<double>(finite_cost(distance_[i * stride + j]));
    return sum;
  };
  if (mean != nullptr) *mean = sum_rows(n, threads, stop, row_sum) / (static_cast<double>(n) * n);
  if (stop != nullptr && stop->requested()) return false;
  const float w = numbers_ > 0 ? static_cast<float>(weight(n, stride, threads, stop)) : 0;
  over_rows(n, threads, stop, [&](int32_t i) {
    float* d = distance_.data() + i * stride;
    const float* y = apart_.data() + i * stride;
    if (w > 0)
      for (int32_t j = 0; j < n; ++j) d[j] += w * y[j];
    for (int32_t j = 0; j < n; ++j) d[j] = finite_cost(d[j]);
  });
  return stop == nullptr || !stop->requested();
}

// w by doubling, then bisection: mean_ij [ |x0_i - x1_j|^2 + w |y0_i - y1_j|^2 <= |x0_i - x1_i|^2 ] = kShare; 0 where that holds without.
double PairCosts::weight(int32_t n, int64_t stride, int32_t threads, const StopFlag* stop) {
  const auto share = [&](double w) {
    const float factor = static_cast<float>(w);
    over_rows(n, threads, stop, [&](int32_t i) {
      const float *d = distance_.data() + i * stride, *y = apart_.data() + i * stride, limit = d[i];
      int32_t count = 0;
      for (int32_t j = 0; j < n; ++j) count += d[j] + factor * y[j] <= limit;
      share_[i] = count;
    });
    int64_t sum = 0;
    for (int32_t i = 0; i < n; ++i) sum += share_[i];
    return static_cast<double>(sum) / (static_cast<double>(n) * n);
  };
  over_rows(n, threads, stop, [&](int32_t i) {
    double d = 0, y = 0;
    for (int32_t j = 0; j < n; ++j) {
      d += finite_cost(distance_[i * stride + j]);
      y += finite_cost(apart_[i * stride + j]);
    }
    sums_[2 * i] = d;
    sums_[2 * i + 1] = y;
  });
  double d = 0, y = 0;
  for (int32_t i = 0; i < n; ++i) {
    d += sums_[2 * i];
    y += sums_[2 * i + 1];
  }
  if (!(d > 0) || !(y > 0) || share(0) <= kShare) return 0;
  double low = 0, high = d / y < kMostWeight ? d / y : kMostWeight;  // where both parts weigh the same
  while (share(high) > kShare) {
    if (high >= kMostWeight || (stop != nullptr && stop->requested())) return kMostWeight;
    low = high;
    high = 2 * high < kMostWeight ? 2 * high : kMostWeight;
  }
  for (int step = 0; step < kBisections; ++step) {
    const double middle = (low + high) / 2, found = share(middle);
    if (found > kShare) low = middle;
    else high = middle;
    if (found <= kShare && found > kShare - kShareTolerance) break;
  }
  return high;
}

// The finest step that the largest cost allows. No cost above that of the drawn pairing can be part of an optimum, so twice it is enough; where that costs
// nothing, every cost above 0 is beyond the limit.
void PairCosts::quantise(const Kernels& k, int32_t n, int32_t threads, int32_t* out, int64_t out_stride) {
  const int64_t stride = round_up(n, 16);
  over_rows(n, threads, nullptr, [&](int32_t i) {
    const float* d = distance_.data() + i * stride;
    sums_[2 * i] = d[i];
    sums_[2 * i + 1] = k.largest(n, d);
  });
  double drawn = 0, top = 0;
  for (int32_t i = 0; i < n; ++i) {
    drawn += sums_[2 * i];
    top = sums_[2 * i + 1] > top ? sums_[2 * i + 1] : top;
  }
  top = 2 * drawn < top ? 2 * drawn : top;
  top = top > 0 ? top : 0x1p-149;
  const double scale = kCostLimit / top;
  const float most = static_cast<float>(top), factor = static_cast<float>(scale);
  const bool tiny = !(scale < 3e38);  // no f32
  over_rows(n, threads, nullptr, [&](int32_t i) {
    const float* d = distance_.data() + i * stride;
    int32_t* c = out + i * out_stride;
    if (tiny)
      for (int32_t j = 0; j < n; ++j) c[j] = static_cast<int32_t>((static_cast<double>(d[j]) < top ? static_cast<double>(d[j]) : top) * scale);
    else k.quantise(n, d, most, factor, kCostLimit, c);
  });
}

}  // namespace flow
