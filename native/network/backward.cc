// The ops, backward. The gradient that stands in gradient(v) is that of the pre-activation once v's last contribution has been multiplied by the slope.
#include "network/columns.h"
#include "network/workspace.h"

namespace flow {

namespace {

// y (+)= x, all lanes
void pass_on(Blocked x, Blocked y, bool accumulate) {
  each_block(y.cols, y.rows, [&](int64_t n, int32_t b) {
    if (accumulate) kernels().add(n, y.data + b * y.block, x.data + b * x.block, y.data + b * y.block);
    else std::memcpy(y.data + b * y.block, x.data + b * x.block, static_cast<size_t>(n) * sizeof(float));
  });
}

void multiply_slope(const Workspace& w, int32_t v, Rows rows) {
  const Blocked g = w.gradient(v, rows), s = w.slope(w.plan().values[v].producer, rows);
  each_block(g.cols, g.rows, [&](int64_t n, int32_t b) { kernels().multiply(n, g.data + b * g.block, s.data + b * s.block, g.data + b * g.block); });
}

void dense_inputs(const Workspace& w, const float* transposed, int32_t o, Rows rows, Panels panels) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  const Edge& edge = w.plan().edges[w.plan().ops[o].edge];
  if (!edge.needed) return;
  const Parameter& weight = program.parameters[op.p];
  const int32_t in = weight.shape[1], out = weight.shape[0];
  const Blocked none{nullptr, 0, 0, 0};
  const Blocked slope = edge.fuse ? w.slope(w.plan().values[op.a].producer, rows) : none;
  DenseArgs args{w.gradient(op.output, rows),
                 transposed + w.plan().ops[o].transposed,
                 nullptr,
                 Activation::kIdentity,
                 w.gradient(op.a, rows),
                 none,
                 slope,
                 edge.accumulate};
  if (panels.end >= 0) {
    const int32_t first = panels.begin * kLanes;
    args.panels += int64_t{first} * out;
    args.y.data += panels.begin * args.y.block;
    args.y.cols = (in < panels.end * kLanes ? in : panels.end * kLanes) - first;
    if (args.mul.data != nullptr) args.mul.data += panels.begin * args.mul.block;
    args.mul.cols = args.y.cols;
  }
  kernels().dense(args);
}

// The same on bfloat16 operands. The last contribution to a gradient goes on narrow, to the dense op that waits for it.
void narrow_inputs(const Workspace& w, int32_t o, Rows rows, Panels panels) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  const Plan& plan = w.plan();
  const Edge& edge = plan.edges[plan.ops[o].edge];
  if (!edge.needed) return;
  const Parameter& weight = program.parameters[op.p];
  const NarrowPlan::Value& in = w.narrow()->values[op.a];
  const int32_t buffer = plan.values[op.a].gradient;
  const Blocked gradient = w.gradient(op.a, rows);
  NarrowDenseArgs args{};
  args.x = w.narrow_matrix(plan.values[op.output].gradient, rows);
  args.panels = w.narrow_transposed(o);
  args.parts = 1;
  args.rows = rows.count;
  args.in = weight.shape[0];
  args.out = weight.shape[1];
  const bool completes = in.gradient_made && w.narrow()->ops[o].completes;
  if (!completes || in.gradient_wide) args.y = gradient;
  if (edge.accumulate) args.add = gradient;
  const int32_t producer = plan.values[op.a].producer;
  if (edge.fuse && w.narrow()->ops[producer].narrow_slope) args.narrow_mul = w.narrow_slope(producer, rows);
  else if (edge.fuse) args.mul = w.slope(producer, rows);
  if (completes) {
    args.n = w.narrow_matrix(buffer, rows);
    args.groups = w.row_groups(buffer, rows, true);
  }
  if (panels.end >= 0) {
    const int32_t first = panels.begin * kLanes;
    args.panels += int64_t{panels.begin} * narrow_panels_size(kLanes, args.in);
    args.out = (args.out < panels.end * kLanes ? args.out : panels.end * kLanes) - first;
    for (Blocked* m : {&args.y, &args.add, &args.mul})
      if (m->data != nullptr) m->data += panels.begin * m->block;
    for (NarrowMatrix* m : {&args.n, &args.narrow_mul})
      if (m->data != nullptr) m->data += panels.begin * m->block;
    if (args.groups.data != nullptr) args.groups.data += panels.begin * args.groups.block;
  }
  narrow_kernels().dense(args);
}

