#include "solver/row_field.h"

#include <new>

#include "network/columns.h"
#include "solver/frame_table.h"

namespace flow {

Status RowBranch::init(const NetworkData& network, const float* condition, bool shared_condition, Precision precision, int32_t slots, int32_t capacity,
                       bool traced) {
  network_ = &network;
  traced_ = traced;
  condition_ = condition;
  shared_condition_ = shared_condition;
  const Program& program = network.program;
  FLOW_TRY(marks_.allocate(program.ops.size()));
  for (int64_t o = 0; o < program.ops.size(); ++o)
    marks_[o] = (program.values[program.ops[o].output].depends & (kDependsX | kDependsT)) == 0 ? kKept : uint8_t{0};
  FLOW_TRY(plan_.build(program, Pass::kForward, marks_.data()));
  const int32_t parts = parts_of(precision);
  if (parts > 0) {
    FLOW_TRY(narrow_.build(program, plan_, parts));
    FLOW_TRY(weights_.allocate(narrow_.weight_count * parts));
    pack_narrow(program, narrow_, network.parameters(), weights_.data());
  }
  slots_ = new (std::nothrow) Workspace[static_cast<size_t>(slots)];
  if (slots_ == nullptr) return out_of_memory();
  for (int32_t i = 0; i < slots; ++i) {
    const Workspace& w = slots_[i];
    FLOW_TRY(slots_[i].init(program, plan_, capacity, parts > 0 ? &narrow_ : nullptr, weights_.data()));
    if (traced) run(w, {0, capacity}, true, Part::kTangents);  // of a basis; given seeds come with their rows
    if (program.condition_width == 0 || !shared_condition) continue;
    const Blocked c = w.value(kValueCondition, {0, capacity});
    for (int32_t r = 0; r < capacity; ++r) kernels().to_blocked(condition, program.condition_width, {c.data + int64_t{r} * kLanes, c.block, 1, c.cols});
    narrow_value(w, kValueCondition, {0, capacity});
    run(w, {0, capacity}, true, Part::kValues);
  }
  return {};
}

// The ops of the condition (or of the seeds) alone, or all others, in their order.
void RowBranch::run(const Workspace& w, Rows rows, bool entering, Part part) {
  for (int32_t o = 0; o < plan_.ops.size(); ++o) {
    const bool value = network_->program.ops[o].kind < OpKind::kSeed, wanted = part == Part::kAll || value == (part == Part::kValues);
    if (plan_.ops[o].alive && wanted && (marks_[o] == kKept) == entering) forward_op(w, network_->parameters(), o, rows);
  }
}

int32_t RowBranch::given_seed() const {
  for (int32_t o = 0; o < network_->program.ops.size(); ++o)
    if (network_->program.ops[o].kind == OpKind::kSeed && network_->program.ops[o].raw == 1) return o;
  return -1;
}

// What depends on the seeds of the row at `at` alone, the seed's own narrow form first (its op comes first).
void RowBranch::seeded(const Workspace& w, int32_t at) {
  for (int32_t o = 0; o < plan_.ops.size(); ++o)
    if (network_->program.ops[o].kind == OpKind::kTrace) prepare_trace(w, network_->parameters(), o, {at, 1});
  run(w, {at, 1}, true, Part::kTangents);
}

void RowBranch::enter(int32_t slot, int32_t at, int64_t row) {
  const int32_t width = network_->program.condition_width;
  if (width == 0 || shared_condition_) return;
  kernels().to_blocked(condition_ + row * width, width, slots_[slot].value(kValueCondition, {at, 1}));
  narrow_value(slots_[slot], kValueCondition, {at, 1});
  run(slots_[slot], {at, 1}, true, Part::kValues);
}

void RowBranch::evaluate(int32_t slot, const double* t, Blocked x, Blocked v) {
  Workspace& w = slots_[slot];
  const Program& program = network_->program;
  const Rows rows{0, x.rows};
  const Blocked times = w.value(kValueT, rows);
  for (int32_t r = 0; r < x.rows; ++r) times.data[int64_t{r} * kLanes] = static_cast<float>(t[r]);
  w.bind(kValueX, x.data);
  narrow_value(w, kValueX, rows);
  narrow_value(w, kValueT, rows);
  const int32_t producer = plan_.values[program.output].producer;
  if (producer >= 0 && marks_[producer] != kKept) w.bind(program.output, v.data);
  run(w, rows, false, traced_ ? Part::kAll : Part::kValues);
  const Blocked out = w.value(program.output, rows);
  if (out.data == v.data) return;
  each_block(v.cols, v.rows,
             [&](int64_t n, int32_t b) { std::memcpy(v.data + b * v.block, out.data + b * out.block, static_cast<size_t>(n) * sizeof(float)); });
}

RowField NetworkRows::field() {
  RowField field{this, [](void* self, int32_t slots, int32_t capacity) { return static_cast<NetworkRows*>(self)->open(slots, capacity); },
                 [](void* self, int32_t slot, int32_t at, int64_t row) { static_cast<NetworkRows*>(self)->enter(slot, at, row); },
                 [](void* self, int32_t slot, const double* t, Blocked x, Blocked v) { static_cast<NetworkRows*>(self)->evaluate(slot, t, x, v); }};
  if (options_.guidance.null_condition != nullptr) field.cost = [](void* self, double t) { return static_cast<NetworkRows*>(self)->cost(t); };
  return field;
}

int32_t NetworkRows::cost(double t) const {
  const float w = weight(t);
  return w == 0 || w == 1 ? 1 : 2;
}

void NetworkRows::divergence(int32_t slot, const double* t, int32_t rows, int32_t columns, int32_t length, double* to) const {
  const auto sum = [&](const RowBranch& branch, int32_t r) {
    const Blocked trace = branch.trace(slot, rows);
    double total = 0;
    for (int32_t c = 0; c < columns; ++c) total += cell(trace, c)[int64_t{r} * kLanes];
    return total;
  };
  for (int32_t r = 0; r < rows; ++r) {
    const double w = weight(t[r]);
    const double trace = w == 0 ? sum(null_, r) : w == 1 ? sum(given_, r) : (1 - w) * sum(null_, r) + w * sum(given_, r);
    double frame[4] = {1, 0, 0, 1};
    if (options_.adaptive->frame != nullptr) read_frame(*options_.adaptive, t[r], frame);
    to[r] = frame[3] * frame[0] * trace + frame[2] * length;
  }
}

Status NetworkRows::open(int32_t slots, int32_t capacity) {
  capacity_ = capacity;
  size_ = round_up(network_.program.dimension, kLanes) * capacity;
  const bool guided = options_.guidance.null_condition != nullptr, framed = options_.adaptive->frame != nullptr;
  if (guided || framed) FLOW_TRY(tiles_.allocate(checked_product(int64_t{slots} * 2, size_)));
  if (framed) {
    FLOW_TRY(tau_.allocate(int64_t{slots} * capacity));
    FLOW_TRY(weights_.allocate(int64_t{slots} * capacity * 2));
  }
  if (guided) FLOW_TRY(null_.init(network_, options_.guidance.null_condition, true, options_.precision, slots, capacity, traced_));
  return given_.init(network_, options_.condition, options_.shared_condition, options_.precision, slots, capacity, traced_);
}

float NetworkRows::weight(double t) const {
  const GuidanceOptions& g = options_.guidance;
  return static_cast<float>(g.null_condition != nullptr && g.from <= t && t <= g.to ? g.scale : 1);
}

void NetworkRows::guide(int32_t slot, const double* t, const double* tau, Blocked x, Blocked v) {
  bool given = false, null = false;
  for (int32_t r = 0; r < x.rows; ++r) {
    given = given || weight(t[r]) != 0;
    null = null || weight(t[r]) != 1;
  }
  const Blocked other{null ? room(slot, 1) : nullptr, v.block, v.rows, v.cols};
  if (given) given_.evaluate(slot, tau, x, v);
  if (null) null_.evaluate(slot, tau, x, other);
  for (int32_t r = 0; null && r < x.rows; ++r) {
    const float w = weight(t[r]);
    if (w == 1) continue;
    for (int32_t block = 0; block * kLanes < v.cols; ++block) {
      float *const to = v.data + block * v.block + int64_t{r} * kLanes, *const from = other.data + block * v.block + int64_t{r} * kLanes;
      const float* const term = to;
      kernels().scale(kLanes, 1 - w, from, from);
      kernels().combine(kLanes, from, w == 0 ? 0 : 1, &w, &term, to);
    }
  }
}

void NetworkRows::evaluate(int32_t slot, const double* t, Blocked x, Blocked v) {
  const bool guided = options_.guidance.null_condition != nullptr;
  if (options_.adaptive->frame == nullptr) return guided ? guide(slot, t, t, x, v) : given_.evaluate(slot, t, x, v);
  double* const tau = tau_.data() + int64_t{slot} * capacity_;
  float *const b = weights_.data() + int64_t{slot} * capacity_ * 2, *const c = b + capacity_;
  float* const scaled = room(slot, 0);
  for (int32_t r = 0; r < x.rows; ++r) {
    double value[4];
    read_frame(*options_.adaptive, t[r], value);
    tau[r] = value[1];
    b[r] = static_cast<float>(value[2]);
    c[r] = static_cast<float>(value[3]);
    for (int32_t block = 0; block * kLanes < x.cols; ++block) {
      const int64_t at = block * x.block + int64_t{r} * kLanes;
      kernels().scale(kLanes, static_cast<float>(value[0]), x.data + at, scaled + at);
    }
  }
  const Blocked in{scaled, x.block, x.rows, x.cols};
  if (guided) guide(slot, t, tau, in, v);
  else given_.evaluate(slot, tau, in, v);
  for (int32_t r = 0; r < x.rows; ++r)
    for (int32_t block = 0; block * kLanes < x.cols; ++block) {
      const int64_t at = block * x.block + int64_t{r} * kLanes;
      float* const bx = scaled + at;  // a x has been read
      const float* k = v.data + at;
      kernels().scale(kLanes, b[r], x.data + at, bx);
      kernels().combine(kLanes, bx, 1, &c[r], &k, v.data + at);
    }
}

}  // namespace flow
