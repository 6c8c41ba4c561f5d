// The target of average velocities. The network says u(x, t, s), the mean velocity of the flow from t to r = t + s; s is the last column of its condition.
// With the velocity v of a pair (x0, x1) at t, and r held fixed,
//   target = v + s du/dt,   du/dt = (du/dx) v + du/dt' - du/ds      (no gradient through it)
// by one forward derivative. Rows with s = 0 keep v. Source: Geng et al., arXiv 2505.13447, equation 11, with the time turned round.
#pragma once
#include "network/workspace.h"
#include "train/trainer.h"

namespace flow {

class MeanFlow {  // what all runners share: the program with its derivative
 public:
  Status init(const SpanOptions& options, const Program& network);
  bool active() const { return active_; }
  const Program& program() const { return program_; }
  const Plan& plan() const { return plan_; }

 private:
  bool active_ = false;
  Program program_;
  Plan plan_;
};

class MeanTarget {  // of one runner
 public:
  Status init(const MeanFlow& flow, int64_t rows);
  // `w` holds the inputs of `rows`, `u` their velocities, `span` their s: the targets, by these parameters (packed, f32).
  void apply(const Workspace& w, Rows rows, const float* parameters, const float* span, Blocked u);

 private:
  Workspace derivative_;
  int32_t along_x_ = -1, along_t_ = -1, along_condition_ = -1;  // the values of the seeds
  Buffer<int32_t> from_;                                        // rows with s > 0: they alone pass through the derivative
};

}  // namespace flow
