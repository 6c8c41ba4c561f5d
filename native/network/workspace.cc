#include "network/workspace.h"

namespace flow {

Status Workspace::init(const Program& program, const Plan& plan, int64_t capacity, const NarrowPlan* narrow, const Bf16* weights, const Bf16* transposed) {
  program_ = &program;
  plan_ = &plan;
  capacity_ = capacity;
  stat_stride_ = round_up(capacity, kVirtualLanes);
  int64_t blocks = 0;
  const auto wide = [&](int32_t i) { return narrow == nullptr || !narrow->buffers[i].slope; };
  for (int32_t i = 0; i < plan.buffers; ++i) blocks += wide(i) ? plan.buffer_blocks[i] : 0;
  const int64_t matrices = checked_product(blocks, capacity, kLanes), stats = checked_product(2 * int64_t{plan.stats}, stat_stride_);
  if (matrices < 0 || stats < 0 || matrices > (int64_t{1} << 60)) return out_of_memory();
  FLOW_TRY(memory_.allocate(matrices + stats));
  FLOW_TRY(data_.allocate(plan.buffers));
  float* next = memory_.data();
  for (int32_t i = 0; i < plan.buffers; ++i) {
    data_[i] = wide(i) ? next : nullptr;
    next += wide(i) ? plan.buffer_blocks[i] * capacity * kLanes : 0;
  }
  stats_ = next;
  narrow_ = narrow;
  if (narrow == nullptr) return {};
  weights_ = weights;
  transposed_ = transposed;
  narrow_capacity_ = round_up(capacity, kLanes);
  int64_t size = 0;
  for (int32_t i = 0; i < plan.buffers; ++i)
    size += int64_t{plan.buffer_blocks[i]} *
            ((narrow->buffers[i].narrow ? narrow->parts : 0) + (narrow->buffers[i].groups ? 1 : 0) + (narrow->buffers[i].slope ? 1 : 0));
  const int64_t narrow_size = checked_product(size, narrow_capacity_, kLanes);
  if (narrow_size < 0) return out_of_memory();
  FLOW_TRY(narrow_memory_.allocate(narrow_size + kNarrowBlock));  // tiles load 16 rows wherever a range of rows begins
  FLOW_TRY(narrow_data_.allocate(plan.buffers));
  FLOW_TRY(groups_.allocate(plan.buffers));
  Bf16* at = narrow_memory_.data();
  for (int32_t i = 0; i < plan.buffers; ++i) {
    const int64_t one = plan.buffer_blocks[i] * narrow_capacity_ * kLanes;
    if (narrow->buffers[i].narrow || narrow->buffers[i].slope) {
      narrow_data_[i] = at;
      at += narrow->buffers[i].slope ? one : one * narrow->parts;
    }
    if (narrow->buffers[i].groups) {
      groups_[i] = at;
      at += one;
    }
  }
  return {};
}

void transpose_panel(const Parameter& weight, const float* panels, int32_t panel, float* transposed) {
  // A block of 32 outputs x 32 inputs is contiguous on both sides.
  const int32_t out = weight.shape[0], in = weight.shape[1];
  const int32_t lanes = out - panel * kLanes < kLanes ? out - panel * kLanes : kLanes;
  for (int32_t i = 0; i < in; i += kLanes) {
    const int32_t rows = in - i < kLanes ? in - i : kLanes;
    kernels().transpose_panels(panels + (int64_t{panel} * in + i) * kLanes, lanes, rows,
                               transposed + (int64_t{i / kLanes} * out + int64_t{panel} * kLanes) * kLanes);
  }
}

void transpose_weights(const Program& program, const Plan& plan, const float* parameters, float* transposed) {
  for (int64_t o = 0; o < plan.ops.size(); ++o) {
    if (plan.ops[o].transposed < 0) continue;
    const Parameter& weight = program.parameters[program.ops[o].p];
    kernels().transpose_panels(parameters + weight.packed, weight.shape[0], weight.shape[1], transposed + plan.ops[o].transposed);
  }
}

}  // namespace flow
