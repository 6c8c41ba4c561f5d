// Minibatch transport: which row of noise x0 joins which row of data x1 (arXiv 2302.00482, 2304.14772), within equal labels and with a condition's numbers in
// the cost (pair_costs.h). The exact plan is the permutation that minimises sum_i |x0_i - x1_p(i)|^2, never a draw with replacement, which loses a third of the
// rows. Others (plan.h): a draw per x1 row from the entropic plan; one permutation of it: of least sum of cost / reg less Gumbel noise, in which the potentials
// of the plan cancel, and where each row's own choice would be a draw from the plan's softmax; unbalanced, x1 rows in proportion to their mass; partial, the
// round(mass n) pairs of least total cost, found with n less that many dummy rows and columns that cost nothing.
#pragma once
#include "ot/assignment.h"
#include "ot/pair_costs.h"
#include "ot/plan.h"
#include "ot/sinkhorn.h"
#include "rng/streams.h"

namespace flow {

struct CouplingDraws {  // where random numbers come from: row first_row + i of this stream belongs to row i of the batch
  PhiloxKey key{};
  Stream stream = Stream::kCoupling;
  uint64_t first_row = 0;
};

class Coupling {
 public:
  // Batches of up to `rows`; condition (rows, numbers + labels), both 0 to ignore it.
  Status init(int64_t rows, int32_t dimension, int32_t numbers, int32_t labels, const PlanOptions& plan);
  // Row j of what is trained on joins x0 row from[j] to x1 row to[j]; `to` is the identity unless the plan resamples, `from` a permutation of [0, rows) where
  // it matches and does not resample. A pure function of the rows and the draws. false: stopped on the way.
  bool pair(const Kernels& k, int32_t rows, const float* x0, const float* x1, const float* condition, const CouplingDraws& draws, int32_t threads,
            const StopFlag* stop, int32_t* from, int32_t* to);

  // Of the last pair(), entropic: by how much the masses of noise rows are off, L1, in the group where it is most; 0 for other plans.
  double error() const { return error_; }
  const Sinkhorn& sinkhorn() const { return sinkhorn_; }  // of the last group

 private:
  struct Call {  // what pair() was given
    const Kernels& k;
    const float *x0, *x1, *condition;
    const CouplingDraws& draws;
    int32_t threads;
    const StopFlag* stop;
    int32_t *from, *to;
  };
  bool group(const Call& call, int32_t first, int32_t n);
  bool match(const Call& call, const int32_t* rows, int32_t n);
  bool sample(const Call& call, const int32_t* rows, int32_t n, double mean);
  void perturb(const Call& call, const int32_t* rows, int32_t n, double mean);
  void slots(const Call& call, const int32_t* rows, int32_t n, const float* mass);
  void sort_by_labels(int32_t rows, const float* condition);

  int32_t numbers_ = 0, labels_ = 0;
  double error_ = 0;
  PlanOptions plan_;
  PairCosts costs_;
  Assignment assignment_;
  Sinkhorn sinkhorn_;
  Buffer<int32_t> order_, merged_;             // rows, those of equal labels side by side
  Buffer<int32_t> cost_, column_of_, row_of_;  // of the assignment, dummies included
  Buffer<int32_t> slot_;                       // the column of each slot of a group, ascending
  Buffer<float> uniform_, joined_;
};

}  // namespace flow
