#include "network/network.h"

#include <algorithm>
#include <new>

#include "network/columns.h"
#include "network/packed.h"

namespace flow {

namespace {

constexpr int64_t kTangentRows = 48;  // of a tile: its tangents are `copies` times as many

bool finite(float x) { return x - x == 0; }

// Rows of row-major inputs into the workspace.
void load_inputs(const Workspace& w, Rows rows, const float* x, const float* t, const float* condition) {
  const Blocked time = w.value(kValueT, rows);
  kernels().to_blocked(x, w.program().dimension, w.value(kValueX, rows));
  for (int32_t r = 0; r < rows.count; ++r) time.data[int64_t{r} * kLanes] = t[r];
  if (w.program().condition_width > 0) kernels().to_blocked(condition, w.program().condition_width, w.value(kValueCondition, rows));
  for (const int32_t v : {kValueX, kValueT, kValueCondition}) narrow_value(w, v, rows);
}

}  // namespace

int32_t tile_rows(const Program& program) {
  int32_t widest = 1;
  for (const Value& v : program.values) widest = v.width > widest ? v.width : widest;
  return widest <= 128 ? 192 : 132;
}

Network::Network() = default;
Network::~Network() = default;

Status Network::init(const int32_t* words, int64_t word_count, const float* constants, int64_t constant_count, const float* parameters,
                     int64_t parameter_count) {
  data_.reset(new (std::nothrow) NetworkData);
  if (!data_) return out_of_memory();
  NetworkData& d = *data_;
  FLOW_TRY(d.program.parse(words, word_count, constants, constant_count));
  if (d.program.heads() != 1) return fail(Code::kArgument, "a network with several heads is trained, and sampled by one of them");
  if (parameter_count != d.program.parameter_count) return fail(Code::kArgument, "the number of parameters does not match the program");
  for (int64_t i = 0; i < parameter_count; ++i)
    if (!finite(parameters[i])) return fail(Code::kNonfinite, "a parameter is not finite", i);
  Buffer<float> packed;
  FLOW_TRY(packed.allocate(d.program.packed_count));
  d.program.pack(parameters, packed.data());
  FLOW_TRY(d.forward.build(d.program, Pass::kForward));
  const bool solves = d.program.tangent < 0 || d.program.traces();  // a derivative along given directions belongs to one point
  for (int i = 0; i < (solves && d.program.condition_width > 0 ? 2 : 1); ++i) {
    Buffer<float> extra;
    if (solves) FLOW_TRY(d.sampling[i].build(d.program, i == 0, packed.data(), packed.size(), &extra));
    FLOW_TRY(d.sampling_parameters[i].allocate(packed.size() + extra.size()));
    std::copy_n(packed.data(), packed.size(), d.sampling_parameters[i].data());
    std::copy_n(extra.data(), extra.size(), d.sampling_parameters[i].data() + packed.size());
  }
  return {};
}

Status NetworkData::narrow(bool shared, Precision precision, const NarrowNetwork** out) const {
  *out = nullptr;
  const int32_t parts = parts_of(precision);
  if (parts == 0) return {};
  const std::lock_guard<std::mutex> lock(narrow_lock);
  std::unique_ptr<NarrowNetwork>& slot = narrow_networks[shared ? 0 : 1][parts - 1];
  if (!slot) {
    std::unique_ptr<NarrowNetwork> made(new (std::nothrow) NarrowNetwork);
    if (!made) return out_of_memory();
    const Specialised& sampling_form = sampler(shared);
    FLOW_TRY(made->plan.build(sampling_form.program, sampling_form.rows, parts));
    FLOW_TRY(made->weights.allocate(made->plan.weight_count * parts));
    pack_narrow(sampling_form.program, made->plan, sampler_parameters(shared), made->weights.data());
    slot = std::move(made);
  }
  *out = slot.get();
  return {};
}

int32_t Network::dimension() const { return data_->program.dimension; }
int32_t Network::condition_width() const { return data_->program.condition_width; }
int64_t Network::parameter_count() const { return data_->program.parameter_count; }

// A workspace for a call of its own; below f32 with weights that are packed for it.
struct Network::Scratch {
  Workspace w;
  NarrowPlan narrow;
  Buffer<Bf16> weights;
  Status init(const NetworkData& data, int64_t tile, Precision precision) {
    const int32_t parts = parts_of(precision);
    if (parts > 0) {
      FLOW_TRY(narrow.build(data.program, data.forward, parts));
      FLOW_TRY(weights.allocate(narrow.weight_count * parts));
      pack_narrow(data.program, narrow, data.parameters(), weights.data());
    }
    return w.init(data.program, data.forward, tile, parts > 0 ? &narrow : nullptr, weights.data());
  }
};

Status Network::evaluate(int64_t rows, const float* x, const float* t, const float* condition, float* v, Precision precision) const {
  const Program& program = data_->program;
  const int64_t d = program.dimension, c = program.condition_width;
  if (rows < 0) return fail(Code::kArgument, "rows must not be negative");
  if ((condition == nullptr) != (c == 0) && rows > 0) return fail(Code::kArgument, "a condition must be given exactly when the network has one");
  const int64_t tile = rows < tile_rows(program) ? (rows > 0 ? rows : 1) : tile_rows(program);
  Scratch scratch;
  FLOW_TRY(scratch.init(*data_, tile, precision));
  const Workspace& w = scratch.w;
  for (int64_t r = 0; r < rows; r += tile) {
    const Rows part{0, static_cast<int32_t>(rows - r < tile ? rows - r : tile)};
    load_inputs(w, part, x + r * d, t + r, c > 0 ? condition + r * c : nullptr);
    forward(w, data_->parameters(), part);
    kernels().from_blocked(w.value(program.output, part), v + r * d, d);
  }
  return {};
}

int64_t Network::tangent_width() const { return data_->program.tangent < 0 ? 0 : data_->program.values[data_->program.tangent].width; }

int64_t Network::seed_width() const {
  int64_t width = 0;
  for (const Op& op : data_->program.ops)
    if (op.kind == OpKind::kSeed && op.raw == 1) width += int64_t{data_->program.values[op.output].width} * data_->program.values[op.output].copies;
  return width;
}

Status Network::tangent(int64_t rows, const float* x, const float* t, const float* condition, const float* seeds, int64_t count, float* v, float* out,
                        Precision precision) const {
  const Program& program = data_->program;
  const int64_t d = program.dimension, c = program.condition_width, width = tangent_width();
  if (program.tangent < 0) return fail(Code::kArgument, "the program has no tangents");
  if (rows < 0 || count != rows * seed_width()) return fail(Code::kArgument, "the number of seeds does not match");
  if ((condition == nullptr) != (c == 0) && rows > 0) return fail(Code::kArgument, "a condition must be given exactly when the network has one");
  const int64_t tile = rows < kTangentRows ? (rows > 0 ? rows : 1) : kTangentRows;
  Scratch scratch;
  FLOW_TRY(scratch.init(*data_, tile, precision));
  const Workspace& w = scratch.w;
  for (int64_t r = 0; r < rows; r += tile) {
    const Rows part{0, static_cast<int32_t>(rows - r < tile ? rows - r : tile)};
    load_inputs(w, part, x + r * d, t + r, c > 0 ? condition + r * c : nullptr);
    int64_t at = 0;
    for (const Op& op : program.ops) {
      if (op.kind != OpKind::kSeed || op.raw == 0) continue;
      const Value& seed = program.values[op.output];
      for (int32_t copy = 0; copy < seed.copies; ++copy, at += rows * seed.width)
        if (data_->forward.values[op.output].buffer >= 0) kernels().to_blocked(seeds + at + r * seed.width, seed.width, w.copy_of(op.output, copy, part));
      if (data_->forward.values[op.output].buffer >= 0) narrow_value(w, op.output, part);
    }
    for (int32_t o = 0; o < program.ops.size(); ++o)
      if (program.ops[o].kind == OpKind::kTrace) prepare_trace(w, data_->parameters(), o, part);
    forward(w, data_->parameters(), part);
    kernels().from_blocked(w.value(program.output, part), v + r * d, d);
    kernels().from_blocked(w.value(program.tangent, part), out + r * width, width);
  }
  return {};
}

Status Network::gradient(int64_t rows, const float* x, const float* t, const float* condition, const float* cotangent, float* d_parameters, float* d_x,
                         Precision precision) const {
  const Program& program = data_->program;
  const int64_t d = program.dimension, c = program.condition_width;
  if (rows < 0) return fail(Code::kArgument, "rows must not be negative");
  if ((condition == nullptr) != (c == 0) && rows > 0) return fail(Code::kArgument, "a condition must be given exactly when the network has one");
  const int64_t tile = rows < tile_rows(program) ? (rows > 0 ? rows : 1) : tile_rows(program);
  Plan plan;
  Workspace w;
  Buffer<float> transposed, gradients;
  FLOW_TRY(plan.build(program, Pass::kTrainX));
  NarrowPlan narrow;
  Buffer<Bf16> weights, narrow_transposed;
  if (precision == Precision::kBf16) {
    FLOW_TRY(narrow.build(program, plan, 1));
    FLOW_TRY(weights.allocate(narrow.weight_count));
    FLOW_TRY(narrow_transposed.allocate(narrow.transposed_count));
    pack_narrow(program, narrow, data_->parameters(), weights.data(), narrow_transposed.data());
  }
  FLOW_TRY(w.init(program, plan, tile, precision == Precision::kBf16 ? &narrow : nullptr, weights.data(), narrow_transposed.data()));
  FLOW_TRY(transposed.allocate(plan.transposed_count));
  FLOW_TRY(gradients.allocate(program.packed_count));
  transpose_weights(program, plan, data_->parameters(), transposed.data());
  const bool output_needs = plan.values[program.output].gradient >= 0, x_needs = plan.values[kValueX].gradient >= 0;
  for (int64_t r = 0; r < rows; r += tile) {
    const Rows part{0, static_cast<int32_t>(rows - r < tile ? rows - r : tile)};
    load_inputs(w, part, x + r * d, t + r, c > 0 ? condition + r * c : nullptr);
    forward(w, data_->parameters(), part);
    if (output_needs) {
      kernels().to_blocked(cotangent + r * d, d, w.gradient(program.output, part));
      backward(w, data_->parameters(), transposed.data(), part, r > 0, gradients.data());
    }
    if (output_needs && x_needs) kernels().from_blocked(w.gradient(kValueX, part), d_x + r * d, d);
    else std::memset(d_x + r * d, 0, static_cast<size_t>(part.count * d) * sizeof(float));
  }
  program.unpack(gradients.data(), d_parameters);
  return {};
}

}  // namespace flow
