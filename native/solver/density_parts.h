// What log-densities with fixed steps and with error control share: the seeds of a row, the mean over its estimates, and the value that comes of them.
#pragma once
#include "solver/density.h"
#include "solver/runners.h"

namespace flow {

struct NetworkData;

// Columns that count.
inline int32_t counted(const DensityOptions& o, int32_t dimension) { return o.columns != nullptr ? o.column_count : dimension; }
// Matrix `index` of rows [first, first + rows): signs of a probe, zero where a column does not count; without probes the unit vector of column `index` of
// those that do. Row-major (rows, d).
void fill_seeds(const DensityOptions& o, int32_t dimension, int64_t first, int32_t rows, int64_t index, float* z);

// Of one row, one estimate after another, so that the sums are the same however many are made at a time.
struct Estimates {
  double mean = 0, squares = 0;  // squares: of the deviations; the first is a plain sum for the traces of unit vectors
  void add(double estimate, int64_t index, bool units) {
    const double delta = estimate - mean;
    mean += units ? estimate : delta / static_cast<double>(index + 1);
    if (!units) squares += delta * (estimate - mean);
  }
};

struct DensitySink {
  const DensityOptions& options;
  int32_t dimension;
  double *log_density, *error;
  FirstRow bad;  // whose value is not finite
  DensitySink(const DensityOptions& o, int32_t d, double* l, double* e) : options(o), dimension(d), log_density(l), error(e) {}
  // z: where the row came from, (d).
  void finish(int64_t row, const float* z, const Estimates& estimates);
};

// log_density() with error control; everything has been checked. `capacity`: rows of a tile.
Status density_rows(const NetworkData& network, const DensityOptions& options, int32_t capacity, const StopFlag* stop, double* log_density, double* error,
                    SampleReport* report);

}  // namespace flow
