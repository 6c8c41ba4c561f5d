// Integration with error control, dense tiles of rows at times of their own.
//   e = RMS_j (h sum_i error_i k_ij / (atol + rtol max(|x_j|, |x1_j|)));  accepted where e <= 1; the next step by controller.h
// A row that has come to its end makes room for the next one of the queue; a row's numbers depend on no other row.
// With `batch`, all rows take one step, whose error is the RMS over all of them (solve_batch.cc).
#pragma once
#include "solver/row_field.h"

namespace flow {

// `capacity`: rows of a tile. As sample() (integrate.h); options.adaptive is not null and has been checked.
Status solve_rows(const RowField& field, int32_t dimension, int32_t capacity, const SampleOptions& options, const StopFlag* stop, float* x,
                  SampleReport* report);
Status solve_batch(const RowField& field, int32_t dimension, int32_t capacity, const SampleOptions& options, const StopFlag* stop, float* x,
                   SampleReport* report);

// What both read from the options.
struct Span {
  int64_t last;  // grid index of the integration's end; a closing step may follow
  double from, to, direction, shortest;
  explicit Span(const SampleOptions& o);
  // Signed length and end of a step of at most |h| at t.
  void cut(double t, double h, double* step, double* next) const;
};

}  // namespace flow
