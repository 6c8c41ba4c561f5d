// The log-density of rows under the flow: from data (t = 1) back to the source, with what the flow contracts on the way:
//   log p_1(x_1) = log p_0(x_0) + integral from 1 to 0 of div v(t, x_t) dt,   p_0 = N(0, scale^2 I)
// x by a tableau on a grid, the integral by the same weights b_i at the same stages (that is the augmented system: nothing depends on its last component),
// summed in double. The divergence is exact, or estimated by s^T J s with random signs s, the same for the whole solve of a row. Source: arXiv 1810.01367.
// With error control the integral is one more component of the state (density_rows.cc), and every row takes its own steps.
#pragma once
#include <cstdint>

#include "solver/integrate.h"

namespace flow {

struct DensityOptions {
  // n, first_row (of the probes), seed (of the probes), initial (n, d) in network coordinates, condition, tableau, grid, frame, source_scale, threads.
  SampleOptions solve;
  // Estimates per row; 0 = the network's divergence is exact. Each is a solve of its own in what it returns; those of one pass share their evaluations of v.
  int64_t probes = 0;
  // Ascending; null = all columns count. Else only these do, in the divergence and in |x_0|^2: signs are zero elsewhere, and without probes the given seeds
  // are the unit vectors of these columns (a divergence over a subspace, exact).
  const int32_t* columns = nullptr;
  int32_t column_count = 0;
  double constant = 0;  // added to every row: -d log(scale sqrt(2 pi)), less the logarithms of the normaliser's scales
  double weight = 0;    // with error control: the integral's share in the error, next to a column's 1
};

// log_density (n), standard_error (n): of the mean over the probes; NaN with one probe, 0 without. network: a program that traces (network.h); its divergence,
// or `copies` estimates of it at a time. With error control one estimate at a time (each is a solve with steps of its own), or all of the `columns`; rows that
// end early have NaN, and solve.adaptive->row_nfe the most evaluations of any of their solves.
Status log_density(const Network& network, const DensityOptions& options, const StopFlag* stop, double* log_density, double* standard_error,
                   SampleReport* report);

}  // namespace flow
