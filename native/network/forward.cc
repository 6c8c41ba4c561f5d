// The ops, forward. One function per kind; shapes stand in Program.
#include "network/columns.h"
#include "network/workspace.h"

namespace flow {

namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

// out = [t, cos(omega_j t) ..., sin(omega_j t) ...]. The product is exact in double and reduced to [-pi, pi] there, so that large frequencies keep f32
// accuracy.
void forward_time(const Program& program, const Op& op, ConstBlocked t, Blocked y) {
  constexpr int32_t kChunk = 256;
  alignas(64) float angle[kChunk], sine[kChunk], cosine[kChunk];
  const float* omega = program.constants.data() + op.first;
  if (op.raw) copy_columns(t, 0, y, 0, 1, false);
  const int32_t rows_at_once = op.count > 0 && op.count <= kChunk ? kChunk / op.count : 1;
  for (int32_t r = 0; r < y.rows; r += rows_at_once) {
    const int32_t rows = y.rows - r < rows_at_once ? y.rows - r : rows_at_once;
    for (int32_t j0 = 0; j0 < op.count; j0 += kChunk) {
      const int32_t width = op.count - j0 < kChunk ? op.count - j0 : kChunk;
      for (int32_t i = 0; i < rows; ++i) {
        const double time = t.data[int64_t{r + i} * kLanes];
        for (int32_t j = 0; j < width; ++j) {
          const double a = time * omega[j0 + j];
          constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding and subtracting rounds to an integer
          const double turns = (a * (1 / kTwoPi) + kRound) - kRound;
          angle[i * width + j] = static_cast<float>(a - turns * kTwoPi);
        }
      }
      kernels().sincos(int64_t{rows} * width, angle, sine, cosine);
      for (int32_t i = 0; i < rows; ++i) {
        float* row = y.data + int64_t{r + i} * kLanes;
        for (int32_t j = 0; j < width; ++j) {
          const int32_t c = op.raw + j0 + j, s = c + op.count;
          row[(c / kLanes) * y.block + c % kLanes] = cosine[i * width + j];
          row[(s / kLanes) * y.block + s % kLanes] = sine[i * width + j];
        }
      }
    }
  }
}

void forward_concat(const Workspace& w, const Op& op, Rows rows, Blocked y) {
  int32_t at = 0;
  for (int32_t i = 0; i < op.count; ++i) {
    const int32_t v = w.program().list[op.first + i];
    const Blocked x = w.value(v, rows);
    copy_columns(x, 0, y, at, x.cols, false);
    at += x.cols;
  }
}

// The class of a row, or `classes` (the null class) for anything that is not one.
inline int32_t class_of(float x, int32_t classes) { return x >= 0 && x < static_cast<float>(classes) ? static_cast<int32_t>(x) : classes; }

void forward_one_hot(const Op& op, ConstBlocked x, Blocked y) {
  zero_all(y);
  const float* column = cell(x, op.first);
  for (int32_t r = 0; r < y.rows; ++r) {
    const int32_t k = class_of(column[int64_t{r} * kLanes], op.count);
    if (k < op.count) y.data[(k / kLanes) * y.block + int64_t{r} * kLanes + k % kLanes] = 1;
  }
}

void forward_embed(const Parameter& table, const float* rows_of_table, const Op& op, ConstBlocked x, Blocked y) {
  const float* column = cell(x, op.first);
  const int64_t stride = round_up(table.shape[1], kLanes);
  for (int32_t r = 0; r < y.rows; ++r) {
    const float* row = rows_of_table + class_of(column[int64_t{r} * kLanes], table.shape[0] - 1) * stride;
    for (int64_t b = 0; b * kLanes < stride; ++b) std::memcpy(y.data + b * y.block + int64_t{r} * kLanes, row + b * kLanes, kLanes * sizeof(float));
  }
}

void forward_narrow(const Workspace& w, const float* parameters, int32_t o, Rows rows, Panels panels, const float* row_bias) {
  NarrowDenseArgs args = narrow_args(w, parameters, o, rows, row_bias);
  if (panels.end >= 0) {
    const int32_t first = panels.begin * kLanes;
    args.panels += int64_t{panels.begin} * narrow_panels_size(kLanes, args.in);
    if (args.bias != nullptr) args.bias += first;
    args.out = (args.out < panels.end * kLanes ? args.out : panels.end * kLanes) - first;
    if (args.y.data != nullptr) args.y.data += panels.begin * args.y.block;
    if (args.n.data != nullptr) args.n.data += panels.begin * args.n.block;
    if (args.groups.data != nullptr) args.groups.data += panels.begin * args.groups.block;
    if (args.slope.data != nullptr) args.slope.data += panels.begin * args.slope.block;
    if (args.narrow_slope.data != nullptr) args.narrow_slope.data += panels.begin * args.narrow_slope.block;
  }
  narrow_kernels().dense(args);
}

void forward_dense(const Workspace& w, const float* parameters, int32_t o, Rows rows, Panels panels, const float* row_bias) {
  const Parameter& weight = w.program().parameters[w.program().ops[o].p];
  DenseArgs args = dense_args(w, parameters, o, rows, row_bias);
  if (panels.end >= 0) {  // a part of the outputs: every pointer moves to its first panel
    const int32_t first = panels.begin * kLanes, cols = (weight.shape[0] < panels.end * kLanes ? weight.shape[0] : panels.end * kLanes) - first;
    args.panels += int64_t{first} * weight.shape[1];
    if (args.bias != nullptr) args.bias += first;
    args.y.data += panels.begin * args.y.block;
    args.y.cols = cols;
    if (args.slope.data != nullptr) args.slope.data += panels.begin * args.slope.block;
    args.slope.cols = cols;
  }
  kernels().dense(args);
}

void forward_other(const Workspace& w, const float* parameters, int32_t o, Rows rows) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  const Blocked y = w.value(op.output, rows);
  if (op.kind == OpKind::kConcat) return forward_concat(w, op, rows, y);
  const Blocked x = w.value(op.a, rows);
  const Kernels& k = kernels();
  switch (op.kind) {
    case OpKind::kTime:
      return forward_time(program, op, x, y);
    case OpKind::kActivation: {
      const Blocked slope = w.slope(o, rows);
      return each_block(y.cols, y.rows, [&](int64_t n, int32_t b) {
        k.activate(op.activation, n, x.data + b * x.block, y.data + b * y.block, slope.data != nullptr ? slope.data + b * slope.block : nullptr);
      });
    }
    case OpKind::kLayerNorm:
      return k.layer_norm(x, parameters + program.parameters[op.p].packed, parameters + program.parameters[op.q].packed, op.epsilon, y, w.mean(o) + rows.first,
                          w.rstd(o) + rows.first);
    case OpKind::kAdd: {
      const Blocked b = w.value(op.b, rows);
      return each_block(y.cols, y.rows, [&](int64_t n, int32_t i) { k.add(n, x.data + i * x.block, b.data + i * b.block, y.data + i * y.block); });
    }
    case OpKind::kSlice:
      return copy_columns(x, op.first, y, 0, op.count, false);
    case OpKind::kOneHot:
      return forward_one_hot(op, x, y);
    case OpKind::kEmbed:
      return forward_embed(program.parameters[op.p], parameters + program.parameters[op.p].packed, op, x, y);
    default:
      return;
  }
}

}  // namespace

