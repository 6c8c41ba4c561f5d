// A network under one condition (a row for all, or one per row) in the stages of a solve: what is the same for all rows runs once per stage, what depends
// on the condition alone once per tile.
#pragma once
#include "network/packed.h"

namespace flow {

struct BranchOptions {
  const float* condition = nullptr;  // a row (c) for each row of the solve, or one where it is shared; null when c = 0
  bool shared_condition = false;     // one row for all
  const float* times = nullptr;      // (stages), as the network reads them; the caller's memory
  int64_t stages = 0;
  Precision precision = Precision::kF32;  // of the ops that run per row; what is the same for all rows stays f32
  bool keep = false;                      // for many solves: what is the same for all rows is computed for all stages and kept, where it is not much
};

class Branch {
 public:
  // `capacity` rows per tile, `slots` runners.
  Status init(const NetworkData& network, const BranchOptions& options, int32_t capacity, int32_t slots);
  int64_t floats() const { return floats_; }  // of the memory of all runners, about
  // Between solves: the one row of the condition has changed.
  void condition_changed();
  // Before a tile's first stage.
  void begin(int32_t slot, int64_t first_row, int32_t rows);
  // v and x lie in tiles of `capacity` rows. `tangents`: of a program that traces, its divergence or the estimates of it too.
  void evaluate(int32_t slot, int64_t stage, Blocked x, Blocked v, bool tangents = false);

  // Given seeds, after begin(): matrix `copy` of the tile, to be filled (rows, d); then prepare(), once per tile. No seeds are given: 0 copies.
  int32_t seed_copies() const;
  Blocked seed(int32_t slot, int32_t copy, int32_t rows) const;
  void prepare(int32_t slot, int32_t rows);
  // What the last evaluate() with tangents found: (rows, 1), or (rows, copies).
  Blocked trace(int32_t slot, int32_t rows) const { return slots_[slot].rows.value(plan_->program.tangent, {0, rows}); }

 private:
  struct Slot {
    Workspace rows, stage;
    Buffer<float> bias;                    // the window's row biases: per dense op that has one (rows of the window, padded width)
    Buffer<DenseArgs> calls;               // per step: a dense op as the kernel takes it, but for what changes with the stage
    Buffer<NarrowDenseArgs> narrow_calls;  // ... or on bfloat16 operands
    int64_t window = -1;                   // first stage of the window that `stage` holds
  };
  void load_condition(Slot& slot);
  void fill_window(Slot& slot, int64_t first);
  void spread(Slot& slot, int32_t row, int32_t rows);

  const Specialised* plan_ = nullptr;
  const float* parameters_ = nullptr;
  const Kernels* kernels_ = nullptr;
  BranchOptions options_;
  int32_t window_rows_ = 1;
  int64_t floats_ = 0;
  struct Step {  // an op that runs in every stage
    int32_t op;
    int64_t bias;        // its first vector in Slot::bias, -1 = none
    int64_t bias_width;  // floats from one stage's to the next
    bool dense, reads_x, makes_v;
    int64_t transposed;  // a layer that sums by lanes: first of its transposed panels in transposed_, -1 = none
  };
  Buffer<Step> steps_;
  Buffer<float> transposed_;
  Buffer<int32_t> broadcast_;  // stage values that row ops read as matrices
  int64_t step_count_ = 0, broadcast_count_ = 0;
  bool made_here_ = false;  // the output is made by an op of every stage
  int32_t slot_count_ = 0;
  Slot* slots_ = nullptr;

 public:
  Branch() = default;
  Branch(const Branch&) = delete;
  Branch& operator=(const Branch&) = delete;
  ~Branch();
};

}  // namespace flow
