// Where rows come from and where they go: the start of a solve, and its results in the caller's coordinates.
#pragma once
#include "solver/runners.h"

namespace flow {

// Rows [first, first + rows) of the start, row-major (rows, d): noise of the seed, or the caller's rows.
void start_rows(const SampleOptions& options, int64_t first, int32_t rows, int32_t d, float* z);

// Stores the results of one solve, x (saves, n, d), and remembers the first row that is not finite.
class RowSink {
 public:
  RowSink(const SampleOptions& options, int32_t d, float* x) : options_(options), dimension_(d), x_(x) {}
  float* at(int64_t save, int64_t row) const { return x_ + (save * options_.n + row) * dimension_; }
  // Maps the row that stands at `at(save, row)` in network coordinates, in place.
  void finish(int64_t save, int64_t row);
  int64_t nonfinite_row() const { return bad_.row(); }

 private:
  const SampleOptions& options_;
  int32_t dimension_;
  float* x_;
  FirstRow bad_;
};

}  // namespace flow
