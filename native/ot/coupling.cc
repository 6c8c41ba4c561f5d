#include "ot/coupling.h"

#include "core/pool.h"

namespace flow {

namespace {

constexpr int32_t kTaskRows = 16;
constexpr double kShare = 0.05, kShareTolerance = 1e-3, kMostWeight = 1e8;  // of C2OT
constexpr int kBisections = 10;

float finite_cost(float x) { return x < 3e38f ? x : 3e38f; }

}  // namespace

Status Coupling::init(int64_t rows, int32_t dimension, int32_t numbers, int32_t labels) {
  dimension_ = dimension;
  numbers_ = numbers;
  labels_ = labels;
  const int64_t stride = round_up(rows, 16);
  FLOW_TRY(assignment_.init(rows));
  for (Buffer<int32_t>* b : {&order_, &merged_, &column_of_, &share_}) FLOW_TRY(b->allocate(rows));
  FLOW_TRY(from_.allocate(checked_product(rows, dimension)));
  FLOW_TRY(to_.allocate(checked_product(stride, dimension)));
  FLOW_TRY(beside_.allocate(checked_product(rows, numbers)));
  FLOW_TRY(beside_to_.allocate(checked_product(stride, numbers)));
  FLOW_TRY(distance_.allocate(checked_product(rows, stride)));
  FLOW_TRY(apart_.allocate(numbers > 0 ? checked_product(rows, stride) : 0));
  FLOW_TRY(cost_.allocate(checked_product(rows, stride)));
  return sums_.allocate(2 * rows);
}

template <class F>
void Coupling::over_rows(int32_t n, int32_t threads, const StopFlag* stop, F&& run) {
  parallel_for((n + kTaskRows - 1) / kTaskRows, threads, [&](int64_t task, int32_t) {
    if (stop != nullptr && stop->requested()) return;
    const int32_t end = static_cast<int32_t>(task + 1) * kTaskRows;
    for (int32_t i = static_cast<int32_t>(task) * kTaskRows; i < (end < n ? end : n); ++i) run(i);
  });
}

bool Coupling::pair(const Kernels& k, int32_t rows, const float* x0, const float* x1, const float* condition, int32_t threads, const StopFlag* stop,
                    int32_t* pairs) {
  for (int32_t i = 0; i < rows; ++i) order_[i] = i;
  if (labels_ == 0) return group(k, 0, rows, x0, x1, condition, threads, stop, pairs);
  sort_by_labels(rows, condition);
  const int32_t width = numbers_ + labels_;
  const auto labels = [&](int32_t i) { return condition + int64_t{order_[i]} * width + numbers_; };
  for (int32_t first = 0, end; first < rows; first = end) {
    for (end = first + 1; end < rows && std::memcmp(labels(first), labels(end), static_cast<size_t>(labels_) * sizeof(float)) == 0;) ++end;
    if (!group(k, first, end - first, x0, x1, condition, threads, stop, pairs)) return false;
  }
  return true;
}

// A stable merge sort of order_: rows of equal labels end up side by side, in the order of the batch.
void Coupling::sort_by_labels(int32_t rows, const float* condition) {
  const int32_t width = numbers_ + labels_;
  const auto after = [&](int32_t a, int32_t b) {
    const float *p = condition + int64_t{a} * width + numbers_, *q = condition + int64_t{b} * width + numbers_;
    for (int32_t l = 0; l < labels_; ++l)
      if (p[l] != q[l]) return p[l] > q[l];
    return false;
  };
  for (int32_t half = 1; half < rows; half *= 2) {
    for (int32_t first = 0; first < rows; first += 2 * half) {
      const int32_t middle = first + half < rows ? first + half : rows, end = middle + half < rows ? middle + half : rows;
      for (int32_t a = first, b = middle, to = first; to < end; ++to)
        merged_[to] = a < middle && (b >= end || !after(order_[a], order_[b])) ? order_[a++] : order_[b++];
    }
    std::swap(order_, merged_);
  }
}

// The rows order_[first .. first + n).
bool Coupling::group(const Kernels& k, int32_t first, int32_t n, const float* x0, const float* x1, const float* condition, int32_t threads,
                     const StopFlag* stop, int32_t* pairs) {
  const int32_t* rows = order_.data() + first;
  if (n == 1) {
    pairs[rows[0]] = rows[0];
    return true;
  }
  const int64_t stride = round_up(n, 16);
  const int32_t width = numbers_ + labels_;
  for (int32_t i = 0; i < n; ++i) {
    std::memcpy(from_.data() + int64_t{i} * dimension_, x0 + int64_t{rows[i]} * dimension_, static_cast<size_t>(dimension_) * sizeof(float));
    for (int32_t c = 0; c < dimension_; ++c) to_[c * stride + i] = x1[int64_t{rows[i]} * dimension_ + c];
    for (int32_t c = 0; c < numbers_; ++c) beside_[int64_t{i} * numbers_ + c] = beside_to_[c * stride + i] = condition[int64_t{rows[i]} * width + c];
  }
  over_rows(n, threads, stop, [&](int32_t i) {
    k.distances(static_cast<int32_t>(stride), dimension_, from_.data() + int64_t{i} * dimension_, to_.data(), stride, distance_.data() + i * stride);
    if (numbers_ > 0)
      k.distances(static_cast<int32_t>(stride), numbers_, beside_.data() + int64_t{i} * numbers_, beside_to_.data(), stride, apart_.data() + i * stride);
  });
  if (stop != nullptr && stop->requested()) return false;
  quantise(n, stride, numbers_ > 0 ? weight(n, stride, threads, stop) : 0, threads);
  if (!assignment_.solve(k, n, cost_.data(), stride, stop, column_of_.data())) return false;
  for (int32_t i = 0; i < n; ++i) pairs[rows[column_of_[i]]] = rows[i];
  return stop == nullptr || !stop->requested();
}

// w by doubling, then bisection: mean_ij [ |x0_i - x1_j|^2 + w |y0_i - y1_j|^2 <= |x0_i - x1_i|^2 ] = kShare; 0 where that holds without.
double Coupling::weight(int32_t n, int64_t stride, int32_t threads, const StopFlag* stop) {
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

// Integers: the finest step that the largest cost allows. No cost above that of the drawn pairing can be part of an optimum, so twice it is enough.
void Coupling::quantise(int32_t n, int64_t stride, double weight, int32_t threads) {
  const float w = static_cast<float>(weight);
  over_rows(n, threads, nullptr, [&](int32_t i) {
    float *d = distance_.data() + i * stride, most = 0;
    const float* y = apart_.data() + i * stride;
    sums_[2 * i] = finite_cost(d[i]);
    if (w > 0)
      for (int32_t j = 0; j < n; ++j) d[j] += w * y[j];
    for (int32_t j = 0; j < n; ++j) {
      d[j] = finite_cost(d[j]);
      most = d[j] > most ? d[j] : most;
    }
    sums_[2 * i + 1] = most;
  });
  double drawn = 0, top = 0;
  for (int32_t i = 0; i < n; ++i) {
    drawn += sums_[2 * i];
    top = sums_[2 * i + 1] > top ? sums_[2 * i + 1] : top;
  }
  top = 2 * drawn < top ? 2 * drawn : top;
  const double scale = top > 0 ? kCostLimit / top : 0;
  const float most = static_cast<float>(top), factor = static_cast<float>(scale);
  const bool tiny = !(scale < 3e38);  // all costs are subnormal
  over_rows(n, threads, nullptr, [&](int32_t i) {
    const float* d = distance_.data() + i * stride;
    int32_t* c = cost_.data() + i * stride;
    if (tiny)
      for (int32_t j = 0; j < n; ++j) c[j] = static_cast<int32_t>((static_cast<double>(d[j]) < top ? static_cast<double>(d[j]) : top) * scale);
    else
      for (int32_t j = 0; j < n; ++j) {
        const float q = (d[j] < most ? d[j] : most) * factor + 0.5f;
        c[j] = q < kCostLimit ? static_cast<int32_t>(q) : kCostLimit;
      }
    for (int64_t j = n; j < stride; ++j) c[j] = kCostPadding;
  });
}

}  // namespace flow
