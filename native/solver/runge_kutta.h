// One step of an explicit Runge-Kutta method on a tile:  y_i = x + h sum_j a_ij k_j;  k_i = v(t + c_i h, y_i);  x <- x + h sum_i b_i k_i.
// With noise N = stir * xi the input of stage i also takes c_i N, and the step N.
// Coefficients are h * a_ij in double, rounded once; terms with a zero coefficient are left out.
#pragma once
#include "core/buffer.h"
#include "kernels/kernels.h"

namespace flow {

struct TableauView {
  int32_t stages;
  const double *a, *b, *c;
};

// v at the stage's input; both tiles have the layout that the step's tiles have.
struct StageField {
  void* self;
  void (*evaluate)(void* self, int32_t slot, int64_t first_row, int64_t stage, double t, Blocked x, Blocked v);
};

// The memory of one runner's tile: state, stage input and the stages.
class RungeKutta {
 public:
  Status init(const TableauView& tableau, int32_t dimension, int32_t capacity, bool noisy = false);
  Blocked state(int32_t rows) const { return {state_, int64_t{capacity_} * kLanes, rows, dimension_}; }
  // xi, to be filled before a step with noise.
  Blocked noise(int32_t rows) const { return {noise_, int64_t{capacity_} * kLanes, rows, dimension_}; }
  // Step `step` from t to t + h.
  void step(const StageField& field, int32_t slot, int64_t first_row, int32_t rows, int64_t step, double t, double h, float stir = 0);

 private:
  void combine(int32_t rows, const double* coefficients, int32_t terms, double h, float stir, float* y);
  TableauView tableau_{};
  int32_t dimension_ = 0, capacity_ = 0;
  Buffer<float> memory_;
  Buffer<float> coefficients_;
  Buffer<const float*> terms_;
  float *state_ = nullptr, *input_ = nullptr, *stages_ = nullptr, *noise_ = nullptr;
  int64_t size_ = 0;  // floats of one tile
};

}  // namespace flow
