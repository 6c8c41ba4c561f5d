#include "network/plan.h"

namespace flow {

namespace {

// Greedy reuse of buffers whose owners are done; only the best fit among the free ones is taken.
class Arena {
 public:
  explicit Arena(Plan& plan) : plan_(plan) {}
  Status init(int64_t most) {
    FLOW_TRY(plan_.buffer_blocks.allocate(most));
    return free_.allocate(most);
  }
  int32_t fresh(int32_t blocks) {
    plan_.buffer_blocks[plan_.buffers] = blocks;
    return plan_.buffers++;
  }
  int32_t take(int32_t blocks) {
    int32_t best = -1;
    for (int32_t i = 0; i < plan_.buffers; ++i)
      if (free_[i] && plan_.buffer_blocks[i] == blocks) best = i;
    if (best < 0) return fresh(blocks);
    free_[best] = 0;
    return best;
  }
  void release(int32_t buffer) { free_[buffer] = 1; }

 private:
  Plan& plan_;
  Buffer<uint8_t> free_;
};

// Ops whose kernels write every lane, padding included: only their outputs may live in reused buffers.
bool writes_all(const Op& op) {
  if (op.kind == OpKind::kTangent && op.count == 0 && !op.columns) return false;  // zeros stay as they are
  const OpKind kind = op.kind == OpKind::kTangent ? op.source : op.kind;
  return kind == OpKind::kDense || kind == OpKind::kActivation || kind == OpKind::kLayerNorm || kind == OpKind::kAdd;
}
// Classes are whole numbers: no gradient flows into the column that names them.
bool passes_gradient(OpKind kind) { return kind < OpKind::kOneHot && kind != OpKind::kTime; }
bool has_parameters(OpKind kind) { return kind == OpKind::kDense || kind == OpKind::kLayerNorm || kind == OpKind::kEmbed; }

}  // namespace

Status Plan::build(const Program& program, Pass which, const uint8_t* marks) {
  pass = which;
  const auto mark = [&](int32_t o) { return marks == nullptr ? uint8_t{0} : marks[o]; };
  const bool training = pass != Pass::kForward;
  const int32_t op_count = static_cast<int32_t>(program.ops.size()), value_count = static_cast<int32_t>(program.values.size());
  int32_t edge_count = 0;
  for (const Op& op : program.ops) edge_count += program.inputs(op);
  FLOW_TRY(edges.allocate(edge_count));
  FLOW_TRY(ops.allocate(op_count));
  FLOW_TRY(values.allocate(value_count));
  Arena arena(*this);
  FLOW_TRY(arena.init(2 * int64_t{value_count} + 2 * int64_t{op_count}));

  Buffer<uint8_t> alive;
  Buffer<int32_t> last_use;
  FLOW_TRY(alive.allocate(value_count));
  FLOW_TRY(last_use.allocate(value_count));
  for (ValuePlan& value : values) value = {-1, -1, -1, false};
  for (int32_t o = 0, edge = 0; o < op_count; ++o) {
    ops[o] = {false, false, false, -1, -1, -1, -1, edge};
    edge += program.inputs(program.ops[o]);
    values[program.ops[o].output].producer = o;
  }
  alive[program.output] = 1;
  if (program.tangent >= 0 && !training) alive[program.tangent] = 1;
  for (int32_t o = op_count - 1; o >= 0; --o) {
    const Op& op = program.ops[o];
    ops[o].alive = mark(o) != kProvided && (alive[op.output] != 0 || mark(o) == kKept);
    if (ops[o].alive) alive[op.output] = 1;
    if (!ops[o].alive) continue;
    // The slope of a tangent's op is kept until the tangent has been made.
    const bool bends = op.kind == OpKind::kTangent && op.activation != Activation::kIdentity && (op.count > 0 || op.columns);
    if (bends) ops[values[op.of].producer].slope = true;
    for (int32_t i = 0; i < program.inputs(op); ++i) {
      const int32_t v = program.input(op, i);
      if (!alive[v]) last_use[v] = o;
      alive[v] = 1;
    }
  }

  // Values: inputs and partial writers stand alone; in a forward pass the others share.
  for (int32_t v = 0; v < 3; ++v) values[v].buffer = arena.fresh(program.values[v].blocks());
  for (int32_t o = 0; o < op_count; ++o) {
    const Op& op = program.ops[o];
    const int32_t blocks = program.values[op.output].blocks() * program.values[op.output].copies;
    ValuePlan& out = values[op.output];
    if (!ops[o].alive) {
      if (mark(o) == kProvided && alive[op.output]) out.buffer = arena.fresh(blocks);
      continue;
    }
    out.buffer = !training && writes_all(op) && op.output != program.output && mark(o) == 0 ? arena.take(blocks) : arena.fresh(blocks);
    if (ops[o].slope && !training) ops[o].slope_buffer = arena.take(blocks);
    for (int32_t i = 0; i < program.inputs(op) && !training; ++i) {
      const int32_t v = program.input(op, i), producer = values[v].producer;
      const bool shared = producer >= 0 && ops[producer].alive && writes_all(program.ops[producer]) && mark(producer) == 0 && v != program.output;
      bool seen = false;
      for (int32_t j = 0; j < i; ++j) seen = seen || program.input(op, j) == v;
      if (shared && last_use[v] == o && !seen) arena.release(values[v].buffer);
    }
    if (op.kind == OpKind::kLayerNorm) ops[o].stat_buffer = stats++;
    if (training) continue;
    if (op.kind == OpKind::kTangent && op.activation != Activation::kIdentity) {
      const OpPlan& source = ops[values[op.of].producer];  // one tangent for each op
      if (source.slope_buffer >= 0) arena.release(source.slope_buffer);
    }
    if (op.kind == OpKind::kTrace && !op.columns && op.p >= 0 && op.a >= 0)
      ops[o].left_buffer = arena.fresh(program.values[op.a].blocks() * program.values[op.a].copies);
  }
  if (!training) return {};

  // Gradients.
  values[kValueX].needs = pass == Pass::kTrainX;
  for (int32_t o = 0; o < op_count; ++o) {
    const Op& op = program.ops[o];
    bool needs = has_parameters(op.kind);
    for (int32_t i = 0; i < program.inputs(op) && passes_gradient(op.kind); ++i) needs = needs || values[program.input(op, i)].needs;
    values[op.output].needs = needs;
    ops[o].backward = ops[o].alive && needs;
    ops[o].slope = ops[o].backward && op.activation != Activation::kIdentity;
    if (ops[o].slope) ops[o].slope_buffer = arena.fresh(program.values[op.output].blocks());
  }
  Buffer<int32_t> last_edge;
  FLOW_TRY(last_edge.allocate(value_count));
  for (int32_t& edge : last_edge) edge = -1;
  const int32_t output_producer = values[program.output].producer;
  if (values[program.output].needs) values[program.output].gradient = arena.take(program.values[program.output].blocks());
  finish_output = output_producer >= 0 && ops[output_producer].slope;
  for (int32_t o = op_count - 1; o >= 0; --o) {
    const Op& op = program.ops[o];
    ops[o].backward = ops[o].backward && values[op.output].gradient >= 0;  // no reader may have passed one on
    if (!ops[o].backward) continue;
    for (int32_t i = 0; i < program.inputs(op); ++i) {
      const int32_t v = program.input(op, i), e = ops[o].edge + i;
      // The layer norm kernel always writes dx: an input that wants none gets a buffer that nobody reads.
      edges[e] = {(values[v].needs && passes_gradient(op.kind)) || op.kind == OpKind::kLayerNorm, values[v].gradient >= 0, false, false};
      if (!edges[e].needed) continue;
      // A gradient buffer is written in full at the first contribution, padding too, except by the column copies of concat and slice.
      if (values[v].gradient < 0) values[v].gradient = arena.take(program.values[v].blocks());
      last_edge[v] = e;
    }
    if (op.kind == OpKind::kDense && edges[ops[o].edge].needed) {
      ops[o].transposed = transposed_count;
      transposed_count += program.parameters[op.p].transposed_size();
    }
    arena.release(values[op.output].gradient);
  }
  for (int32_t o = 0; o < op_count; ++o) {
    const Op& op = program.ops[o];
    if (!ops[o].backward) continue;
    for (int32_t i = 0; i < program.inputs(op); ++i) {
      const int32_t v = program.input(op, i), e = ops[o].edge + i;
      if (last_edge[v] != e || values[v].producer < 0 || !ops[values[v].producer].slope) continue;
      (op.kind == OpKind::kDense ? edges[e].fuse : edges[e].finish) = true;
    }
  }
  return {};
}

}  // namespace flow
