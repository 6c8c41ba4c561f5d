// The ops of forward derivatives. A tangent has `copies` matrices of the workspace's rows, one after another; the rule of an op is applied to each.
//   dense        y' = (x' W^T) * act'(z): the dense kernel without bias, the slope that the layer's own pass kept being multiplied in on the way out.
//   ... over a basis the product is a column of W: no product at all.       last layer: only the diagonal of its product is formed (trace).
// Below f32 the products are those of bfloat16 operands, from which tangents never leave between two layers; the trace is f32 always.
#include "network/columns.h"
#include "network/workspace.h"

namespace flow {

namespace {

// The same on bfloat16 operands: the epilogue multiplies by the slope and rounds for the next layer.
void tangent_product(const Workspace& w, int32_t o, Blocked slope, Rows rows) {
  const Op& op = w.program().ops[o];
  const NarrowPlan::Value& out = w.narrow()->values[op.output];
  NarrowDenseArgs args = narrow_product(w, o, rows);
  args.mul = slope;
  for (int32_t copy = 0; copy < w.program().values[op.output].copies; ++copy) {
    args.x = w.narrow_copy(w.program().list[op.along], copy, rows);
    if (out.wide) args.y = w.copy_of(op.output, copy, rows);
    if (out.narrow) args.n = w.narrow_copy(op.output, copy, rows);
    narrow_kernels().dense(args);
  }
}

// Columns of a weight, times the slope where the layer bends.
void tangent_columns(const Workspace& w, const float* parameters, const Op& op, Blocked slope, Rows rows) {
  const Parameter& weight = w.program().parameters[op.p];
  const int64_t panel = int64_t{weight.shape[1]} * kLanes;
  const NarrowPlan::Value* narrow = w.narrow() != nullptr ? &w.narrow()->values[op.output] : nullptr;
  for (int32_t copy = 0; copy < w.program().values[op.output].copies; ++copy) {
    const float* column = parameters + weight.packed + int64_t{op.column + copy} * kLanes;  // copy k of the basis: column k of the input that it fills
    const Blocked whole = w.copy_of(op.output, copy, rows);
    for (int32_t b = 0; b * kLanes < whole.cols; ++b) {
      // A block at a time, so that it is near when it is rounded; one block's memory serves all where nobody reads f32.
      Blocked y{whole.data + b * whole.block, whole.block, whole.rows, kLanes};
      if (narrow != nullptr && !narrow->wide) y.data = w.copy_of(op.output, 0, rows).data;
      if (slope.data != nullptr) kernels().scale_rows({slope.data + b * slope.block, slope.block, y.rows, kLanes}, column + b * panel, panel, y);
      else
        for (int32_t r = 0; r < y.rows; ++r) std::memcpy(y.data + int64_t{r} * kLanes, column + b * panel, kLanes * sizeof(float));
      if (narrow == nullptr || !narrow->narrow) continue;
      NarrowMatrix n = w.narrow_copy(op.output, copy, rows);
      n.data += b * n.block;
      narrow_kernels().convert(y, w.narrow()->parts, n, {});
    }
  }
}

void tangent_dense(const Workspace& w, const float* parameters, int32_t o, int32_t producer, Rows rows) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  const Blocked slope = w.slope(producer, rows), none{nullptr, 0, 0, 0};
  if (op.columns) return tangent_columns(w, parameters, op, slope, rows);
  if (w.narrow() != nullptr) return tangent_product(w, o, slope, rows);
  const float* panels = parameters + program.parameters[op.p].packed;
  for (int32_t copy = 0; copy < program.values[op.output].copies; ++copy)
    kernels().dense(
        {w.copy_of(program.list[op.along], copy, rows), panels, nullptr, Activation::kIdentity, w.copy_of(op.output, copy, rows), none, slope, false});
}

// d/dt [t, cos(omega t) ..., sin(omega t) ...] from the features themselves: [1, -omega sin ..., omega cos ...] t'.
void tangent_time(const Workspace& w, const Op& op, const Op& source, Rows rows) {
  const float* omega = w.program().constants.data() + source.first;
  const Blocked features = w.value(op.of, rows);
  for (int32_t copy = 0; copy < w.program().values[op.output].copies; ++copy) {
    const float* dt = w.copy_of(w.program().list[op.along], copy, rows).data;
    const Blocked y = w.copy_of(op.output, copy, rows);
    for (int64_t r = 0; r < y.rows; ++r) {
      const float along = dt[r * kLanes];
      if (source.raw) *(cell(y, 0) + r * kLanes) = along;
      for (int32_t j = 0; j < source.count; ++j) {
        const int32_t c = source.raw + j, s = c + source.count;
        cell(y, c)[r * kLanes] = -omega[j] * cell(features, s)[r * kLanes] * along;
        cell(y, s)[r * kLanes] = omega[j] * cell(features, c)[r * kLanes] * along;
      }
    }
  }
}

void seed_basis(const Workspace& w, const Op& op, Rows rows) {
  for (int32_t copy = 0; copy < w.program().values[op.output].copies; ++copy) {
    const Blocked y = w.copy_of(op.output, copy, rows);
    zero_all(y);
    for (int64_t r = 0; r < y.rows; ++r) cell(y, copy)[r * kLanes] = 1;
  }
}

void trace(const Workspace& w, const float* parameters, int32_t o, Rows rows) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  const Blocked y = w.value(op.output, rows);
  if (op.a < 0) return;  // stays zero
  const Blocked a = w.value(op.a, rows);
  const Value& along = program.values[op.a];
  TraceArgs args{rows.count, along.copies, along.blocks(), a.data, w.copy_stride(op.a), a.block, nullptr, 0, 0, 0, y.data, kLanes};
  if (op.columns && op.p >= 0) {  // row k of the last weight, from its transpose
    const int64_t out = program.parameters[op.p].shape[1];
    args.b = parameters + program.parameters[op.p].packed;
    args.b_copy = kLanes;
    args.b_block = out * kLanes;
    return kernels().trace(args);
  }
  const Blocked b = op.p >= 0 ? w.left(o, rows) : w.value(op.b, rows);
  args.b = b.data;
  args.b_copy = args.a_copy;
  args.b_block = b.block;
  args.b_row = kLanes;
  if (op.columns) return kernels().trace(args);
  args.copies = 1;
  for (int32_t copy = 0; copy < along.copies; ++copy, args.a += args.a_copy, args.b += args.b_copy) {
    args.y = cell(y, copy);
    kernels().trace(args);
  }
}

}  // namespace

