#include "solver/kept_solve.h"

#include <cstring>
#include <new>

#include "solver/fixed_steps.h"

namespace flow {

// Laid out for the rows of the last call: with room for more, the values of a row would stand far apart.
struct KeptSolve::Room {
  NetworkField field;
  StepRunners runners;
};

KeptSolve::KeptSolve() = default;
KeptSolve::~KeptSolve() = default;

Status KeptSolve::init(const Network& network, const SampleOptions& options) {
  network_ = &network;
  options_ = options;
  FLOW_TRY(condition_.allocate(network.condition_width()));
  options_.n = 0;
  options_.first_row = 0;
  options_.initial = nullptr;
  options_.condition = network.condition_width() > 0 ? condition_.data() : nullptr;
  options_.shared_condition = true;
  FLOW_TRY(check_sample(network, options_));
  if (options_.adaptive != nullptr) return fail(Code::kArgument, "a solve that is kept takes fixed steps");
  nfe_ = network_evaluations(options_, options_.saves > 0 ? options_.save[options_.saves - 1] : 0);
  return {};
}

int64_t KeptSolve::bytes() const {
  if (!room_) return 0;
  const int64_t tiles = (options_.stages + 3) * options_.n * round_up(network_->dimension(), kLanes);  // the stages of a step, its state, input and rows
  return (room_->field.floats() + tiles) * static_cast<int64_t>(sizeof(float));
}

Status KeptSolve::take(const FewRows& rows) {
  const int64_t c = network_->condition_width();
  const bool other = c > 0 && std::memcmp(condition_.data(), rows.condition, static_cast<size_t>(c) * sizeof(float)) != 0;
  if (other) std::memcpy(condition_.data(), rows.condition, static_cast<size_t>(c) * sizeof(float));
  options_.first_row = rows.first_row;
  options_.seed = rows.seed;
  options_.initial = rows.initial;
  if (room_ && rows.n == options_.n) {
    if (other) room_->field.condition_changed();
    return {};
  }
  room_.reset(new (std::nothrow) Room);
  if (!room_) return out_of_memory();
  options_.n = rows.n;
  const int32_t tile = static_cast<int32_t>(rows.n);
  Status status = room_->field.init(network_->data(), options_, tile, 1, true);
  if (status.ok()) status = room_->runners.init(options_, network_->dimension(), tile, 1);
  if (!status.ok()) room_.reset();
  return status;
}

Status KeptSolve::run(const FewRows& rows, float* x, int64_t* nonfinite_row) {
  *nonfinite_row = -1;
  if (rows.n < 0 || rows.n > kFewRows || rows.first_row < 0 || rows.first_row > (int64_t{1} << 53) - rows.n)
    return fail(Code::kArgument, "a kept solve takes up to 16 rows of [0, 2^53)");
  if ((rows.condition == nullptr) != (network_->condition_width() == 0))
    return fail(Code::kArgument, "a condition must be given exactly when the network has one");
  if (rows.n == 0) return {};
  FLOW_TRY(take(rows));
  FixedSteps solve(options_, nullptr, network_->dimension(), static_cast<int32_t>(rows.n), room_->field.stage_field(), &room_->field, room_->runners, x);
  solve.run_tile(0, 0);
  *nonfinite_row = solve.sink.nonfinite_row();
  return {};
}

}  // namespace flow
