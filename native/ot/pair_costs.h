// Costs |x0_i - x1_j|^2 between rows of a batch, as a matrix; with numbers beside the rows |x0_i - x1_j|^2 + w |y0_i - y1_j|^2 (C2OT, arXiv 2503.10636), y0_i
// the condition that came with row i and w such that a pair beats the drawn one in a share 0.05 of all pairs.
#pragma once
#include "core/buffer.h"
#include "core/stop.h"
#include "kernels/kernels.h"

namespace flow {

class PairCosts {
 public:
  Status init(int64_t rows, int32_t dimension, int32_t numbers, int32_t labels);
  // Costs of rows[0 .. n) with each other; x0, x1 (.., dimension), condition (.., numbers + labels). `mean` (may be null): the mean |x0_i - x1_j|^2, without w.
  // false: stopped on the way.
  bool build(const Kernels& k, int32_t n, const int32_t* rows, const float* x0, const float* x1, const float* condition, int32_t threads, const StopFlag* stop,
             double* mean);
  float* matrix() { return distance_.data(); }  // (n, n rounded up to 16), finite
  // Integers in [0, kCostLimit] of ot/assignment.h, row i at out + i stride; what stands from column n on is the caller's.
  void quantise(const Kernels& k, int32_t n, int32_t threads, int32_t* out, int64_t stride);

 private:
  double weight(int32_t n, int64_t stride, int32_t threads, const StopFlag* stop);
  template <class F>
  double sum_rows(int32_t n, int32_t threads, const StopFlag* stop, F&& row);  // in order, whoever summed a row

  int32_t dimension_ = 0, numbers_ = 0, labels_ = 0;
  Buffer<int32_t> share_;
  Buffer<float> from_, to_, beside_, beside_to_, distance_, apart_;
  Buffer<double> sums_;
};

}  // namespace flow