void narrow_parameters(const Workspace& w, int32_t o, Rows rows, bool accumulate, float* gradients, Panels panels, Features features) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  const Parameter& weight = program.parameters[op.p];
  const RowGroups x = w.row_groups(w.plan().values[op.a].buffer, rows, false), g = w.row_groups(w.plan().values[op.output].gradient, rows, true);
  narrow_kernels().weight_grad({x.data, x.block, g.data, g.block, rows.count, weight.shape[1], weight.shape[0], gradients + weight.packed,
                                op.q >= 0 ? gradients + program.parameters[op.q].packed : nullptr, panels.begin,
                                panels.end >= 0 ? panels.end : (weight.shape[0] + kLanes - 1) / kLanes, accumulate, features.begin, features.end});
}

}  // namespace

void narrow_gradient(const Workspace& w, int32_t v, Rows rows) {
  if (w.narrow() == nullptr || !w.narrow()->values[v].gradient || w.narrow()->values[v].gradient_made) return;
  const int32_t buffer = w.plan().values[v].gradient;
  narrow_kernels().convert(w.gradient(v, rows), 1, w.narrow_matrix(buffer, rows), w.row_groups(buffer, rows, true));
}

void backward_inputs(const Workspace& w, const float* transposed, int32_t o, Rows rows, Panels panels) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  const Edge* edges = w.plan().edges.data() + w.plan().ops[o].edge;
  if (op.kind == OpKind::kDense) return w.narrow() != nullptr ? narrow_inputs(w, o, rows, panels) : dense_inputs(w, transposed, o, rows, panels);
  const Blocked g = w.gradient(op.output, rows);
  switch (op.kind) {
    case OpKind::kActivation:
    case OpKind::kAdd:
      for (int32_t i = 0; i < program.inputs(op); ++i)
        if (edges[i].needed) pass_on(g, w.gradient(program.input(op, i), rows), edges[i].accumulate);
      return;
    case OpKind::kConcat: {
      int32_t at = 0;
      for (int32_t i = 0; i < op.count; ++i) {
        const int32_t v = program.list[op.first + i], width = program.values[v].width;
        if (edges[i].needed) {
          const Blocked y = w.gradient(v, rows);
          copy_columns(g, at, y, 0, width, edges[i].accumulate);
          if (!edges[i].accumulate) zero_padding(y);
        }
        at += width;
      }
      return;
    }
    case OpKind::kSlice:
      if (!edges[0].needed) return;
      if (!edges[0].accumulate) zero_all(w.gradient(op.a, rows));
      return copy_columns(g, 0, w.gradient(op.a, rows), op.first, op.count, true);
    default:
      return;
  }
}