DenseArgs dense_args(const Workspace& w, const float* parameters, int32_t o, Rows rows, const float* row_bias) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  const float* bias = row_bias != nullptr ? row_bias : op.q >= 0 ? parameters + program.parameters[op.q].packed : nullptr;
  const Blocked none{nullptr, 0, 0, 0};
  const Parameter& weight = program.parameters[op.p];
  return {w.value(op.a, rows), parameters + weight.packed, bias, op.activation, w.value(op.output, rows), w.slope(o, rows), none, false, weight.by_lanes()};
}

NarrowDenseArgs narrow_product(const Workspace& w, int32_t o, Rows rows) {
  const Parameter& weight = w.program().parameters[w.program().ops[o].p];
  NarrowDenseArgs args{};
  args.panels = w.narrow_weight(o);
  args.panel_plane = w.narrow()->weight_count;
  args.parts = w.narrow()->parts;
  args.rows = rows.count;
  args.in = weight.shape[1];
  args.out = weight.shape[0];
  return args;
}

// The output is written in f32 for those who read it so, and narrow for the next dense op.
NarrowDenseArgs narrow_args(const Workspace& w, const float* parameters, int32_t o, Rows rows, const float* row_bias) {
  const Program& program = w.program();
  const Op& op = program.ops[o];
  const NarrowPlan& narrow = *w.narrow();
  const NarrowPlan::Value& out = narrow.values[op.output];
  const int32_t buffer = w.plan().values[op.output].buffer;
  NarrowDenseArgs args = narrow_product(w, o, rows);
  args.x = w.narrow_matrix(w.plan().values[op.a].buffer, rows);
  args.bias = row_bias != nullptr ? row_bias : op.q >= 0 ? parameters + program.parameters[op.q].packed : nullptr;
  args.activation = op.activation;
  args.quick = narrow.parts == 1;
  if (out.wide) args.y = w.value(op.output, rows);
  if (out.narrow) args.n = w.narrow_matrix(buffer, rows);
  if (out.groups) args.groups = w.row_groups(buffer, rows, false);
  if (narrow.ops[o].narrow_slope) args.narrow_slope = w.narrow_slope(o, rows);
  else args.slope = w.slope(o, rows);
  return args;
}

void forward_op(const Workspace& w, const float* parameters, int32_t o, Rows rows, Panels panels, const float* row_bias) {
  const Op& op = w.program().ops[o];
  if (op.kind == OpKind::kDense)
    return w.narrow() != nullptr ? forward_narrow(w, parameters, o, rows, panels, row_bias) : forward_dense(w, parameters, o, rows, panels, row_bias);
  if (op.kind >= OpKind::kSeed) forward_tangent(w, parameters, o, rows);
  else forward_other(w, parameters, o, rows);
  if (!dense_tangent(op)) narrow_value(w, op.output, rows);
}

void narrow_value(const Workspace& w, int32_t v, Rows rows) {
  if (w.narrow() == nullptr || !w.narrow()->values[v].narrow) return;
  const RowGroups groups = w.narrow()->values[v].groups ? w.row_groups(w.plan().values[v].buffer, rows, false) : RowGroups{};
  for (int32_t copy = 0; copy < w.program().values[v].copies; ++copy)
    narrow_kernels().convert(w.copy_of(v, copy, rows), w.narrow()->parts, w.narrow_copy(v, copy, rows), groups);
}

void forward(const Workspace& w, const float* parameters, Rows rows) {
  for (int32_t o = 0; o < w.plan().ops.size(); ++o)
    if (w.plan().ops[o].alive) forward_op(w, parameters, o, rows);
}

}  // namespace flow
