#include "solver/runge_kutta.h"

namespace flow {

Status RungeKutta::init(const TableauView& tableau, int32_t dimension, int32_t capacity, bool noisy) {
  tableau_ = tableau;
  dimension_ = dimension;
  capacity_ = capacity;
  size_ = round_up(dimension, kLanes) * capacity;
  FLOW_TRY(memory_.allocate(checked_product(size_, tableau.stages + (noisy ? 3 : 2))));
  FLOW_TRY(coefficients_.allocate(tableau.stages + 1));
  FLOW_TRY(terms_.allocate(tableau.stages + 1));
  state_ = memory_.data();
  input_ = state_ + size_;
  stages_ = input_ + size_;
  noise_ = stages_ + tableau.stages * size_;
  return {};
}

void RungeKutta::combine(int32_t rows, const double* coefficients, int32_t terms, double h, float stir, float* y) {
  const int64_t block = int64_t{capacity_} * kLanes;
  int32_t n = 0;
  for (int32_t j = 0; j < terms; ++j) {
    if (coefficients[j] == 0) continue;
    coefficients_[n] = static_cast<float>(h * coefficients[j]);
    terms_[n++] = stages_ + j * size_;
  }
  if (stir != 0) {
    coefficients_[n] = stir;
    terms_[n++] = noise_;
  }
  for (int64_t at = 0; at < size_; at += block) {
    kernels().combine(int64_t{rows} * kLanes, state_ + at, n, coefficients_.data(), terms_.data(), y + at);
    for (int32_t j = 0; j < n; ++j) terms_[j] += block;
  }
}

void RungeKutta::step(const StageField& field, int32_t slot, int64_t first_row, int32_t rows, int64_t step, double t, double h, float stir) {
  const int64_t block = int64_t{capacity_} * kLanes;
  for (int32_t i = 0; i < tableau_.stages; ++i) {
    bool moved = false;  // a stage without terms reads the state itself
    for (int32_t j = 0; j < i; ++j) moved = moved || tableau_.a[i * tableau_.stages + j] != 0;
    if (moved) combine(rows, tableau_.a + int64_t{i} * tableau_.stages, i, h, static_cast<float>(tableau_.c[i]) * stir, input_);
    field.evaluate(field.self, slot, first_row, step * tableau_.stages + i, t + tableau_.c[i] * h, {moved ? input_ : state_, block, rows, dimension_},
                   {stages_ + i * size_, block, rows, dimension_});
  }
  combine(rows, tableau_.b, tableau_.stages, h, stir, state_);
}

}  // namespace flow
