// Integration of dx/dt = v(t, x) with any explicit tableau on any monotone grid, or with error control (solve_rows.h). A row tile goes through
// the whole solve before the next.
//   k_i = v(t + c_i h, x + h sum_j a_ij k_j);   x <- x + h sum_i b_i k_i
// Row i of a seed is the same row whatever n, first_row, threads and tiles are.
#pragma once
#include <cstdint>

#include "core/status.h"
#include "core/stop.h"
#include "kernels/kernels.h"
#include "network/narrow.h"

namespace flow {

class Network;

struct GuidanceOptions {                  // net = (1 - w) net_null + w net_given, w = scale for t in [from, to], else 1
  const float* null_condition = nullptr;  // (c); null = no guidance
  double scale = 1, from = 0, to = 1;
};

// Steps chosen by error control, per row or for all rows at once. The tableau's last stage is the slope at the end of the step (c = 1, its row of `a` is b).
// The grid holds the two ends and the times to save; it does not influence the steps.
struct AdaptiveOptions {
  double rtol = 0, atol = 0, min_step = 0;
  int64_t max_steps = 1;          // tried per row, rejected ones included
  bool pi = true, batch = false;  // controller.h
  const double* error = nullptr;  // (stages): b - bHat
  int32_t error_order = 0;
  const double* dense = nullptr;  // (stages, dense_degree): b_i(theta) = sum_p dense[i][p] theta^(p + 1)
  int32_t dense_degree = 0;
  const double* closing = nullptr;  // [x, v]: the last interval of the grid is the step x <- closing[0] x + closing[1] v at its start
  // The frame (see SampleOptions) as a function of t: a cubic Hermite table on [frame_from, frame_to], `frame_nodes` >= 2 equidistant nodes of
  // [a, tau, b, c] and then the t-derivative of each; null = identity.
  const double* frame = nullptr;
  int64_t frame_nodes = 0;
  double frame_from = 0, frame_to = 1;
  int32_t silent = 0;             // columns that are not counted in the mean of the error: their scale makes theirs next to nothing
  int32_t* row_nfe = nullptr;     // (n) evaluations of each row
  uint8_t* row_status = nullptr;  // (n) RowStatus
};
enum class RowStatus : uint8_t { kDone = 0, kMaxSteps, kMinStep, kNonfinite };

struct SampleOptions {
  int64_t n = 0;
  int64_t first_row = 0;  // 0 <= first_row, first_row + n <= 2^53
  uint64_t seed = 0;
  const float* initial = nullptr;    // (n, d), or null: noise of `seed`
  bool normalise_initial = false;    // initial <- (initial - shift) / scale
  double source_scale = 1;           // drawn noise is multiplied by this
  const float* condition = nullptr;  // (n, c), or (c) where it is shared; null when c = 0
  bool shared_condition = false;     // one row for all
  GuidanceOptions guidance;
  int32_t stages = 0;
  const double* a = nullptr;      // (stages, stages) row-major, strictly lower triangle read
  const double* b = nullptr;      // (stages)
  const double* c = nullptr;      // (stages)
  int64_t steps = 0;              // K >= 0
  const double* grid = nullptr;   // K + 1 finite monotone times
  const int32_t* save = nullptr;  // `saves` ascending indices into grid
  int64_t saves = 0;
  const double* noise = nullptr;  // (K) standard deviation of what each step adds to x, and c_i of it to the input of stage i; null = none
  const double* frame = nullptr;  // (K * stages, 4) rows [a, tau, b, c]: v = b x + c net(tau, a x); null = identity
  const float* shift = nullptr;   // (d); both null = identity: output = shift + scale * z
  const float* scale = nullptr;
  int32_t threads = 0;                        // 0 = available_threads()
  Precision precision = Precision::kF32;      // of the network; the states and what depends on t alone stay f32
  const AdaptiveOptions* adaptive = nullptr;  // null: fixed steps from grid point to grid point
};

struct SampleReport {
  int64_t nfe = 0;             // network evaluations per row, up to the last saved state; adaptive: the most of any row
  int64_t nonfinite_row = -1;  // first row whose result is not finite
  bool stopped = false;        // then x is incomplete
};

// x (saves, n, d), the caller's memory. What a stopped run did not reach stays as it was.
Status sample(const Network& network, const SampleOptions& options, const StopFlag* stop, float* x, SampleReport* report);

// Any field: called once per stage with a tile in blocked layout. `stage` counts step * stages + i; first_row is the tile's first row in [0, n).
// Must be safe to call from several threads at once.
struct Field {
  void* self;
  void (*evaluate)(void* self, int64_t first_row, int64_t stage, double t, ConstBlocked x, Blocked v);
};
// As sample(), for a field of any origin; `condition` and `frame` are not read.
Status integrate(const Field& field, int32_t dimension, const SampleOptions& options, const StopFlag* stop, float* x, SampleReport* report);
// The same with error control (options.adaptive), for a field whose rows stand at times of their own (row_field.h).
struct RowField;
Status integrate_rows(const RowField& field, int32_t dimension, const SampleOptions& options, const StopFlag* stop, float* x, SampleReport* report);

// Whether the numbers of a request make a solve: what every solver here checks first.
Status check_solve(const SampleOptions& options, int32_t dimension);
// ... and whether they make one of this network.
Status check_sample(const Network& network, const SampleOptions& options);

}  // namespace flow