void prepare_trace(const Workspace& w, const float* parameters, int32_t o, Rows rows) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  if (w.plan().ops[o].left_buffer < 0) return;
  const Blocked none{nullptr, 0, 0, 0};
  Blocked left = w.left(o, rows);
  for (int32_t copy = 0; copy < program.values[op.a].copies; ++copy, left.data += w.copy_stride(op.a))
    kernels().dense({w.copy_of(op.b, copy, rows), parameters + program.parameters[op.p].packed, nullptr, Activation::kIdentity, left, none, none, false});
}

void forward_tangent(const Workspace& w, const float* parameters, int32_t o, Rows rows) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  if (op.kind == OpKind::kTrace) return trace(w, parameters, o, rows);
  if (op.kind == OpKind::kSeed) return op.raw ? void() : seed_basis(w, op, rows);
  if (op.count == 0 && !op.columns) return;  // zero along all inputs: stays zero
  const int32_t producer = w.plan().values[op.of].producer;
  const Op& source = program.ops[producer];
  const Kernels& k = kernels();
  if (op.source == OpKind::kDense) return tangent_dense(w, parameters, o, producer, rows);
  if (op.source == OpKind::kTime) return tangent_time(w, op, source, rows);
  for (int32_t copy = 0; copy < program.values[op.output].copies; ++copy) {
    const Blocked y = w.copy_of(op.output, copy, rows);
    const auto along = [&](int32_t i) { return w.copy_of(program.list[op.along + i], copy, rows); };
    switch (op.source) {
      case OpKind::kActivation: {
        const Blocked x = along(0), slope = w.slope(producer, rows);
        each_block(y.cols, y.rows, [&](int64_t n, int32_t b) { k.multiply(n, x.data + b * x.block, slope.data + b * slope.block, y.data + b * y.block); });
        break;
      }
      case OpKind::kLayerNorm:
        k.layer_norm_tangent(w.value(source.a, rows), along(0), parameters + program.parameters[op.p].packed, w.mean(producer) + rows.first,
                             w.rstd(producer) + rows.first, y);
        break;
      case OpKind::kAdd: {
        const bool both = program.list[op.along] >= 0 && program.list[op.along + 1] >= 0;
        const Blocked a = along(program.list[op.along] >= 0 ? 0 : 1), b = both ? along(1) : a;
        each_block(y.cols, y.rows, [&](int64_t n, int32_t i) {
          if (both) k.add(n, a.data + i * a.block, b.data + i * b.block, y.data + i * y.block);
          else std::memcpy(y.data + i * y.block, a.data + i * a.block, static_cast<size_t>(n) * sizeof(float));
        });
        break;
      }
      case OpKind::kConcat: {
        int32_t at = 0;
        for (int32_t i = 0; i < source.count; ++i) {
          const int32_t width = program.values[program.list[source.first + i]].width;
          if (program.list[op.along + i] >= 0) copy_columns(along(i), 0, y, at, width, false);
          at += width;
        }
        break;
      }
      default:  // slice
        copy_columns(along(0), source.first, y, 0, source.count, false);
    }
  }
}

}  // namespace flow
