// Memory for one pass over up to `capacity` rows, allocated once; and the ops on a range of rows and output panels of it.
// Every function here runs on the calling thread. Disjoint (rows, panels) may run at the same time.
#pragma once
#include "network/narrow.h"

namespace flow {

struct Rows {  // rows [first, first + count) of a workspace
  int64_t first;
  int32_t count;
};
struct Panels {  // output panels [begin, end) of a dense op
  int32_t begin, end;
};

class Workspace {
 public:
  // program and plan must outlive the workspace. With a narrow plan the dense ops run on bfloat16 operands and these weights (`transposed` for gradients).
  Status init(const Program& program, const Plan& plan, int64_t capacity, const NarrowPlan* narrow = nullptr, const Bf16* weights = nullptr,
              const Bf16* transposed = nullptr);

  int64_t capacity() const { return capacity_; }
  const Program& program() const { return *program_; }
  const Plan& plan() const { return *plan_; }
  Blocked value(int32_t v, Rows rows) const { return view(plan_->values[v].buffer, program_->values[v].width, rows); }
  // Copy `copy` of a tangent; from one to the next it is blocks() * capacity * 32 floats.
  Blocked copy_of(int32_t v, int32_t copy, Rows rows) const {
    Blocked m = value(v, rows);
    m.data += copy * copy_stride(v);
    return m;
  }
  int64_t copy_stride(int32_t v) const { return int64_t{program_->values[v].blocks()} * capacity_ * kLanes; }
  // A trace's seeds times the last weight, laid out as its tangent.
  Blocked left(int32_t o, Rows rows) const { return view(plan_->ops[o].left_buffer, program_->values[program_->ops[o].a].width, rows); }
  Blocked gradient(int32_t v, Rows rows) const { return view(plan_->values[v].gradient, program_->values[v].width, rows); }
  Blocked slope(int32_t o, Rows rows) const { return view(plan_->ops[o].slope_buffer, program_->values[program_->ops[o].output].width, rows); }
  const NarrowPlan* narrow() const { return narrow_; }  // null: everything is f32
  const Bf16* narrow_weight(int32_t o) const { return weights_ + narrow_->ops[o].weight; }
  const Bf16* narrow_transposed(int32_t o) const { return transposed_ + narrow_->ops[o].transposed; }
  NarrowMatrix narrow_slope(int32_t o, Rows rows) const { return narrow_matrix(plan_->ops[o].slope_buffer, rows); }
  NarrowMatrix narrow_matrix(int32_t buffer, Rows rows) const {
    const int64_t block = narrow_capacity_ * kLanes;
    return {narrow_data_[buffer] + rows.first * kLanes, block, block * plan_->buffer_blocks[buffer]};
  }
  NarrowMatrix narrow_copy(int32_t v, int32_t copy, Rows rows) const {
    NarrowMatrix m = narrow_matrix(plan_->values[v].buffer, rows);
    m.data += copy * int64_t{program_->values[v].blocks()} * m.block;
    return m;
  }
  RowGroups row_groups(int32_t buffer, Rows rows, bool right) const { return {groups_[buffer] + rows.first * kLanes, narrow_capacity_ * kLanes, right}; }
  // Lets value v live in the caller's memory, laid out with this workspace's capacity.
  void bind(int32_t v, float* data) { data_[plan_->values[v].buffer] = data; }
  float* mean(int32_t o) const { return stats_ + (2 * int64_t{plan_->ops[o].stat_buffer}) * stat_stride_; }
  float* rstd(int32_t o) const { return stats_ + (2 * int64_t{plan_->ops[o].stat_buffer} + 1) * stat_stride_; }

 private:
  Blocked view(int32_t buffer, int32_t width, Rows rows) const {
    if (buffer < 0) return {nullptr, 0, rows.count, width};
    return {data_[buffer] + rows.first * kLanes, capacity_ * kLanes, rows.count, width};
  }
  const Program* program_ = nullptr;
  const Plan* plan_ = nullptr;
  int64_t capacity_ = 0, stat_stride_ = 0;
  Buffer<float> memory_;
  Buffer<float*> data_;
  float* stats_ = nullptr;
  const NarrowPlan* narrow_ = nullptr;
  const Bf16 *weights_ = nullptr, *transposed_ = nullptr;
  int64_t narrow_capacity_ = 0;  // a multiple of 32
  Buffer<Bf16> narrow_memory_;
  Buffer<Bf16*> narrow_data_, groups_;
};

constexpr Panels kAllPanels{0, -1};
struct Features {  // input features [begin, end) of a dense op, begin a multiple of 32
  int32_t begin, end;
};
constexpr Features kAllFeatures{0, INT32_MAX};

// A dense op forward as the kernel takes it; `row_bias` (may be null) replaces its bias.
DenseArgs dense_args(const Workspace& w, const float* parameters, int32_t o, Rows rows, const float* row_bias);
NarrowDenseArgs narrow_product(const Workspace& w, int32_t o, Rows rows);  // the product by op's weight alone: without x, and nothing is written
NarrowDenseArgs narrow_args(const Workspace& w, const float* parameters, int32_t o, Rows rows, const float* row_bias);  // where w is narrow
// value(op.output) from its inputs. A dense op with `row_bias` adds that vector (padded) instead of its own bias.
void forward_op(const Workspace& w, const float* parameters, int32_t o, Rows rows, Panels panels = kAllPanels, const float* row_bias = nullptr);
// seed, tangent and trace (forward_op calls it): network/tangent.cc.
void forward_tangent(const Workspace& w, const float* parameters, int32_t o, Rows rows);
// What a trace over given seeds needs once the seeds stand in the workspace; before its first forward_op.
void prepare_trace(const Workspace& w, const float* parameters, int32_t o, Rows rows);
// The bfloat16 form of value v, which came from outside, if a dense op reads it; likewise of a gradient that no dense op has completed.
void narrow_value(const Workspace& w, int32_t v, Rows rows);
void narrow_gradient(const Workspace& w, int32_t v, Rows rows);
// All ops that matter, in order.
void forward(const Workspace& w, const float* parameters, Rows rows);

// Given the gradient of op's output (after its slope): contributions to its inputs. Dense: input panels only.
void backward_inputs(const Workspace& w, const float* transposed, int32_t o, Rows rows, Panels panels = kAllPanels);
// ... and of its parameters, into `gradients` (packed layout). These output panels only, and, of a dense op, these input features.
void backward_parameters(const Workspace& w, int32_t o, Rows rows, bool accumulate, float* gradients, Panels panels = kAllPanels,
                         Features features = kAllFeatures);
// The input of a layer norm; its parameters come first, from backward_parameters.
void backward_layer_norm(const Workspace& w, const float* parameters, int32_t o, Rows rows);
// Multiplies by the slope where no dense op could.
void backward_finish(const Workspace& w, int32_t o, Rows rows);
void finish_output(const Workspace& w, Rows rows);
// The gradient of the output stands in gradient(program.output): finishes it, then every op in reverse.
void backward(const Workspace& w, const float* parameters, const float* transposed, Rows rows, bool accumulate, float* gradients);

// Panels of W^T for the dense ops that send gradients on; `transposed` holds plan.transposed_count floats.
void transpose_weights(const Program& program, const Plan& plan, const float* parameters, float* transposed);
// The same for one weight and one of its output panels.
void transpose_panel(const Parameter& weight, const float* panels, int32_t panel, float* transposed);

}  // namespace flow
