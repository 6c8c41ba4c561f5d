#include "ot/coupling.h"

#include "ot/over_rows.h"

namespace flow {

namespace {

constexpr float kFarthest = 1e15f;  // cost / reg beyond any that counts

// How many of n rows a partial plan joins.
int32_t joined_rows(double mass, int32_t n) {
  const int32_t count = static_cast<int32_t>(mass * n + 0.5);
  return count < 1 ? 1 : count < n ? count : n;
}

}  // namespace

Status Coupling::init(int64_t rows, int32_t dimension, int32_t numbers, int32_t labels, const PlanOptions& plan) {
  numbers_ = numbers;
  labels_ = labels;
  plan_ = plan;
  FLOW_TRY(costs_.init(rows, dimension, numbers, labels));
  for (Buffer<int32_t>* b : {&order_, &merged_, &slot_}) FLOW_TRY(b->allocate(rows));
  if (!plan.matches()) return sinkhorn_.init(rows);
  FLOW_TRY(joined_.allocate(plan.kind == PlanKind::kPartial ? rows : 0));
  FLOW_TRY(uniform_.allocate(plan.permutation ? checked_product(rows, round_up(rows, 16)) : 0));
  const int64_t all = plan.kind == PlanKind::kPartial ? 2 * rows - joined_rows(plan.mass, static_cast<int32_t>(rows)) : rows;
  FLOW_TRY(assignment_.init(all));
  for (Buffer<int32_t>* b : {&column_of_, &row_of_}) FLOW_TRY(b->allocate(all));
  return cost_.allocate(checked_product(all, round_up(all, 16)));
}

bool Coupling::pair(const Kernels& k, int32_t rows, const float* x0, const float* x1, const float* condition, const CouplingDraws& draws, int32_t threads,
                    const StopFlag* stop, int32_t* from, int32_t* to) {
  const Call call{k, x0, x1, condition, draws, threads, stop, from, to};
  for (int32_t i = 0; i < rows; ++i) order_[i] = to[i] = i;
  error_ = 0;
  if (labels_ == 0) return group(call, 0, rows);
  sort_by_labels(rows, condition);
  const int32_t width = numbers_ + labels_;
  const auto labels = [&](int32_t i) { return condition + int64_t{order_[i]} * width + numbers_; };
  for (int32_t first = 0, end; first < rows; first = end) {
    for (end = first + 1; end < rows && std::memcmp(labels(first), labels(end), static_cast<size_t>(labels_) * sizeof(float)) == 0;) ++end;
    if (!group(call, first, end - first)) return false;
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
bool Coupling::group(const Call& call, int32_t first, int32_t n) {
  const int32_t* rows = order_.data() + first;
  if (n == 1) {
    call.from[rows[0]] = rows[0];
    return true;
  }
  const bool entropic = plan_.kind == PlanKind::kEntropic;
  double mean = 0;
  if (!costs_.build(call.k, n, rows, call.x0, call.x1, call.condition, call.threads, call.stop, entropic ? &mean : nullptr)) return false;
  if (!plan_.matches()) return sample(call, rows, n, mean);
  if (entropic) perturb(call, rows, n, mean);
  return match(call, rows, n);
}

// Exactly, on integers. Partial: a pair of dummies may cost 1 or more, as every plan of more pairs costs at least as much as the best one of fewer.
bool Coupling::match(const Call& call, const int32_t* rows, int32_t n) {
  const bool partial = plan_.kind == PlanKind::kPartial;
  const int32_t wanted = partial ? joined_rows(plan_.mass, n) : n, all = 2 * n - wanted;
  const int64_t stride = round_up(all, 16);
  costs_.quantise(call.k, n, call.threads, cost_.data(), stride);
  over_rows(all, call.threads, nullptr, [&](int32_t i) {
    int32_t* c = cost_.data() + i * stride;
    for (int32_t j = i < n ? n : 0; j < all; ++j) c[j] = i < n || j < n ? 0 : kCostLimit;
    for (int64_t j = all; j < stride; ++j) c[j] = kCostPadding;
  });
  if (!assignment_.solve(call.k, all, cost_.data(), stride, call.stop, column_of_.data())) return false;
  for (int32_t i = 0; i < all; ++i) row_of_[column_of_[i]] = i;
  if (!partial) {
    for (int32_t j = 0; j < n; ++j) call.from[rows[j]] = rows[row_of_[j]];
    return call.stop == nullptr || !call.stop->requested();
  }
  for (int32_t j = 0; j < n; ++j) joined_[j] = row_of_[j] < n ? 1 : 0;
  slots(call, rows, n, joined_.data());
  for (int32_t s = 0; s < n; ++s) call.from[rows[s]] = rows[row_of_[slot_[s]]];
  return call.stop == nullptr || !call.stop->requested();
}

// Costs become cost / reg - ln(1 / ln(1 / u)), u uniform, all of them less the smallest.
void Coupling::perturb(const Call& call, const int32_t* rows, int32_t n, double mean) {
  const int64_t stride = round_up(n, 16);
  const double reg = plan_.regularisation.of(mean), factor = reg > 0 ? 1 / reg : 0;
  const CouplingDraws& d = call.draws;
  over_rows(n, call.threads, nullptr, [&](int32_t i) {
    float *c = costs_.matrix() + i * stride, *u = uniform_.data() + i * stride;
    const int32_t width = static_cast<int32_t>(stride);
    call.k.random_uniform(d.key, static_cast<uint32_t>(d.stream), d.first_row + static_cast<uint64_t>(rows[i]), 1, width, u, stride);
    call.k.logarithms(width, u, u);
    for (int64_t j = 0; j < stride; ++j) u[j] = -u[j];
    call.k.logarithms(width, u, u);
    float least = 3e38f;
    for (int32_t j = 0; j < n; ++j) {
      const double x = static_cast<double>(c[j]) * factor;
      c[j] = (x < kFarthest ? static_cast<float>(x) : kFarthest) + u[j];
      least = c[j] < least ? c[j] : least;
    }
    for (int32_t j = 0; j < n; ++j) c[j] -= least;  // of a whole row: the best permutation stays what it is
  });
}

bool Coupling::sample(const Call& call, const int32_t* rows, int32_t n, double mean) {
  const int64_t stride = round_up(n, 16);
  const double reg = plan_.regularisation.of(mean), factor = reg > 0 ? 1 / reg : 0;
  float* matrix = costs_.matrix();
  over_rows(n, call.threads, call.stop, [&](int32_t i) {
    for (int32_t j = 0; j < n; ++j) {
      const double x = static_cast<double>(matrix[i * stride + j]) * factor;
      matrix[i * stride + j] = x < kFarthest ? static_cast<float>(x) : kFarthest;
    }
  });
  const double leaving = plan_.marginal.value > 0 ? plan_.marginal.of(mean) : 0, rho = leaving > 0 ? reg / leaving : 0;
  if (!sinkhorn_.solve(call.k, n, stride, matrix, {rho, plan_.iterations, plan_.tolerance}, call.threads, call.stop)) return false;
  error_ = sinkhorn_.error() <= error_ ? error_ : sinkhorn_.error();
  if (plan_.resamples()) slots(call, rows, n, sinkhorn_.masses());
  else
    for (int32_t s = 0; s < n; ++s) slot_[s] = s;
  const CouplingDraws& d = call.draws;
  over_rows(n, call.threads, call.stop, [&](int32_t s) {
    float u;
    call.k.random_uniform(d.key, static_cast<uint32_t>(d.stream), d.first_row + static_cast<uint64_t>(rows[s]), 1, 1, &u, 1);
    call.from[rows[s]] = rows[sinkhorn_.draw(call.k, slot_[s], u)];
  });
  return call.stop == nullptr || !call.stop->requested();
}

// Systematic: n equidistant marks over the masses side by side, moved by one random part of their distance. Column j is taken mass_j n / (all mass) times,
// rounded up or down, and exactly once where masses are equal.
void Coupling::slots(const Call& call, const int32_t* rows, int32_t n, const float* mass) {
  float u[2];
  const CouplingDraws& d = call.draws;
  call.k.random_uniform(d.key, static_cast<uint32_t>(d.stream), d.first_row + static_cast<uint64_t>(rows[0]), 1, 2, u, 2);
  double all = 0, passed = static_cast<double>(mass[0]);
  for (int32_t j = 0; j < n; ++j) all += static_cast<double>(mass[j]);
  for (int32_t s = 0, j = 0; s < n; ++s) {
    const double mark = (s + static_cast<double>(u[1])) / n * all;
    while (j + 1 < n && passed <= mark) passed += static_cast<double>(mass[++j]);
    slot_[s] = j;
    call.to[rows[s]] = rows[j];
  }
}

}  // namespace flow
