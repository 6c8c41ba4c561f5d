#include "solver/network_field.h"

#include "network/columns.h"

namespace flow {

namespace {

double stage_time(const SampleOptions& o, int64_t step, int32_t stage) { return o.grid[step] + o.c[stage] * (o.grid[step + 1] - o.grid[step]); }

double weight(const GuidanceOptions& g, double t) { return g.null_condition != nullptr && g.from <= t && t <= g.to ? g.scale : 1; }

}  // namespace

int64_t network_evaluations(const SampleOptions& o, int64_t steps) {
  int64_t count = 0;
  for (int64_t k = 0; k < steps; ++k)
    for (int32_t s = 0; s < o.stages; ++s) {
      const float w = static_cast<float>(weight(o.guidance, stage_time(o, k, s)));
      count += w == 0 || w == 1 ? 1 : 2;
    }
  return count;
}

Status NetworkField::init(const NetworkData& network, const SampleOptions& options, int32_t capacity, int32_t slots, bool keep) {
  const int64_t stages = options.steps * options.stages;
  options_ = &options;
  capacity_ = capacity;
  dimension_ = network.program.dimension;
  size_ = round_up(network.program.dimension, kLanes) * capacity;
  guided_ = options.guidance.null_condition != nullptr;
  FLOW_TRY(times_.allocate(stages));
  FLOW_TRY(weights_.allocate(guided_ ? stages : 0));
  for (int64_t k = 0, i = 0; k < options.steps; ++k)
    for (int32_t s = 0; s < options.stages; ++s, ++i) {
      const double t = stage_time(options, k, s);
      times_[i] = static_cast<float>(options.frame != nullptr ? options.frame[4 * i + 1] : t);
      if (guided_) weights_[i] = static_cast<float>(weight(options.guidance, t));
    }
  if (guided_ || options.frame != nullptr) FLOW_TRY(tiles_.allocate(checked_product(int64_t{slots} * 3, size_)));
  if (guided_) FLOW_TRY(null_.init(network, {options.guidance.null_condition, true, times_.data(), stages, options.precision, keep}, capacity, slots));
  return given_.init(network, {options.condition, options.shared_condition, times_.data(), stages, options.precision, keep}, capacity, slots);
}

StageField NetworkField::stage_field() {
  return {this,
          [](void* self, int32_t slot, int64_t, int64_t s, double, Blocked in, Blocked v) { static_cast<NetworkField*>(self)->evaluate(slot, s, in, v); }};
}

void NetworkField::begin(int32_t slot, int64_t first_row, int32_t rows) {
  given_.begin(slot, first_row, rows);
  if (guided_) null_.begin(slot, first_row, rows);
}

void NetworkField::evaluate(int32_t slot, int64_t stage, Blocked x, Blocked v, bool tangents) {
  const Kernels& k = kernels();
  const double* frame = options_->frame != nullptr ? options_->frame + 4 * stage : nullptr;
  Blocked in = x;
  if (frame != nullptr) {
    in.data = room(slot, 0);
    each_block(x.cols, x.rows, [&](int64_t n, int32_t b) { k.scale(n, static_cast<float>(frame[0]), x.data + b * x.block, in.data + b * x.block); });
  }
  const float w = guided_ ? weights_[stage] : 1;
  if (w != 0) given_.evaluate(slot, stage, in, v, tangents);
  if (w == 0) null_.evaluate(slot, stage, in, v, tangents);
  if (w != 0 && w != 1) {
    const Blocked other{room(slot, 2), v.block, v.rows, v.cols};
    null_.evaluate(slot, stage, in, other, tangents);
    each_block(v.cols, v.rows, [&](int64_t n, int32_t b) {
      float* to = v.data + b * v.block;
      const float* const term = to;
      k.scale(n, 1 - w, other.data + b * v.block, other.data + b * v.block);
      k.combine(n, other.data + b * v.block, 1, &w, &term, to);
    });
  }
  if (frame == nullptr) return;
  const float c = static_cast<float>(frame[3]);
  float* bx = room(slot, 1);
  each_block(v.cols, v.rows, [&](int64_t n, int32_t b) {
    const float* out = v.data + b * v.block;
    k.scale(n, static_cast<float>(frame[2]), x.data + b * x.block, bx + b * x.block);
    k.combine(n, bx + b * x.block, 1, &c, &out, v.data + b * v.block);
  });
}

void NetworkField::seed(int32_t slot, int32_t copy, int32_t rows, const float* signs) {
  kernels().to_blocked(signs, dimension_, given_.seed(slot, copy, rows));
  if (guided_) kernels().to_blocked(signs, dimension_, null_.seed(slot, copy, rows));
}

void NetworkField::prepare(int32_t slot, int32_t rows) {
  given_.prepare(slot, rows);
  if (guided_) null_.prepare(slot, rows);
}

void NetworkField::divergence(int32_t slot, int64_t stage, int32_t rows, double weight, int32_t length, double* to, int64_t stride) const {
  const double* frame = options_->frame != nullptr ? options_->frame + 4 * stage : nullptr;
  const double gain = frame != nullptr ? weight * frame[3] * frame[0] : weight, drift = frame != nullptr ? weight * frame[2] * length : 0;
  const double w = guided_ ? weights_[stage] : 1;
  const int32_t columns = seed_copies() > 0 ? seed_copies() : 1;
  const Blocked first = w != 0 ? given_.trace(slot, rows) : null_.trace(slot, rows);
  for (int32_t c = 0; c < columns; ++c, to += stride) {
    const float* from = cell(first, c);
    if (w == 0 || w == 1) {
      for (int64_t r = 0; r < rows; ++r) to[r] += gain * from[r * kLanes] + drift;
      continue;
    }
    const float* other = cell(null_.trace(slot, rows), c);
    for (int64_t r = 0; r < rows; ++r) to[r] += gain * ((1 - w) * other[r * kLanes] + w * from[r * kLanes]) + drift;
  }
}

}  // namespace flow
