// Training in slices. A step is a pure function of (program, data, options, step number, state); an interrupted or non-finite step leaves no trace.
// One method at a time (the caller's duty), except step(), which may be read at any moment.
#pragma once
#include <cstdint>
#include <memory>

#include "core/status.h"
#include "core/stop.h"
#include "network/narrow.h"
#include "ot/plan.h"
#include "train/dataset.h"
#include "train/objective.h"

namespace flow {

struct PathOptions {
  bool table = false;
  double sigma_min = 0;           // condOT: alpha = t, sigma = 1 - (1 - sigma_min) t
  double t_min = 0, t_max = 1;    // of the table
  const double* nodes = nullptr;  // (node_count, 12): alpha sigma gamma dAlpha dSigma dGamma, then the t-derivative of each
  int64_t node_count = 0;
};

struct TimeOptions {
  bool stratified = false;
  double t_min = 0, t_max = 1;
  const double* quantiles = nullptr;  // at equidistant u in [0, 1], or null: uniform on [t_min, t_max]
  int64_t quantile_count = 0;
};

struct CouplingOptions {
  bool optimal = false;    // minibatch transport instead of the rows as they are drawn
  bool condition = false;  // aware of the condition, whose last `labels` columns are classes
  int32_t labels = 0;
  int64_t batch = 0;  // rows coupled at once, a multiple of the batch size; 0 = the batch
  PlanOptions plan;
};

struct DropOptions {  // a row loses its condition with this probability: `row` (c) stands for it
  double probability = 0;
  const float* row = nullptr;
};

struct SpanOptions {                 // average velocities (train/spans.h); the last column of the network's condition is the span then
  double instant = 0;                // share of rows with span 0
  const int32_t* program = nullptr;  // mean flow: the network with its derivative, three given seeds: of x, t and condition
  int64_t program_words = 0;
  const float* constants = nullptr;
  int64_t constant_count = 0;
  int32_t most_steps = 0;  // shortcut: spans 1, 1/2, ..., 1/most_steps, a power of two
  double limit = 0;        // ... its targets stay within +-limit; 0 = anywhere
  bool ema = false;        // ... and are made by the mean weights, where there are any
  bool active() const { return program != nullptr || most_steps > 0; }
};

struct TrainerOptions {  // pointers are read by init() only
  const int32_t* program = nullptr;
  int64_t program_words = 0;
  const float* constants = nullptr;
  int64_t constant_count = 0;
  const float* parameters = nullptr;  // logical layout
  int64_t parameter_count = 0;
  std::shared_ptr<Dataset> data, source, condition;  // source, condition may be null
  bool source_paired = false;
  const uint32_t* train_rows = nullptr;
  int64_t train_count = 0;
  const uint32_t* validation_rows = nullptr;
  int64_t validation_count = 0;
  PathOptions path;
  TimeOptions times;
  ObjectiveOptions objective;
  CouplingOptions coupling;
  DropOptions drop;
  SpanOptions span;
  int64_t batch_size = 0;
  int64_t steps = 0;  // no transport beyond is solved ahead; 0 = no end is known
  uint64_t seed = 0;
  bool replacement = false;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
  double ema_decay = 0;  // 0 = none: then the `ema` state reads as the parameters
  bool ema_warmup = false;
  double clip = 0;  // 0 = none
  int32_t threads = 0;
  Precision precision = Precision::kF32;  // or kBf16: operands of forward and backward; parameters, sums, moments and evaluate() stay f32
};

enum class SliceEnd : int32_t { kDone = 0, kBudget, kStopped, kNonfinite };

struct SliceReport {
  int64_t steps = 0;  // finished; the optimiser has seen exactly these
  // Of these, under an entropic coupling, those whose plan stopped short of its tolerance, and the largest error of its marginals in any of them.
  int64_t unsettled = 0;
  double worst = 0;
  int64_t transports = 0;  // solved in this slice for these and coming steps
  SliceEnd end = SliceEnd::kDone;
};
struct EvaluateReport {
  double loss = 0;
  SliceEnd end = SliceEnd::kDone;  // kDone, kStopped or kNonfinite
};

enum class StateKind : int32_t { kParameters = 0, kEma, kFirstMoment, kSecondMoment };

struct TrainerImpl;

class Trainer {
 public:
  Trainer();
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  Status init(const TrainerOptions& options);

  int64_t step() const;  // optimiser steps done
  int64_t parameter_count() const;
  int64_t batch_size() const;
  int32_t dimension() const;
  int32_t condition_width() const;  // of the condition that is given: without the span

  // Up to `count` steps with these learning rates, or until budget_ms have passed (at least one step is tried; <= 0 = no budget).
  // losses and gradient_norms: room for `count` each. A failed Status means nothing was done.
  Status run(const double* learning_rates, int64_t count, double budget_ms, const StopFlag* stop, double* losses, double* gradient_norms, SliceReport* report);
  // The next batch without stepping: x0, x1 (B, d), condition (B, c) or null.
  Status draw(float* x0, float* x1, float* condition);
  // One step with x0[pairs[i]] joined to x1[i]; pairs (B), each in [0, B) or kArgument with index = the bad entry.
  Status run_paired(const int32_t* pairs, double learning_rate, const StopFlag* stop, double* loss, double* gradient_norm, SliceReport* report);
  // Mean loss over the validation rows, each with `draws` fixed (t, x0). kState when there are no validation rows.
  Status evaluate(bool ema, uint64_t seed, int64_t draws, const StopFlag* stop, EvaluateReport* report);

  // Logical layout, parameter_count() values each.
  Status get_state(StateKind kind, float* out) const;
  Status set_state(const float* parameters, const float* ema, const float* first_moment, const float* second_moment, int64_t step);

 private:
  std::unique_ptr<TrainerImpl> impl_;
};

}  // namespace flow
