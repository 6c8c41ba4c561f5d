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
  Status init(const NetworkData& network, const float* condition, int64_t condition_rows, Precision precision, int32_t slots, int32_t capacity);
  void enter(int32_t slot, int32_t at, int64_t row);
  void evaluate(int32_t slot, const double* t, Blocked x, Blocked v);
  RowBranch() = default;
  RowBranch(const RowBranch&) = delete;
  RowBranch& operator=(const RowBranch&) = delete;
  ~RowBranch() { delete[] slots_; }

 private:
  void run(const Workspace& w, Rows rows, bool entering);

  const NetworkData* network_ = nullptr;
  const float* condition_ = nullptr;
  int64_t condition_rows_ = 0;
  Buffer<uint8_t> marks_;  // kKept: the op depends on the condition alone
  Plan plan_;
  NarrowPlan narrow_;
  Buffer<Bf16> weights_;
  Workspace* slots_ = nullptr;
};

class NetworkRows {
 public:
  NetworkRows(const NetworkData& network, const SampleOptions& options) : network_(network), options_(options) {}
  RowField field();

 private:
  Status open(int32_t slots, int32_t capacity);
  void evaluate(int32_t slot, const double* t, Blocked x, Blocked v);
  void guide(int32_t slot, const double* t, const double* tau, Blocked x, Blocked v);
  float weight(double t) const;
  float* room(int32_t slot, int32_t which) { return tiles_.data() + (int64_t{slot} * 2 + which) * size_; }

  const NetworkData& network_;
  const SampleOptions& options_;
  int32_t capacity_ = 0;
  int64_t size_ = 0;  // floats of one tile
  RowBranch given_, null_;
  Buffer<float> tiles_;    // per slot: a x then b x, and the null half
  Buffer<double> tau_;     // of each row of a slot
  Buffer<float> weights_;  // b, then c, of each row of a slot
};

}  // namespace flow
