// A network as a field v(t, x): row-constant work once per stage, condition-only work once per tile, an optional frame v = b x + c net(tau, a x).
#pragma once
#include "network/packed.h"
#include "solver/integrate.h"

namespace flow {

class NetworkField {
 public:
  // One per solve; `capacity` rows per tile, `slots` runners.
  Status init(const NetworkData& network, const SampleOptions& options, int32_t capacity, int32_t slots);
  // Before a tile's first stage.
  void begin(int32_t slot, int64_t first_row, int32_t rows);
  // `tangents`: of a program that traces, its divergence or the estimates of it too.
  void evaluate(int32_t slot, int64_t stage, Blocked x, Blocked v, bool tangents = false);

  // Given seeds, after begin(): matrix `copy` of the tile, to be filled (rows, d); then prepare(), once per tile. No seeds are given: 0 copies.
  int32_t seed_copies() const;
  Blocked seed(int32_t slot, int32_t copy, int32_t rows) const;
  void prepare(int32_t slot, int32_t rows);
  // What the last evaluate() with tangents found: (rows, 1), or (rows, copies). In the frame it is b d + c a times this.
  Blocked trace(int32_t slot, int32_t rows) const;

 private:
  struct Slot {
    Workspace rows, stage;
    Buffer<float> bias;       // the window's row biases: per dense op that has one (rows of the window, padded width)
    Buffer<DenseArgs> calls;  // per step: a dense op as the kernel takes it, but for what changes with the stage
    Buffer<float> scaled;     // a(t) x, and room for b(t) x
    int64_t window = -1;      // first stage of the window that `stage` holds
  };
  void fill_window(Slot& slot, int64_t first);
  void spread(Slot& slot, int32_t row, int32_t rows);

  const Specialised* plan_ = nullptr;
  const float* parameters_ = nullptr;
  const SampleOptions* options_ = nullptr;
  const Kernels* kernels_ = nullptr;
  int32_t capacity_ = 0, window_rows_ = 1;
  int64_t stages_ = 0;
  Buffer<float> times_;  // tau of every stage
  struct Step {          // an op that runs in every stage
    int32_t op;
    int64_t bias;        // its first vector in Slot::bias, -1 = none
    int64_t bias_width;  // floats from one stage's to the next
    bool dense, reads_x, makes_v;
  };
  Buffer<Step> steps_;
  Buffer<int32_t> broadcast_;  // stage values that row ops read as matrices
  int64_t step_count_ = 0, broadcast_count_ = 0;
  bool made_here_ = false;  // the output is made by an op of every stage
  Slot* slots_ = nullptr;

 public:
  NetworkField() = default;
  NetworkField(const NetworkField&) = delete;
  NetworkField& operator=(const NetworkField&) = delete;
  ~NetworkField();
};

}  // namespace flow
