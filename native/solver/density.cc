#include "solver/density.h"

#include "core/pool.h"
#include "network/network.h"
#include "network/packed.h"
#include "solver/density_parts.h"
#include "solver/network_field.h"
#include "solver/runners.h"

namespace flow {

namespace {

constexpr int64_t kTileBytes = 2 << 20;        // of all values of a tile: 4 MiB lose 10 % at 16 columns and width 256, 1 MiB 4 % at width 512
constexpr int64_t kNarrowTileBytes = 8 << 20;  // of bfloat16 operands, whose products outrun the weights: fewer rows lose 20 % at width 512
constexpr int32_t kLeastRows = 24, kLeastNarrowRows = 128;
constexpr int64_t kMostProbes = 1 << 24;

// Rows that keep a tile's tangents in a few megabytes, a multiple of the kernels' 12 (of bfloat16 operands 32).
int32_t choose_tile(const NetworkData& data, const NarrowNetwork* narrow, bool shared, int64_t n, int32_t threads) {
  const Plan& plan = data.sampler(shared).rows;
  int64_t bytes = 0, most = tile_rows(data.program);
  int32_t unit = 12, least = kLeastRows;
  if (narrow == nullptr) {
    for (int32_t i = 0; i < plan.buffers; ++i) bytes += int64_t{plan.buffer_blocks[i]} * kLanes * 4;
    if (bytes * most > kTileBytes) most = kTileBytes / bytes / unit * unit;
  } else {
    unit = kLanes;
    least = kLeastNarrowRows;
    bytes = narrow->plan.row_bytes(plan);
    most = 192;
    if (bytes * most > kNarrowTileBytes) most = kNarrowTileBytes / bytes / unit * unit;
  }
  if (most < least) most = least;
  int64_t tiles = (n + most - 1) / most;
  if (tiles < threads && n >= int64_t{threads} * 12) tiles = threads;
  const int64_t rows = round_up((n + tiles - 1) / tiles, unit);
  return static_cast<int32_t>(rows < n ? rows : n);
}

struct Density {
  const DensityOptions& options;
  Interruption interruption;
  int32_t dimension, tile, copies, columns;  // copies of given seeds, 0 = none; columns of the trace
  bool units;                                // the given seeds are unit vectors, whose traces add up
  NetworkField& network;
  DensitySink sink;
  StepRunners runners;
  Buffer<double> change;        // (columns, tile) per runner: the integral of this pass
  Buffer<Estimates> estimates;  // (tile) per runner

  Density(const DensityOptions& o, const StopFlag* s, int32_t d, int32_t t, NetworkField& n, double* r, double* e)
      : options(o),
        interruption(s),
        dimension(d),
        tile(t),
        copies(n.seed_copies()),
        columns(copies > 0 ? copies : 1),
        units(copies > 0 && o.probes == 0),
        network(n),
        sink(o, d, r, e) {}

  Status init(int32_t slots) {
    FLOW_TRY(runners.init(options.solve, dimension, tile, slots));
    FLOW_TRY(change.allocate(checked_product(int64_t{slots} * tile, columns)));
    return estimates.allocate(int64_t{slots} * tile);
  }

  // One stage: v, and the weighted divergence into `change`.
  void evaluate(int32_t slot, int64_t stage, Blocked x, Blocked v) {
    const SampleOptions& o = options.solve;
    const int64_t step = stage / o.stages;
    const double weight = (o.grid[step + 1] - o.grid[step]) * o.b[stage % o.stages];
    network.evaluate(slot, stage, x, v, weight != 0);  // a stage that the step does not count needs no divergence
    if (weight == 0) return;
    const int32_t length = units ? 1 : counted(options, dimension);  // |s|^2
    network.divergence(slot, stage, x.rows, weight, length, change.data() + int64_t{slot} * tile * columns, tile);
  }

  void seeds(int32_t slot, int64_t first, int32_t rows, int64_t probe, float* z) {
    for (int32_t c = 0; c < copies; ++c) {
      fill_seeds(options, dimension, first, rows, probe + c, z);
      network.seed(slot, c, rows, z);
    }
    network.prepare(slot, rows);
  }

  // All steps of one pass; false when stopped.
  bool pass(int32_t slot, int64_t first, int32_t rows, const StageField& field) {
    const SampleOptions& o = options.solve;
    RungeKutta& runner = runners[slot];
    double* sums = change.data() + int64_t{slot} * tile * columns;
    for (int64_t i = 0; i < int64_t{tile} * columns; ++i) sums[i] = 0;
    kernels().to_blocked(o.initial + first * dimension, dimension, runner.state(rows));
    for (int64_t k = 0; k < o.steps; ++k) {
      if (interruption.requested()) return false;
      runner.step(field, slot, first, rows, k, o.grid[k], o.grid[k + 1] - o.grid[k]);
    }
    return true;
  }

