// What a pass over a Program will do, worked out once: which ops matter, who needs a gradient, which contribution is first and which last,
// and which buffer each value and gradient lives in. Nothing here depends on weights or rows.
#pragma once
#include "network/program.h"

namespace flow {

enum class Pass : int32_t {
  kForward,  // values only; buffers are reused as soon as their last reader is done
  kTrain,    // forward, then gradients of the parameters
  kTrainX,   // ... and of x
};

struct Edge {       // one input of one op
  bool needed;      // its gradient is wanted and this op contributes
  bool accumulate;  // an op later in the program has contributed already
  bool fuse;        // the last contribution, by a dense: it multiplies by the slope of the value's activation on the way out
  bool finish;      // the last contribution, by another op: a pass of its own multiplies
};

struct OpPlan {
  bool alive;     // the output of the program depends on it
  bool backward;  // ... and a gradient reaches it that it needs
  bool slope;     // forward keeps act'(z), for gradients or for a tangent
  int32_t slope_buffer;
  int32_t stat_buffer;  // layer norm: rows of mean and rstd
  int32_t left_buffer;  // trace over given seeds: seeds times the last weight
  int64_t transposed;   // dense: offset of W^T's panels, -1 when no gradient flows to its input
  int32_t edge;         // first of its edges
};

struct ValuePlan {
  int32_t buffer, gradient;  // indices into the workspace, -1 = none
  int32_t producer;
  bool needs;
};

constexpr uint8_t kProvided = 1, kKept = 2;

struct Plan {
  Pass pass = Pass::kForward;
  Buffer<Edge> edges;
  Buffer<OpPlan> ops;
  Buffer<ValuePlan> values;
  Buffer<int32_t> buffer_blocks;  // 32-column blocks of each buffer
  int32_t buffers = 0;
  int32_t stats = 0;
  int64_t transposed_count = 0;
  bool finish_output = false;  // the output's activation is multiplied in after the loss

  // `marks` (may be null, forward passes only), one per op: kProvided = its output comes from outside; kKept = it runs, and its output is never
  // overwritten.
  Status build(const Program& program, Pass pass, const uint8_t* marks = nullptr);
};

}  // namespace flow
