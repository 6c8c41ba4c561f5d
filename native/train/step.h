// The gradient of one batch, in one of two schemes that depend on shapes only:
//   tiles   small networks: a runner takes a block of rows tile by tile through all layers, forward and backward, into the block's own gradient; the
//           blocks are summed in a fixed tree.
//   layers  large networks: all rows go through one layer before the next, so that weights are read once; each panel of a weight gradient sums all
//           rows in order.
// Either way every number is a sum in an order that no thread can change.
#pragma once
#include <atomic>

#include "core/stop.h"
#include "network/workspace.h"
#include "train/batch.h"
#include "train/spans.h"

namespace flow {

class GradientPass {
 public:
  // With a narrow plan the dense ops run on bfloat16 operands and these weights, and run() does not read the f32 transposes.
  Status init(const Program& program, const Plan& plan, const Batch& batch, int32_t threads, const RowLoss& loss, const Spans& spans,
              const NarrowPlan* narrow = nullptr, const Bf16* weights = nullptr, const Bf16* transposed = nullptr);
  ~GradientPass();
  GradientPass() = default;
  GradientPass(const GradientPass&) = delete;
  GradientPass& operator=(const GradientPass&) = delete;

  // false: stopped on the way, nothing to be used. Otherwise the mean loss and gradient blocks. `teacher`: the weights that make targets of average velocities.
  bool run(uint64_t step, Pairs pairs, const float* parameters, const float* teacher, const float* transposed, const StopFlag* stop, double* loss);
  // Sums the blocks' gradients over [begin, end) into gradients(); the sum of squares of the result.
  double reduce(int64_t begin, int64_t end, bool* finite);
  const float* gradients() const { return gradients_.data(); }

 private:
  struct Slot {
    Workspace workspace;
    BatchScratch scratch;
    SpanTarget span;
    Buffer<float> target;
  };
  bool interrupted(const StopFlag* stop);
  void tile(Slot& slot, Rows rows, int64_t batch_row, float* gradients, bool accumulate);
  void fill(Slot& slot, const Workspace& w, float* target, int64_t capacity, Rows rows, int64_t batch_row);
  void loss_of(const Workspace& w, const float* target, int64_t capacity, Rows rows, int64_t batch_row, Slot& slot);
  bool run_tiles(const StopFlag* stop);
  bool run_layers(const StopFlag* stop);
  bool layers_forward(int32_t rows, const StopFlag* stop);
  bool layers_backward(int32_t rows, bool accumulate, const StopFlag* stop);
  template <class F>
  bool over(int64_t tasks, const StopFlag* stop, F&& run);  // parallel, unless stopped

  const Program* program_ = nullptr;
  const Plan* plan_ = nullptr;
  const Batch* batch_ = nullptr;
  int32_t threads_ = 1, tile_ = 1;
  int64_t blocks_ = 1, block_rows_ = 1;  // scheme `tiles`
  int64_t run_ = 1;                      // ... blocks of one task, 1 or 2: the second adds to the first's gradient, as the tree would
  int64_t chunk_ = 0;                    // scheme `layers`: rows at once, 0 = not this scheme
  Slot* slots_ = nullptr;
  Workspace layers_;
  Buffer<float> layers_target_, gradients_, row_loss_;
  Buffer<float> row_weight_;
  Buffer<float> row_gain_;  // lambda of each row, of score and flow  // (B), unless all are 1 and the loss is that of squares
  RowLoss loss_;
  std::atomic<bool> stopped_{false};

  // of the step at hand
  uint64_t step_ = 0;
  Pairs pairs_;
  const float *parameters_ = nullptr, *teacher_ = nullptr, *transposed_ = nullptr;
};

}  // namespace flow
