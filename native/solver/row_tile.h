// A tile of rows that each take a step of their own: the state, the stages, and the error of the step. The tableau's last stage is the slope at the end
// (its row of `a` is b, c = 1): its input is the new state, and its slope the first stage of the next step.
#pragma once
#include "core/buffer.h"
#include "solver/row_field.h"

namespace flow {

class RowTile {
 public:
  // Room for `stages` >= 2 slopes: all of the tableau, or the two of start() and probe().
  Status init(const SampleOptions& options, int32_t dimension, int32_t capacity, int32_t stages);

  Blocked state(int32_t rows) const { return tile(state_, rows); }
  Blocked end(int32_t rows) const { return tile(end_, rows); }  // after attempt(): the new state
  Blocked slope(int32_t stage, int32_t rows) const { return tile(stages_ + stage * size_, rows); }
  int32_t measured() const { return dimension_ - options_->adaptive->silent; }  // columns over which sums() is a mean
  int32_t last_stage() const { return stage_count_ - 1; }
  double* t() { return t_.data(); }        // time of each row
  double* next() { return next_.data(); }  // ... at the end of its step
  double* step() { return step_.data(); }  // signed
  const float* sums() const { return sums_.data(); }

  // slope(0) at the states; sums: squares of the states, then of the slopes, in units of the tolerance.
  void start(const RowField& field, int32_t slot, int32_t rows, float* state_sums, float* slope_sums);
  // An Euler step of step[r] as a probe; sums(): squares of the change of the slope, in units of the tolerance. Overwrites slope(1).
  void probe(const RowField& field, int32_t slot, int32_t rows);
  // All stages of the step from t to next; sums(): squares of the error in units of the tolerance.
  void attempt(const RowField& field, int32_t slot, int32_t rows);
  // The state of row r at `time` within the step just taken, row-major (d).
  void dense(int32_t r, double time, float* x) const;

  // Row r takes over the end of its step.
  void accept(int32_t r);
  // Place `to` becomes a copy of place `from` of `other`: time, state and slope(0).
  void copy_row(int32_t to, const RowTile& other, int32_t from);

 private:
  Blocked tile(float* data, int32_t rows) const { return {data, int64_t{capacity_} * kLanes, rows, dimension_}; }
  int32_t terms(const double* coefficients, int32_t count);
  void advance(int32_t rows, const double* coefficients, int32_t count, float* y);
  void errors(int32_t rows, const float* x, const float* y, const double* coefficients, int32_t count, const float* h);
  void copy(int32_t to, float* y, int32_t from, const float* x) const;

  const SampleOptions* options_ = nullptr;
  int32_t dimension_ = 0, capacity_ = 0, stage_count_ = 0;
  int64_t size_ = 0;  // floats of one tile
  Buffer<float> memory_, sums_, h_, ones_, coefficients_;
  Buffer<const float*> pointers_;
  Buffer<double> t_, next_, step_, times_;
  float *state_ = nullptr, *end_ = nullptr, *stages_ = nullptr;
};

}  // namespace flow
