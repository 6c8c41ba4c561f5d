#include "optimiser/optimiser.h"

#include "network/workspace.h"

namespace flow {

namespace {

constexpr int64_t kChunk = 16384;  // floats; five streams of 64 KiB stay in L2

// beta^n by squaring: the same double for the same n, whatever came before.
double power(double beta, int64_t n) {
  double result = 1;
  for (; n > 0; n >>= 1, beta *= beta)
    if (n & 1) result *= beta;
  return result;
}

}  // namespace

Status Optimiser::init(const Program& program, const Plan& plan, const OptimiserOptions& options, const float* packed, const NarrowPlan* narrow) {
  program_ = &program;
  narrow_ = narrow;
  options_ = options;
  FLOW_TRY(p_.copy(packed, program.packed_count));
  FLOW_TRY(m_.allocate(program.packed_count));
  FLOW_TRY(v_.allocate(program.packed_count));
  if (options.ema_decay > 0) FLOW_TRY(ema_.copy(packed, program.packed_count));
  if (narrow == nullptr) FLOW_TRY(transposed_.allocate(plan.transposed_count));
  if (narrow != nullptr) FLOW_TRY(narrow_weights_.allocate(narrow->weight_count));
  if (narrow != nullptr) FLOW_TRY(narrow_transposed_.allocate(narrow->transposed_count));

  Buffer<int64_t> offset;  // of each parameter's transpose, -1 = none
  FLOW_TRY(offset.allocate(program.parameters.size()));
  for (int64_t& o : offset) o = -1;
  for (int64_t o = 0; o < plan.ops.size(); ++o)
    if (narrow == nullptr && plan.ops[o].transposed >= 0) offset[program.ops[o].p] = plan.ops[o].transposed;
  int64_t panels = 0;
  for (const Parameter& p : program.parameters) panels += p.role == Role::kWeight ? (p.shape[0] + kLanes - 1) / kLanes : 1;
  Buffer<Chunk> chunks;
  Buffer<Move> moves;
  FLOW_TRY(chunks.allocate(panels));
  int64_t most = panels;
  for (const Op& op : program.ops)
    if (op.kind == OpKind::kDense) most += (program.parameters[op.p].shape[0] + kLanes - 1) / kLanes;
  FLOW_TRY(moves.allocate(most));
  int64_t count = 0, begin = 0;
  int32_t moved = 0, first_move = 0;
  const auto close = [&](int64_t end) {
    if (end == begin) return;
    chunks[count++] = {begin, end, first_move, moved};
    begin = end;
    first_move = moved;
  };
  for (int32_t i = 0; i < program.parameters.size(); ++i) {
    const Parameter& p = program.parameters[i];
    const int32_t pieces = p.role == Role::kWeight ? (p.shape[0] + kLanes - 1) / kLanes : 1;
    for (int32_t piece = 0; piece < pieces; ++piece) {
      if (offset[i] >= 0) moves[moved++] = {i, piece, offset[i], -1};
      for (int32_t o = 0; narrow != nullptr && o < program.ops.size(); ++o)
        if (narrow->ops[o].owner && program.ops[o].p == i) moves[moved++] = {i, piece, -1, o};
      const int64_t end = p.packed + p.packed_size / pieces * (piece + 1);
      if (end - begin >= kChunk) close(end);
    }
  }
  close(program.packed_count);
  FLOW_TRY(chunks_.copy(chunks.data(), count));
  FLOW_TRY(moves_.copy(moves.data(), moved));
  transpose_all();
  return {};
}

void Optimiser::move(const Move& m) {
  if (m.op >= 0) return pack_narrow_panel(*program_, *narrow_, m.op, m.panel, p_.data(), narrow_weights_.data(), narrow_transposed_.data());
  const Parameter& weight = program_->parameters[m.parameter];
  transpose_panel(weight, p_.data() + weight.packed, m.panel, transposed_.data() + m.transposed);
}

void Optimiser::transpose_all() {
  for (const Move& m : moves_) move(m);
}

OptimiserStep Optimiser::plan_step(int64_t step, double lr, double norm) const {
  OptimiserStep s{lr, 1 - power(options_.beta1, step), 1 - power(options_.beta2, step), 1, options_.ema_decay};
  if (options_.clip > 0 && norm + 1e-6 > options_.clip) s.grad_scale = options_.clip / (norm + 1e-6);  // as PyTorch's clip_grad_norm_
  if (options_.ema_warmup) {
    const double warm = static_cast<double>(step) / static_cast<double>(step + 9);  // (1 + n) / (10 + n), n = step - 1 updates before this one
    if (warm < s.ema_decay) s.ema_decay = warm;
  }
  return s;
}

void Optimiser::update(int64_t index, const OptimiserStep& s, const float* gradients) {
  const Chunk& c = chunks_[index];
  kernels().adam({c.end - c.begin, p_.data() + c.begin, gradients + c.begin, m_.data() + c.begin, v_.data() + c.begin,
                  ema_.size() > 0 ? ema_.data() + c.begin : nullptr, static_cast<float>(s.grad_scale), static_cast<float>(s.lr), options_.beta1, options_.beta2,
                  static_cast<float>(options_.epsilon), static_cast<float>(options_.weight_decay), s.correction1, s.correction2, s.ema_decay});
  for (int32_t i = c.first_move; i < c.last_move; ++i) move(moves_[i]);
}

}  // namespace flow
