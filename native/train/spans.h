// Targets of networks that say average velocities: u(x, t, s) is the mean velocity of the flow from t to r = t + s; s is the last column of the condition.
// Rows with s = 0 keep the velocity v of their pair (x0, x1). The others, without a gradient through the target:
//   mean flow   v + s du/dt,   du/dt = (du/dx) v + du/dt' - du/ds   (r held fixed), by one forward derivative
//   shortcut    (a + b) / 2,   a = u(x, t, h),  b = u(x + h a, t + h, h),  h = s / 2, by two forward passes: two steps in one. Where s is the shortest
//               span, both are told h = 0, the velocity.
// Sources: Geng et al., arXiv 2505.13447, equation 11, with the time turned round; Frans et al., arXiv 2410.12557, equation 5.
#pragma once
#include "network/workspace.h"
#include "train/trainer.h"

namespace flow {

class Spans {  // what all runners share: the program that the targets are worked out by
 public:
  Status init(const SpanOptions& options, const Program& network);
  bool active() const { return program_ != nullptr; }
  bool shortcut() const { return shortest_ > 0; }
  bool by_ema() const { return ema_; }  // a shortcut's targets are those of the mean weights
  const Program& program() const { return *program_; }
  const Plan& plan() const { return plan_; }
  float shortest() const { return shortest_; }
  float limit() const { return limit_; }

 private:
  Status derive(const SpanOptions& options, const Program& network);
  const Program* program_ = nullptr;
  Program derived_;  // of mean flow: the network with its derivative
  Plan plan_;
  float shortest_ = 0, limit_ = 0;
  bool ema_ = false;
};

class SpanTarget {  // of one runner
 public:
  Status init(const Spans& spans, int64_t rows);
  // `w` holds the inputs of `rows`, `u` their velocities, `span` their s: the targets, by these parameters (packed, f32).
  void apply(const Workspace& w, Rows rows, const float* parameters, const float* span, Blocked u);

 private:
  Status seed(int64_t rows);                                                      // mean_flow.cc
  void derive(const float* parameters, Blocked u);                                // the rows in from_, whose inputs stand in forward_
  void halve(const Workspace& w, Rows rows, const float* parameters, Blocked u);  // shortcut.cc
  void gather(const Workspace& w, Rows rows);
  const Spans* spans_ = nullptr;
  const float* span_ = nullptr;
  Workspace forward_;
  int32_t along_x_ = -1, along_t_ = -1, along_condition_ = -1;  // of mean flow: the values of the seeds
  Buffer<float> first_;                                         // of a shortcut: a  // (rows, d)
  Buffer<int32_t> from_;                                        // rows with s > 0: they alone pass through the network here
  int32_t count_ = 0;
};

}  // namespace flow