void backward_parameters(const Workspace& w, int32_t o, Rows rows, bool accumulate, float* gradients, Panels panels, Features features) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  if (op.kind == OpKind::kDense && w.narrow() != nullptr) return narrow_parameters(w, o, rows, accumulate, gradients, panels, features);
  const Blocked g = w.gradient(op.output, rows);
  if (op.kind == OpKind::kDense) {
    const Parameter& weight = program.parameters[op.p];
    const int32_t all = (weight.shape[0] + kLanes - 1) / kLanes;
    kernels().weight_grad({w.value(op.a, rows), g, gradients + weight.packed, op.q >= 0 ? gradients + program.parameters[op.q].packed : nullptr, panels.begin,
                           panels.end >= 0 ? panels.end : all, accumulate, features.begin, features.end});
  } else if (op.kind == OpKind::kLayerNorm) {
    ConstBlocked x = w.value(op.a, rows), dy = g;
    const int32_t first = panels.begin * kLanes, end = panels.end >= 0 && panels.end * kLanes < x.cols ? panels.end * kLanes : x.cols;
    x.data += panels.begin * x.block;
    dy.data += panels.begin * dy.block;
    x.cols = dy.cols = end - first;
    kernels().layer_norm_grad(x, dy, nullptr, w.mean(o) + rows.first, w.rstd(o) + rows.first, false, {nullptr, 0, 0, 0}, accumulate,
                              gradients + program.parameters[op.p].packed + first, gradients + program.parameters[op.q].packed + first);
  } else if (op.kind == OpKind::kEmbed) {
    // Rows are added one by one in order: the sum does not depend on who else runs.
    const Parameter& table = program.parameters[op.p];
    const int64_t stride = round_up(table.shape[1], kLanes);
    float* rows_of_table = gradients + table.packed;
    const Blocked x = w.value(op.a, rows);
    const float* column = cell(x, op.first);
    const int32_t classes = table.shape[0] - 1;
    const int32_t end = panels.end >= 0 ? panels.end : static_cast<int32_t>(stride / kLanes);
    if (!accumulate)
      for (int32_t r = 0; r < table.shape[0]; ++r)
        std::memset(rows_of_table + r * stride + panels.begin * kLanes, 0, static_cast<size_t>(end - panels.begin) * kLanes * sizeof(float));
    for (int32_t r = 0; r < rows.count; ++r) {
      const float c = column[int64_t{r} * kLanes];
      float* row = rows_of_table + (c >= 0 && c < static_cast<float>(classes) ? static_cast<int32_t>(c) : classes) * stride;
      for (int32_t b = panels.begin; b < end; ++b) {
        const float* from = g.data + b * g.block + int64_t{r} * kLanes;
        for (int32_t i = 0; i < kLanes; ++i) row[b * kLanes + i] += from[i];
      }
    }
  }
}

void backward_layer_norm(const Workspace& w, const float* parameters, int32_t o, Rows rows) {
  const Op& op = w.program().ops[o];
  const Edge& edge = w.plan().edges[w.plan().ops[o].edge];
  kernels().layer_norm_grad(w.value(op.a, rows), w.gradient(op.output, rows), parameters + w.program().parameters[op.p].packed, w.mean(o) + rows.first,
                            w.rstd(o) + rows.first, edge.accumulate, w.gradient(op.a, rows), false, nullptr, nullptr);
}

void backward_finish(const Workspace& w, int32_t o, Rows rows) {
  const Op& op = w.program().ops[o];
  for (int32_t i = 0; i < w.program().inputs(op); ++i)
    if (w.plan().edges[w.plan().ops[o].edge + i].finish) multiply_slope(w, w.program().input(op, i), rows);
}

void finish_output(const Workspace& w, Rows rows) { multiply_slope(w, w.program().output, rows); }

void backward(const Workspace& w, const float* parameters, const float* transposed, Rows rows, bool accumulate, float* gradients) {
  const Plan& plan = w.plan();
  if (plan.finish_output) finish_output(w, rows);
  for (int32_t o = static_cast<int32_t>(plan.ops.size()) - 1; o >= 0; --o) {
    if (!plan.ops[o].backward) continue;
    narrow_gradient(w, w.program().ops[o].output, rows);
    backward_parameters(w, o, rows, accumulate, gradients);
    if (w.program().ops[o].kind == OpKind::kLayerNorm) backward_layer_norm(w, parameters, o, rows);
    else backward_inputs(w, transposed, o, rows);
    backward_finish(w, o, rows);
  }
}

}  // namespace flow
