// The target of a shortcut: the mean of the velocities of two steps of half the length. Buffers of a forward pass are used again, so that the inputs are
// gathered for each.
#include "network/columns.h"
#include "train/spans.h"

namespace flow {

void SpanTarget::halve(const Workspace& w, Rows rows, const float* parameters, Blocked u) {
  const Rows part{0, count_};
  const Program& p = spans_->program();
  const int32_t d = p.dimension;
  const float shortest = spans_->shortest(), limit = spans_->limit();
  const Blocked first{first_.data(), forward_.capacity() * kLanes, count_, d};
  const auto inputs = [&] {
    gather(w, rows);
    float* told = cell(forward_.value(kValueCondition, part), p.condition_width - 1);
    for (int64_t i = 0; i < count_; ++i) told[i * kLanes] = span_[from_[i]] > shortest ? 0.5f * span_[from_[i]] : 0;
  };
  inputs();
  forward(forward_, parameters, part);
  copy_columns(forward_.value(p.output, part), 0, first, 0, d, false);
  inputs();
  const Blocked x = forward_.value(kValueX, part);
  for (int32_t c = 0; c < d; ++c) {
    float* to = cell(x, c);
    const float* by = cell(first, c);
    for (int64_t i = 0; i < count_; ++i) to[i * kLanes] += 0.5f * span_[from_[i]] * by[i * kLanes];
  }
  float* t = cell(forward_.value(kValueT, part), 0);
  for (int64_t i = 0; i < count_; ++i) t[i * kLanes] += 0.5f * span_[from_[i]];
  forward(forward_, parameters, part);
  const Blocked second = forward_.value(p.output, part);
  for (int32_t c = 0; c < d; ++c) {
    float* to = cell(u, c);
    const float *a = cell(first, c), *b = cell(second, c);
    for (int64_t i = 0; i < count_; ++i) {
      float target = 0.5f * (a[i * kLanes] + b[i * kLanes]);
      if (limit > 0) target = target > limit ? limit : target < -limit ? -limit : target;
      to[int64_t{from_[i]} * kLanes] = target;
    }
  }
}

}  // namespace flow
