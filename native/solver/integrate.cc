#include "solver/integrate.h"

#include "core/pool.h"
#include "network/network.h"
#include "solver/fixed_steps.h"
#include "solver/solve_rows.h"

namespace flow {

namespace {

bool finite(double x) { return x - x == 0; }

constexpr int64_t kMostNoisySteps = int64_t{1} << 24;  // a step's number and the stream share a word

Status check(const AdaptiveOptions& a) {
  const bool fits = finite(a.rtol) && finite(a.atol) && finite(a.min_step) && a.rtol >= 0 && a.atol > 0 && a.min_step >= 0;
  if (!fits || a.max_steps < 1 || a.error_order < 1 || a.error_order > 63 || a.dense_degree < 1 || a.dense_degree > 64)
    return fail(Code::kArgument, "the step control is out of range");
  return {};
}

}  // namespace

Status check_solve(const SampleOptions& o, int32_t d) {
  if (o.n < 0 || o.first_row < 0 || o.n > (int64_t{1} << 53) - o.first_row) return fail(Code::kArgument, "rows must lie in [0, 2^53)");
  if (o.stages < 1 || o.stages > 64) return fail(Code::kArgument, "a tableau must have 1 to 64 stages");
  for (int32_t i = 0; i < o.stages; ++i) {
    if (!finite(o.b[i]) || !finite(o.c[i])) return fail(Code::kArgument, "the tableau must be finite", i);
    for (int32_t j = 0; j < i; ++j)
      if (!finite(o.a[i * o.stages + j])) return fail(Code::kArgument, "the tableau must be finite", i, j);
  }
  if (o.steps < 0 || o.steps > (int64_t{1} << 31)) return fail(Code::kArgument, "the number of steps is out of range");
  for (int64_t k = 0; k <= o.steps; ++k) {
    if (!finite(o.grid[k])) return fail(Code::kArgument, "the grid must be finite", k);
    const bool up = o.grid[o.steps] >= o.grid[0];
    if (k > 0 && (up ? o.grid[k] < o.grid[k - 1] : o.grid[k] > o.grid[k - 1])) return fail(Code::kArgument, "the grid must be monotone", k);
  }
  for (int64_t i = 0; i < o.saves; ++i)
    if (o.save[i] < 0 || o.save[i] > o.steps || (i > 0 && o.save[i] <= o.save[i - 1]))
      return fail(Code::kArgument, "save must hold ascending indices into the grid", i);
  if (o.noise != nullptr && o.steps > kMostNoisySteps) return fail(Code::kArgument, "a solve with noise has too many steps");
  for (int64_t k = 0; o.noise != nullptr && k < o.steps; ++k)
    if (!finite(o.noise[k]) || o.noise[k] < 0) return fail(Code::kArgument, "the noise must be finite and not negative", k);
  const GuidanceOptions& g = o.guidance;
  if (!finite(g.scale) || !finite(g.from) || !finite(g.to)) return fail(Code::kArgument, "guidance must be finite");
  if (o.adaptive != nullptr) FLOW_TRY(check(*o.adaptive));
  if ((o.shift == nullptr) != (o.scale == nullptr)) return fail(Code::kArgument, "shift and scale come together");
  if (checked_product(o.saves, checked_product(o.n, d, sizeof(float))) < 0) return out_of_memory();
  return {};
}

namespace {

// Tiles of equal size, at most `most` rows, enough of them for every thread; a multiple of the kernels' 12 rows. Bits do not depend on the choice.
int32_t choose_tile(int64_t n, int32_t threads, int32_t most) {
  int64_t tiles = (n + most - 1) / most;
  if (tiles < threads && n >= int64_t{threads} * 12) tiles = threads;
  const int64_t rows = round_up((n + tiles - 1) / tiles, 12);
  return static_cast<int32_t>(rows < n ? rows : n);
}

Status run(FixedSteps& solve, int32_t slots, SampleReport* report) {
  const SampleOptions& o = solve.options;
  FLOW_TRY(solve.runners.init(o, solve.dimension, solve.tile, slots));
  const int64_t tiles = o.n > 0 ? (o.n + solve.tile - 1) / solve.tile : 0;
  parallel_for(tiles, slots, [&](int64_t tile, int32_t slot) { solve.run_tile(tile, slot); });
  *report = {};
  const int64_t last = o.n > 0 && o.saves > 0 ? o.save[o.saves - 1] : 0;  // nothing is computed after it
  report->nfe = solve.network != nullptr ? network_evaluations(o, last) : last * o.stages;
  report->stopped = solve.interruption.seen();
  report->nonfinite_row = solve.sink.nonfinite_row();
  return {};
}

int32_t slots_for(const SampleOptions& o, int32_t tile) {
  const int64_t tiles = o.n > 0 ? (o.n + tile - 1) / tile : 1;
  const int32_t threads = resolve_threads(o.threads);
  return static_cast<int32_t>(tiles < threads ? tiles : threads);
}

}  // namespace

Status check_sample(const Network& network, const SampleOptions& options) {
  const Program& program = network.data().program;
  const int32_t c = program.condition_width;
  FLOW_TRY(check_solve(options, program.dimension));
  if (program.tangent >= 0 && !program.traces()) return fail(Code::kArgument, "a network with a derivative along given directions has no solves");
  if ((options.condition == nullptr) != (c == 0)) return fail(Code::kArgument, "a condition must be given exactly when the network has one");
  if (c == 0 && options.guidance.null_condition != nullptr) return fail(Code::kArgument, "guidance needs a network with a condition");
  if (options.adaptive != nullptr && options.noise != nullptr) return fail(Code::kArgument, "a solve with noise takes fixed steps");
  return {};
}

Status sample(const Network& network, const SampleOptions& options, const StopFlag* stop, float* x, SampleReport* report) {
  const NetworkData& data = network.data();
  const int32_t d = data.program.dimension;
  FLOW_TRY(check_sample(network, options));
  if (options.adaptive != nullptr) {
    NetworkRows rows(data, options);
    return solve_rows(rows.field(), d, tile_rows(data.program), options, stop, x, report);
  }
  const int32_t tile = options.n > 0 ? choose_tile(options.n, resolve_threads(options.threads), tile_rows(data.program)) : 1;
  const int32_t slots = slots_for(options, tile);
  NetworkField field;
  FLOW_TRY(field.init(data, options, tile, slots));
  StepRunners runners;
  FixedSteps solve(options, stop, d, tile, field.stage_field(), &field, runners, x);
  return run(solve, slots, report);
}

Status integrate(const Field& field, int32_t dimension, const SampleOptions& options, const StopFlag* stop, float* x, SampleReport* report) {
  FLOW_TRY(check_solve(options, dimension));
  if (dimension < 1) return fail(Code::kArgument, "the dimension must be at least 1");
  const int32_t tile = options.n > 0 ? choose_tile(options.n, resolve_threads(options.threads), 96) : 1;
  const int32_t slots = slots_for(options, tile);
  const StageField stage{const_cast<Field*>(&field), [](void* self, int32_t, int64_t first, int64_t s, double t, Blocked in, Blocked v) {
                           const Field& f = *static_cast<Field*>(self);
                           f.evaluate(f.self, first, s, t, in, v);
                         }};
  StepRunners runners;
  FixedSteps solve(options, stop, dimension, tile, stage, nullptr, runners, x);
  return run(solve, slots, report);
}

Status integrate_rows(const RowField& field, int32_t dimension, const SampleOptions& options, const StopFlag* stop, float* x, SampleReport* report) {
  FLOW_TRY(check_solve(options, dimension));
  if (dimension < 1) return fail(Code::kArgument, "the dimension must be at least 1");
  if (options.adaptive == nullptr) return fail(Code::kArgument, "rows at times of their own need a step control");
  return solve_rows(field, dimension, 96, options, stop, x, report);
}

}  // namespace flow
