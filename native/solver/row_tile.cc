#include "solver/row_tile.h"

namespace flow {

Status RowTile::init(const SampleOptions& options, int32_t dimension, int32_t capacity, int32_t stages) {
  options_ = &options;
  dimension_ = dimension;
  capacity_ = capacity;
  stage_count_ = options.stages;
  size_ = round_up(dimension, kLanes) * capacity;
  FLOW_TRY(memory_.allocate(checked_product(size_, stages + 2)));
  FLOW_TRY(sums_.allocate(capacity));
  FLOW_TRY(h_.allocate(capacity));
  FLOW_TRY(ones_.allocate(capacity));
  for (float& one : ones_) one = 1;
  FLOW_TRY(coefficients_.allocate(stages));
  FLOW_TRY(pointers_.allocate(stages));
  FLOW_TRY(t_.allocate(capacity));
  FLOW_TRY(next_.allocate(capacity));
  FLOW_TRY(step_.allocate(capacity));
  FLOW_TRY(times_.allocate(capacity));
  state_ = memory_.data();
  end_ = state_ + size_;
  stages_ = end_ + size_;
  return {};
}

// Terms whose coefficient is not zero, rounded once.
int32_t RowTile::terms(const double* coefficients, int32_t count) {
  int32_t n = 0;
  for (int32_t j = 0; j < count; ++j) {
    if (coefficients[j] == 0) continue;
    coefficients_[n] = static_cast<float>(coefficients[j]);
    pointers_[n++] = stages_ + j * size_;
  }
  return n;
}

void RowTile::advance(int32_t rows, const double* coefficients, int32_t count, float* y) {
  const int32_t n = terms(coefficients, count);
  kernels().advance_rows(rows, dimension_, int64_t{capacity_} * kLanes, h_.data(), state_, n, coefficients_.data(), pointers_.data(), y);
}

void RowTile::errors(int32_t rows, const float* x, const float* y, const double* coefficients, int32_t count, const float* h) {
  const int32_t n = terms(coefficients, count);
  const AdaptiveOptions& o = *options_->adaptive;
  kernels().error_rows(rows, dimension_, int64_t{capacity_} * kLanes, h, x, y, n, coefficients_.data(), pointers_.data(), static_cast<float>(o.atol),
                       static_cast<float>(o.rtol), sums_.data());
}

void RowTile::start(const RowField& field, int32_t slot, int32_t rows, float* state_sums, float* slope_sums) {
  constexpr double kOne = 1;
  field.evaluate(field.self, slot, t_.data(), state(rows), slope(0, rows));
  errors(rows, state_, state_, &kOne, 1, ones_.data());
  std::memcpy(slope_sums, sums_.data(), static_cast<size_t>(rows) * sizeof(float));
  // The same with the state in the place of a slope.
  const float one = 1, *const x = state_;
  const AdaptiveOptions& o = *options_->adaptive;
  kernels().error_rows(rows, dimension_, int64_t{capacity_} * kLanes, ones_.data(), state_, state_, 1, &one, &x, static_cast<float>(o.atol),
                       static_cast<float>(o.rtol), state_sums);
}

void RowTile::probe(const RowField& field, int32_t slot, int32_t rows) {
  constexpr double kEuler = 1, kChange[] = {-1, 1};
  for (int32_t r = 0; r < rows; ++r) {
    h_[r] = static_cast<float>(step_[r]);
    times_[r] = t_[r] + step_[r];
  }
  advance(rows, &kEuler, 1, end_);
  field.evaluate(field.self, slot, times_.data(), end(rows), slope(1, rows));
  errors(rows, state_, state_, kChange, 2, ones_.data());
}

void RowTile::attempt(const RowField& field, int32_t slot, int32_t rows) {
  for (int32_t r = 0; r < rows; ++r) h_[r] = static_cast<float>(step_[r]);
  for (int32_t i = 1; i < stage_count_; ++i) {
    advance(rows, options_->a + int64_t{i} * stage_count_, i, end_);
    const double c = options_->c[i];
    const double* times = next_.data();
    if (c != 1) {
      for (int32_t r = 0; r < rows; ++r) times_[r] = t_[r] + c * step_[r];
      times = times_.data();
    }
    field.evaluate(field.self, slot, times, end(rows), slope(i, rows));
  }
  errors(rows, state_, end_, options_->adaptive->error, stage_count_, h_.data());
}

void RowTile::dense(int32_t r, double time, float* x) const {
  const AdaptiveOptions& o = *options_->adaptive;
  const double theta = (time - t_[r]) / step_[r];
  const auto element = [&](const float* tile, int32_t column) {
    return tile[(column / kLanes) * int64_t{capacity_} * kLanes + int64_t{r} * kLanes + column % kLanes];
  };
  for (int32_t c = 0; c < dimension_; ++c) x[c] = element(state_, c);
  for (int32_t i = 0; i < stage_count_; ++i) {
    double weight = 0;
    for (int32_t p = o.dense_degree - 1; p >= 0; --p) weight = (weight + o.dense[i * o.dense_degree + p]) * theta;
    if (weight == 0) continue;
    const float w = static_cast<float>(step_[r] * weight);
    for (int32_t c = 0; c < dimension_; ++c) x[c] = x[c] + w * element(stages_ + i * size_, c);
  }
}

void RowTile::copy(int32_t to, float* y, int32_t from, const float* x) const {
  for (int64_t at = 0; at < size_; at += int64_t{capacity_} * kLanes)
    std::memcpy(y + at + int64_t{to} * kLanes, x + at + int64_t{from} * kLanes, kLanes * sizeof(float));
}

void RowTile::accept(int32_t r) {
  t_[r] = next_[r];
  copy(r, state_, r, end_);
  copy(r, stages_, r, stages_ + (stage_count_ - 1) * size_);
}

void RowTile::copy_row(int32_t to, const RowTile& other, int32_t from) {
  t_[to] = other.t_[from];
  copy(to, state_, from, other.state_);
  copy(to, stages_, from, other.stages_);
}

}  // namespace flow