  void run_tile(int64_t index, int32_t slot, const StageField& field) {
    if (interruption.requested()) return;
    const int64_t first = index * tile, most = units ? options.column_count : copies > 0 ? options.probes : 1;
    const int32_t rows = static_cast<int32_t>(options.solve.n - first < tile ? options.solve.n - first : tile);
    float* z = runners.rows(slot);
    Estimates* const of = estimates.data() + int64_t{slot} * tile;
    for (int32_t r = 0; r < rows; ++r) of[r] = {};
    network.begin(slot, first, rows);
    for (int64_t probe = 0; probe < most; probe += columns) {
      if (copies > 0) seeds(slot, first, rows, probe, z);
      if (!pass(slot, first, rows, field)) return;
      for (int32_t c = 0; c < columns && probe + c < most; ++c) {  // one estimate after another: the same sums whatever the number of copies
        const double* estimate = change.data() + (int64_t{slot} * columns + c) * tile;
        for (int32_t r = 0; r < rows; ++r) of[r].add(estimate[r], probe + c, units);
      }
    }
    kernels().from_blocked(runners[slot].state(rows), z, dimension);
    for (int32_t r = 0; r < rows; ++r) sink.finish(first + r, z + int64_t{r} * dimension, of[r]);
  }
};

}  // namespace

Status log_density(const Network& network, const DensityOptions& options, const StopFlag* stop, double* result, double* error, SampleReport* report) {
  const NetworkData& data = network.data();
  const SampleOptions& o = options.solve;
  const int32_t d = data.program.dimension, c = data.program.condition_width;
  FLOW_TRY(check_solve(o, d));
  if (o.noise != nullptr) return fail(Code::kArgument, "a density has no noise");
  if (!data.program.traces()) return fail(Code::kArgument, "the network's program has no trace");
  if (o.n > 0 && o.initial == nullptr) return fail(Code::kArgument, "rows must be given");
  if ((o.condition == nullptr) != (c == 0)) return fail(Code::kArgument, "a condition must be given exactly when the network has one");
  if (c == 0 && o.guidance.null_condition != nullptr) return fail(Code::kArgument, "guidance needs a network with a condition");
  if (!(o.source_scale > 0)) return fail(Code::kArgument, "the scale of the source must be above 0");
  const int32_t threads = resolve_threads(o.threads);
  const bool shared = c == 0 || o.shared_condition;
  const NarrowNetwork* narrow = nullptr;
  FLOW_TRY(data.narrow(shared, o.precision, &narrow));
  const int32_t tile = o.n > 0 ? choose_tile(data, narrow, shared, o.n, threads) : 1;
  if (options.probes < 0 || options.probes > kMostProbes) return fail(Code::kArgument, "the number of probes is out of range");
  const int32_t copies = data.seed_copies();
  if (options.columns != nullptr) {
    if (options.column_count < 1 || copies == 0) return fail(Code::kArgument, "columns belong to a network with given seeds");
    for (int32_t i = 0; i < options.column_count; ++i)
      if (options.columns[i] < 0 || options.columns[i] >= d || (i > 0 && options.columns[i] <= options.columns[i - 1]))
        return fail(Code::kArgument, "columns must be ascending, below the dimension", i);
  } else if ((copies > 0) != (options.probes > 0)) {
    return fail(Code::kArgument, "probes must be given exactly when the network estimates its divergence");
  }
  if (o.adaptive != nullptr) return density_rows(data, options, tile, stop, result, error, report);
  const int64_t tiles = o.n > 0 ? (o.n + tile - 1) / tile : 0;
  const int32_t slots = static_cast<int32_t>(tiles < 1 ? 1 : tiles < threads ? tiles : threads);
  NetworkField field;
  FLOW_TRY(field.init(data, o, tile, slots));
  Density density(options, stop, d, tile, field, result, error);
  FLOW_TRY(density.init(slots));
  const StageField stage{
      &density, [](void* self, int32_t slot, int64_t, int64_t s, double, Blocked x, Blocked v) { static_cast<Density*>(self)->evaluate(slot, s, x, v); }};
  parallel_for(tiles, slots, [&](int64_t index, int32_t slot) { density.run_tile(index, slot, stage); });
  *report = {};
  report->nfe = network_evaluations(o, o.steps);
  report->stopped = density.interruption.seen();
  report->nonfinite_row = density.sink.bad.row();
  return {};
}

}  // namespace flow
