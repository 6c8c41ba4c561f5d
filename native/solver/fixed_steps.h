// A solve with fixed steps: a tile of rows from its start through every step, its states stored where they are asked for. Tiles may run at the same time.
#pragma once
#include "rng/streams.h"
#include "solver/network_field.h"
#include "solver/rows.h"

namespace flow {

struct FixedSteps {
  const SampleOptions& options;
  Interruption interruption;
  int32_t dimension, tile;  // rows of a tile
  StageField field;
  NetworkField* network;  // null for a foreign field
  StepRunners& runners;
  RowSink sink;

  FixedSteps(const SampleOptions& o, const StopFlag* stop, int32_t d, int32_t t, StageField f, NetworkField* n, StepRunners& r, float* out)
      : options(o), interruption(stop), dimension(d), tile(t), field(f), network(n), runners(r), sink(o, d, out) {}

  void run_tile(int64_t index, int32_t slot) {
    if (interruption.requested()) return;
    const int64_t first = index * tile;
    const int32_t rows = static_cast<int32_t>(options.n - first < tile ? options.n - first : tile);
    RungeKutta& runner = runners[slot];
    const Blocked state = runner.state(rows);
    float* const z = runners.rows(slot);
    start_rows(options, first, rows, dimension, z);
    kernels().to_blocked(z, dimension, state);
    if (network != nullptr) network->begin(slot, first, rows);
    int64_t saved = 0;
    for (int64_t k = 0;; ++k) {
      if (saved < options.saves && options.save[saved] == k) save(saved++, first, state);
      if (k == options.steps || saved == options.saves || interruption.requested()) return;
      const float stir = options.noise != nullptr ? static_cast<float>(options.noise[k]) : 0;
      if (stir != 0) {
        diffusion_noise(options.seed, k, options.first_row + first, rows, dimension, z);
        kernels().to_blocked(z, dimension, runner.noise(rows));
      }
      runner.step(field, slot, first, rows, k, options.grid[k], options.grid[k + 1] - options.grid[k], stir);
    }
  }

 private:
  void save(int64_t index, int64_t first, Blocked state) {
    kernels().from_blocked(state, sink.at(index, first), dimension);
    for (int32_t r = 0; r < state.rows; ++r) sink.finish(index, first + r);
  }
};

}  // namespace flow
