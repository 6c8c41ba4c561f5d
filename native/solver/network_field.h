// A network as a field v(t, x), with an optional frame around it and optional guidance inside:
//   v = b x + c net(tau, a x),   net = (1 - w) net_null + w net_given,   w = scale for t in [from, to], else 1.
// Both halves of a guided tile read the same a x; a half whose weight is 0 is not evaluated. Source of guidance: arXiv 2207.12598, of its interval: 2404.07724.
#pragma once
#include "solver/branch.h"
#include "solver/integrate.h"
#include "solver/runge_kutta.h"

namespace flow {

class NetworkField {
 public:
  // One per solve; `capacity` rows per tile, `slots` runners. `keep`: for many solves that differ in their rows alone (see BranchOptions).
  Status init(const NetworkData& network, const SampleOptions& options, int32_t capacity, int32_t slots, bool keep = false);
  // Between solves: the one row that options.condition points at has changed.
  void condition_changed() { given_.condition_changed(); }
  StageField stage_field();
  int64_t floats() const { return tiles_.size() + times_.size() + weights_.size() + given_.floats() + null_.floats(); }  // of its memory, about
  // Before a tile's first stage.
  void begin(int32_t slot, int64_t first_row, int32_t rows);
  // `tangents`: of a program that traces, what divergence() reads.
  void evaluate(int32_t slot, int64_t stage, Blocked x, Blocked v, bool tangents = false);

  // Columns of what the tangents of a stage give: 1, or the copies of given seeds (then seed_copies() > 0).
  int32_t seed_copies() const { return given_.seed_copies(); }
  // Given seeds (rows, d) row-major, after begin(): matrix `copy` of the tile; then prepare(), once per tile.
  void seed(int32_t slot, int32_t copy, int32_t rows, const float* signs);
  void prepare(int32_t slot, int32_t rows);
  // to[c stride + r] += weight * (c a trace + b length) of the last evaluate(): div v (length d), or s^T J s for seeds of squared length `length`.
  void divergence(int32_t slot, int64_t stage, int32_t rows, double weight, int32_t length, double* to, int64_t stride) const;

 private:
  float* room(int32_t slot, int32_t which) { return tiles_.data() + (int64_t{slot} * 3 + which) * size_; }

  const SampleOptions* options_ = nullptr;
  int32_t capacity_ = 0, dimension_ = 0;
  int64_t size_ = 0;  // floats of one tile
  bool guided_ = false;
  Buffer<float> times_;    // tau of every stage
  Buffer<float> weights_;  // w of every stage, when guided
  Buffer<float> tiles_;    // per runner: a x, b x, and the null half
  Branch given_, null_;
};

// Network evaluations per row of the first `steps` steps: a guided stage takes two.
int64_t network_evaluations(const SampleOptions& options, int64_t steps);

}  // namespace flow
