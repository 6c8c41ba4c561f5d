// Fields whose rows stand at times of their own, and a network as one: v = b x + c net(tau, a x) with the frame read at each row's time, and
// net = (1 - w) net_null + w net_given where it is guided (network_field.h).
#pragma once
#include "network/packed.h"
#include "solver/integrate.h"

namespace flow {

// Safe to call from several threads at once, each with slots of its own.
struct RowField {
  void* self;
  // Memory for `slots` tiles of `capacity` rows; x and v of evaluate() lie in blocks of that many rows.
  Status (*open)(void* self, int32_t slots, int32_t capacity);
  // Row `row` of [0, n) stands at place `at` of tile `slot` from now on.
  void (*enter)(void* self, int32_t slot, int32_t at, int64_t row);
  // v at x, row r at time t[r].
  void (*evaluate)(void* self, int32_t slot, const double* t, Blocked x, Blocked v);
  // Evaluations that a row at time t takes; null = one.
  int32_t (*cost)(void* self, double t) = nullptr;
};

// The network under one condition: a row for all, or one per row of the solve. What depends on the condition alone is computed when a row enters.
class RowBranch {
 public:
  // `traced`: of a program that traces, evaluate() makes the trace too.
  Status init(const NetworkData& network, const float* condition, bool shared_condition, Precision precision, int32_t slots, int32_t capacity, bool traced);
  void enter(int32_t slot, int32_t at, int64_t row);
  // Given seeds of the row at `at`: seed(copy, z) writes (d) for each copy.
  template <class F>
  void seed(int32_t slot, int32_t at, float* z, F&& fill);
  void evaluate(int32_t slot, const double* t, Blocked x, Blocked v);
  Blocked trace(int32_t slot, int32_t rows) const { return slots_[slot].value(network_->program.tangent, {0, rows}); }
  RowBranch() = default;
  RowBranch(const RowBranch&) = delete;
  RowBranch& operator=(const RowBranch&) = delete;
  ~RowBranch() { delete[] slots_; }

 private:
  enum class Part { kValues, kTangents, kAll };
  void run(const Workspace& w, Rows rows, bool entering, Part part);
  int32_t given_seed() const;  // its op, -1 = none
  void seeded(const Workspace& w, int32_t at);

  const NetworkData* network_ = nullptr;
  bool traced_ = false;
  const float* condition_ = nullptr;
  bool shared_condition_ = false;
  Buffer<uint8_t> marks_;  // kKept: the op depends on the condition alone
  Plan plan_;
  NarrowPlan narrow_;
  Buffer<Bf16> weights_;
  Workspace* slots_ = nullptr;
};

template <class F>
void RowBranch::seed(int32_t slot, int32_t at, float* z, F&& fill) {
  const int32_t o = given_seed();
  if (o < 0) return;
  const Workspace& w = slots_[slot];
  const Program& program = network_->program;
  const int32_t v = program.ops[o].output;
  for (int32_t copy = 0; copy < program.values[v].copies; ++copy) {
    fill(copy, z);
    kernels().to_blocked(z, program.dimension, w.copy_of(v, copy, {at, 1}));
  }
  seeded(w, at);
}

class NetworkRows {
 public:
  NetworkRows(const NetworkData& network, const SampleOptions& options) : network_(network), options_(options) {}
  RowField field();

  // With the trace, for a field around this one (density_rows.cc).
  void trace() { traced_ = true; }
  Status open(int32_t slots, int32_t capacity);
  void enter(int32_t slot, int32_t at, int64_t row) { given_.enter(slot, at, row); }  // the null condition is the same for all
  template <class F>
  void seed(int32_t slot, int32_t at, float* z, F&& fill) {
    given_.seed(slot, at, z, fill);
    if (options_.guidance.null_condition != nullptr) null_.seed(slot, at, z, fill);
  }
  void evaluate(int32_t slot, const double* t, Blocked x, Blocked v);
  // Of the last evaluate(): to[r] = c a (sum of the first `columns` traces of row r) + b length, that is div v where length is the number of columns.
  void divergence(int32_t slot, const double* t, int32_t rows, int32_t columns, int32_t length, double* to) const;
  int32_t cost(double t) const;

 private:
  void guide(int32_t slot, const double* t, const double* tau, Blocked x, Blocked v);
  float weight(double t) const;
  float* room(int32_t slot, int32_t which) { return tiles_.data() + (int64_t{slot} * 2 + which) * size_; }

  const NetworkData& network_;
  const SampleOptions& options_;
  bool traced_ = false;
  int32_t capacity_ = 0;
  int64_t size_ = 0;  // floats of one tile
  RowBranch given_, null_;
  Buffer<float> tiles_;    // per slot: a x then b x, and the null half
  Buffer<double> tau_;     // of each row of a slot
  Buffer<float> weights_;  // b, then c, of each row of a slot
};

}  // namespace flow
