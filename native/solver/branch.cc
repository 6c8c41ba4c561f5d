#include "solver/branch.h"

#include <new>

#include "network/columns.h"

namespace flow {

namespace {
constexpr int64_t kWindow = 64;                    // stages whose row-constant values are computed together, as rows of one small batch
constexpr int64_t kKeptFloats = int64_t{1} << 18;  // floats of them that may be kept from solve to solve
}  // namespace

Branch::~Branch() { delete[] slots_; }

// Stages computed together: a window of them, or all where they are kept; `stage_floats` each.
static int64_t window_of(const BranchOptions& o, int64_t stage_floats) {
  const int64_t stages = o.stages > 0 ? o.stages : 1;
  return stages <= kWindow || (o.keep && stage_floats <= kKeptFloats / stages) ? stages : kWindow;
}

static int64_t row_floats(const Plan& plan) {
  int64_t floats = 0;
  for (int32_t i = 0; i < plan.buffers; ++i) floats += int64_t{plan.buffer_blocks[i]} * kLanes;
  return floats;
}

Status Branch::init(const NetworkData& network, const BranchOptions& options, int32_t capacity, int32_t slots) {
  const bool shared = network.program.condition_width == 0 || options.shared_condition;
  options_ = options;
  kernels_ = &kernels();
  plan_ = &network.sampler(shared);
  parameters_ = network.sampler_parameters(shared);
  const NarrowNetwork* narrow = nullptr;
  FLOW_TRY(network.narrow(shared, options.precision, &narrow));
  const Program& program = plan_->program;
  int64_t stage_floats = row_floats(plan_->stage), bias = 0, transposed = 0;
  for (const int32_t v : plan_->row_bias) stage_floats += v >= 0 ? round_up(program.values[v].width, kLanes) : 0;
  window_rows_ = static_cast<int32_t>(window_of(options, stage_floats));
  floats_ = slots * (window_rows_ * stage_floats + capacity * row_floats(plan_->rows));
  FLOW_TRY(steps_.allocate(program.ops.size()));
  FLOW_TRY(broadcast_.allocate(program.values.size()));
  for (int32_t o = 0; o < program.ops.size(); ++o) {
    if (plan_->when[o] != When::kBoth || !plan_->rows.ops[o].alive) continue;
    const bool has = plan_->row_bias[o] >= 0;
    const int64_t width = has ? round_up(program.values[plan_->row_bias[o]].width, kLanes) : 0;
    const Op& op = program.ops[o];
    const bool dense = op.kind == OpKind::kDense, by_lanes = dense && narrow == nullptr && program.parameters[op.p].by_lanes();
    steps_[step_count_++] = {o, has ? bias : -1, width, dense, op.a == kValueX, op.output == program.output, by_lanes ? transposed : -1};
    bias += width * window_rows_;
    if (by_lanes) transposed += program.parameters[op.p].transposed_size();
  }
  FLOW_TRY(transposed_.allocate(transposed));
  for (int64_t i = 0; i < step_count_; ++i) {
    if (steps_[i].transposed < 0) continue;
    const Parameter& weight = program.parameters[program.ops[steps_[i].op].p];
    kernels_->transpose_panels(parameters_ + weight.packed, weight.shape[0], weight.shape[1], transposed_.data() + steps_[i].transposed);
  }
  for (int32_t v = 0; v < program.values.size(); ++v)
    if (plan_->broadcast[v]) broadcast_[broadcast_count_++] = v;
  made_here_ = plan_->when[plan_->rows.values[program.output].producer] == When::kBoth;
  slots_ = new (std::nothrow) Slot[static_cast<size_t>(slots)];
  if (slots_ == nullptr) return out_of_memory();
  slot_count_ = slots;
  for (int32_t i = 0; i < slots; ++i) {
    Slot& slot = slots_[i];
    FLOW_TRY(slot.rows.init(program, plan_->rows, capacity, narrow != nullptr ? &narrow->plan : nullptr, narrow != nullptr ? narrow->weights.data() : nullptr));
    FLOW_TRY(slot.stage.init(program, plan_->stage, window_rows_));
    FLOW_TRY(slot.bias.allocate(bias));
    if (narrow == nullptr) FLOW_TRY(slot.calls.allocate(step_count_));
    else FLOW_TRY(slot.narrow_calls.allocate(step_count_));
    load_condition(slot);
  }
  return {};
}

// A shared row, the same in every row of the window.
void Branch::load_condition(Slot& slot) {
  const int32_t width = plan_->program.condition_width;
  if (width == 0 || !options_.shared_condition) return;
  const Blocked c = slot.stage.value(kValueCondition, {0, window_rows_});
  for (int32_t r = 0; r < window_rows_; ++r) kernels().to_blocked(options_.condition, width, {c.data + int64_t{r} * kLanes, c.block, 1, c.cols});
}

void Branch::condition_changed() {
  for (int32_t i = 0; i < slot_count_; ++i) {
    load_condition(slots_[i]);
    slots_[i].window = -1;
  }
}

void Branch::begin(int32_t index, int64_t first_row, int32_t rows) {
  Slot& slot = slots_[index];
  const Program& program = plan_->program;
  if (program.condition_width > 0 && !options_.shared_condition)
    kernels().to_blocked(options_.condition + first_row * program.condition_width, program.condition_width, slot.rows.value(kValueCondition, {0, rows}));
  narrow_value(slot.rows, kValueCondition, {0, rows});
  for (int32_t o = 0; o < program.ops.size(); ++o)
    if (plan_->when[o] == When::kRows) forward_op(slot.rows, parameters_, o, {0, rows});
  const bool narrow = slot.rows.narrow() != nullptr;
  for (int64_t i = 0; i < step_count_; ++i) {
    if (!steps_[i].dense) continue;
    if (narrow) slot.narrow_calls[i] = narrow_args(slot.rows, parameters_, steps_[i].op, {0, rows}, nullptr);
    else slot.calls[i] = dense_args(slot.rows, parameters_, steps_[i].op, {0, rows}, nullptr);
    if (steps_[i].transposed >= 0) slot.calls[i].transposed = transposed_.data() + steps_[i].transposed;
  }
}

void Branch::fill_window(Slot& slot, int64_t first) {
  const Rows rows{0, static_cast<int32_t>(options_.stages - first < window_rows_ ? options_.stages - first : window_rows_)};
  const Blocked t = slot.stage.value(kValueT, rows);
  for (int32_t r = 0; r < rows.count; ++r) t.data[int64_t{r} * kLanes] = options_.times[first + r];
  for (int32_t o = 0; o < plan_->program.ops.size(); ++o)
    if (plan_->when[o] == When::kStage) forward_op(slot.stage, parameters_, o, rows);
  for (int64_t i = 0; i < step_count_; ++i) {  // biases row-major, so that a stage's is one vector
    if (steps_[i].bias < 0) continue;
    ConstBlocked z = slot.stage.value(plan_->row_bias[steps_[i].op], rows);
    z.cols = static_cast<int32_t>(steps_[i].bias_width);
    kernels_->from_blocked(z, slot.bias.data() + steps_[i].bias, steps_[i].bias_width);
  }
  slot.window = first;
}

// Row-constant values of the window's row that ops read as matrices.
void Branch::spread(Slot& slot, int32_t row, int32_t rows) {
  for (int64_t i = 0; i < broadcast_count_; ++i) {
    const int32_t v = broadcast_[i];
    const Blocked from = slot.stage.value(v, {row, 1}), to = slot.rows.value(v, {0, rows});
    for (int32_t c = 0; c < to.cols; c += kLanes)
      for (int32_t r = 0; r < rows; ++r)
        std::memcpy(to.data + (c / kLanes) * to.block + int64_t{r} * kLanes, from.data + (c / kLanes) * from.block, kLanes * sizeof(float));
    narrow_value(slot.rows, v, {0, rows});
  }
}

void Branch::evaluate(int32_t index, int64_t stage, Blocked x, Blocked v, bool tangents) {
  Slot& slot = slots_[index];
  const Program& program = plan_->program;
  const Rows rows{0, x.rows};
  if (slot.window < 0 || stage < slot.window || stage >= slot.window + window_rows_) fill_window(slot, stage / window_rows_ * window_rows_);
  const int32_t row = static_cast<int32_t>(stage - slot.window);
  spread(slot, row, x.rows);
  slot.rows.bind(kValueX, x.data);
  narrow_value(slot.rows, kValueX, rows);
  if (made_here_) slot.rows.bind(program.output, v.data);
  for (int64_t i = 0; i < step_count_; ++i) {
    const Step& step = steps_[i];
    if (!step.dense) {
      if (!tangents && program.ops[step.op].kind >= OpKind::kSeed) continue;
      forward_op(slot.rows, parameters_, step.op, rows);
      continue;
    }
    const float* bias = step.bias >= 0 ? slot.bias.data() + step.bias + row * step.bias_width : nullptr;
    if (slot.rows.narrow() != nullptr) {
      NarrowDenseArgs& call = slot.narrow_calls[i];
      if (bias != nullptr) call.bias = bias;
      if (step.makes_v) call.y.data = v.data;
      narrow_kernels().dense(call);
      continue;
    }
    DenseArgs& call = slot.calls[i];
    if (bias != nullptr) call.bias = bias;
    if (step.reads_x) call.x.data = x.data;
    if (step.makes_v) call.y.data = v.data;
    kernels_->dense(call);
  }
  const Blocked out = slot.rows.value(program.output, rows);
  if (out.data == v.data) return;
  each_block(v.cols, v.rows,
             [&](int64_t n, int32_t b) { std::memcpy(v.data + b * v.block, out.data + b * out.block, static_cast<size_t>(n) * sizeof(float)); });
}

int32_t Branch::seed_copies() const {
  for (const Op& op : plan_->program.ops)
    if (op.kind == OpKind::kSeed && op.raw == 1) return plan_->program.values[op.output].copies;
  return 0;
}

Blocked Branch::seed(int32_t slot, int32_t copy, int32_t rows) const {
  for (const Op& op : plan_->program.ops)
    if (op.kind == OpKind::kSeed && op.raw == 1) return slots_[slot].rows.copy_of(op.output, copy, {0, rows});
  return {nullptr, 0, 0, 0};
}

void Branch::prepare(int32_t slot, int32_t rows) {
  const Workspace& w = slots_[slot].rows;
  const Program& program = plan_->program;
  for (int32_t o = 0; o < program.ops.size(); ++o) {
    const Op& op = program.ops[o];
    if (op.kind == OpKind::kSeed) narrow_value(w, op.output, {0, rows});
    if (op.kind == OpKind::kTrace) prepare_trace(w, parameters_, o, {0, rows});
    if (op.kind > OpKind::kSeed && plan_->when[o] == When::kRows) forward_op(w, parameters_, o, {0, rows});  // of the seeds alone
  }
}

}  // namespace flow
