// Minibatch optimal transport: which row of noise x0 joins which row of data x1, by the permutation that minimises sum_i |x0_i - x1_p(i)|^2
// (arXiv 2302.00482, 2304.14772); never a draw from the plan with replacement, which loses a third of the rows.
// With a condition (C2OT, arXiv 2503.10636) the cost is |x0_i - x1_j|^2 + w c(y0_i, y1_j), y0_i the condition that came with row i: equal labels only
// (their w is infinite), and for numbers c = |y0_i - y1_j|^2 with w such that a pair beats the drawn one in a share 0.05 of all pairs.
#pragma once
#include "ot/assignment.h"

namespace flow {

constexpr int64_t kMostCoupledRows = 4096;  // the costs of 4096 rows take 64 MiB

class Coupling {
 public:
  // Batches of up to `rows`; condition (rows, numbers + labels), both 0 to ignore it.
  Status init(int64_t rows, int32_t dimension, int32_t numbers, int32_t labels);
  // pairs[j] = i: x0 row i joins x1 row j, a permutation of [0, rows). A pure function of the rows. false: stopped on the way.
  bool pair(const Kernels& k, int32_t rows, const float* x0, const float* x1, const float* condition, int32_t threads, const StopFlag* stop, int32_t* pairs);

 private:
  bool group(const Kernels& k, int32_t first, int32_t n, const float* x0, const float* x1, const float* condition, int32_t threads, const StopFlag* stop,
             int32_t* pairs);
  void sort_by_labels(int32_t rows, const float* condition);
  double weight(int32_t n, int64_t stride, int32_t threads, const StopFlag* stop);
  void quantise(int32_t n, int64_t stride, double weight, int32_t threads);
  template <class F>
  void over_rows(int32_t n, int32_t threads, const StopFlag* stop, F&& run);

  int32_t dimension_ = 0, numbers_ = 0, labels_ = 0;
  Assignment assignment_;
  Buffer<int32_t> order_, merged_, column_of_, cost_, share_;
  Buffer<float> from_, to_, beside_, beside_to_, distance_, apart_;
  Buffer<double> sums_;
};

}  // namespace flow
