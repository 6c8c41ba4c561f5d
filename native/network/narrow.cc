#include "network/narrow.h"

namespace flow {

int32_t parts_of(Precision precision) {
  switch (precision) {
    case Precision::kF32Amx:
      return narrow_kernels().splits ? 3 : 0;
    case Precision::kBf16x3:
      return narrow_kernels().splits ? 2 : 0;
    case Precision::kBf16:
      return 1;
    default:
      return 0;
  }
}

Status NarrowPlan::build(const Program& program, const Plan& plan, int32_t part_count) {
  parts = part_count;
  const int32_t value_count = static_cast<int32_t>(program.values.size()), op_count = static_cast<int32_t>(program.ops.size());
  FLOW_TRY(values.allocate(value_count));
  FLOW_TRY(buffers.allocate(plan.buffers));
  FLOW_TRY(ops.allocate(op_count));
  for (Dense& d : ops) d = {-1, -1, false, false, false};
  values[program.output].wide = true;
  if (program.tangent >= 0) values[program.tangent].wide = true;
  for (int32_t o = 0; o < op_count; ++o) {
    const Op& op = program.ops[o];
    if (!plan.ops[o].alive) continue;
    if (dense_tangent(op)) {
      if (op.count == 0) continue;  // columns of the weight, or zero
      values[program.list[op.along]].narrow = true;
      place_weight(program, o);
      continue;
    }
    if (op.kind != OpKind::kDense) {
      for (int32_t i = 0; i < program.inputs(op); ++i) values[program.input(op, i)].wide = true;
      if (op.kind >= OpKind::kSeed && op.of >= 0) values[op.of].wide = true;
      continue;
    }
    values[op.a].narrow = true;
    if (plan.ops[o].backward) {
      values[op.a].groups = true;
      values[op.output].gradient = true;
    }
    const Parameter& weight = program.parameters[op.p];
    place_weight(program, o);
    const int32_t before = plan.values[op.a].producer;
    if (plan.ops[o].backward && plan.edges[plan.ops[o].edge].fuse && program.ops[before].kind == OpKind::kDense) {
      ops[before].narrow_slope = true;
      buffers[plan.ops[before].slope_buffer].slope = true;
    }
    if (plan.ops[o].transposed < 0) continue;
    ops[o].transposed = transposed_count;
    transposed_count += narrow_panels_size(weight.shape[1], weight.shape[0]);
  }
  for (int32_t v = 0; v < value_count; ++v) {
    const int32_t producer = plan.values[v].producer;
    const bool dense = producer >= 0 && plan.ops[producer].alive && (program.ops[producer].kind == OpKind::kDense || dense_tangent(program.ops[producer]));
    if (!dense) values[v].wide = true;  // written in f32 before it is converted
    int32_t last = -1;                  // the contribution that completes the gradient stands first in the program
    bool single = true;
    for (int32_t o = op_count - 1; o >= 0; --o) {
      if (!plan.ops[o].backward) continue;
      for (int32_t i = 0; i < program.inputs(program.ops[o]); ++i) {
        if (program.input(program.ops[o], i) != v || !plan.edges[plan.ops[o].edge + i].needed) continue;
        single = single && last < 0;
        last = o;
      }
    }
    const bool by_dense = last >= 0 && program.ops[last].kind == OpKind::kDense && v != program.output;
    values[v].gradient_made = values[v].gradient && by_dense;
    if (by_dense) ops[last].completes = true;
    values[v].gradient_wide = !(values[v].gradient_made && single);
    // A value whose buffer carries a narrow copy, and likewise its gradient.
    if (plan.values[v].buffer >= 0) {
      Buffer& b = buffers[plan.values[v].buffer];
      b.narrow = b.narrow || values[v].narrow;
      b.groups = b.groups || (values[v].narrow && values[v].groups);
      b.wide = b.wide || values[v].wide;
    }
    if (plan.values[v].gradient >= 0 && values[v].gradient) buffers[plan.values[v].gradient] = {true, true, false, true};
  }
  for (const OpPlan& op : plan.ops)
    for (const int32_t buffer : {op.slope_buffer, op.left_buffer})
      if (buffer >= 0) buffers[buffer].wide = true;
  return {};
}

// A tangent reads its layer's copy of their weight.
void NarrowPlan::place_weight(const Program& program, int32_t o) {
  for (int32_t i = 0; i < o && dense_tangent(program.ops[o]); ++i)
    if (ops[i].owner && program.ops[i].p == program.ops[o].p) {
      ops[o].weight = ops[i].weight;
      return;
    }
  const Parameter& weight = program.parameters[program.ops[o].p];
  ops[o].owner = true;
  ops[o].weight = weight_count;
  weight_count += narrow_panels_size(weight.shape[0], weight.shape[1]);
}

int64_t NarrowPlan::row_bytes(const Plan& plan) const {
  int64_t bytes = 0;
  for (int32_t i = 0; i < plan.buffers; ++i)
    bytes +=
        int64_t{plan.buffer_blocks[i]} * kLanes * ((buffers[i].wide ? int64_t{sizeof(float)} : 0) + (buffers[i].narrow ? parts * int64_t{sizeof(Bf16)} : 0));
  return bytes;
}

void pack_narrow_panel(const Program& program, const NarrowPlan& plan, int32_t o, int32_t panel, const float* parameters, Bf16* weights, Bf16* transposed) {
  const Parameter& weight = program.parameters[program.ops[o].p];
  const NarrowPlan::Dense& d = plan.ops[o];
  narrow_kernels().pack(parameters + weight.packed, weight.shape[0], weight.shape[1], panel, plan.parts, weights + d.weight, plan.weight_count,
                        d.transposed >= 0 && transposed != nullptr ? transposed + d.transposed : nullptr);
}

void pack_narrow(const Program& program, const NarrowPlan& plan, const float* parameters, Bf16* weights, Bf16* transposed) {
  for (int32_t o = 0; o < program.ops.size(); ++o)
    if (plan.ops[o].owner)
      for (int32_t panel = 0; panel * kLanes < program.parameters[program.ops[o].p].shape[0]; ++panel)
        pack_narrow_panel(program, plan, o, panel, parameters, weights, transposed);
}

}  // namespace flow
