#include "solver/density_parts.h"

#include "rng/streams.h"

namespace flow {

void fill_seeds(const DensityOptions& o, int32_t dimension, int64_t first, int32_t rows, int64_t index, float* z) {
  const int64_t d = dimension, kept = o.column_count;
  if (o.probes == 0) {
    for (int64_t i = 0; i < rows * d; ++i) z[i] = 0;
    for (int64_t r = 0; r < rows && index < kept; ++r) z[r * d + o.columns[index]] = 1;
    return;
  }
  probe_signs(o.solve.seed, index, o.solve.first_row + first, rows, dimension, z);
  for (int64_t j = 0, k = 0; j < d && o.columns != nullptr; ++j) {
    if (k < kept && o.columns[k] == j) ++k;
    else
      for (int64_t r = 0; r < rows; ++r) z[r * d + j] = 0;
  }
}

void DensitySink::finish(int64_t row, const float* z, const Estimates& estimates) {
  const double scale = options.solve.source_scale, count = static_cast<double>(options.probes);
  double square = 0;
  for (int32_t c = 0, k = 0; c < dimension; ++c) {
    const double at = z[c];
    if (options.columns == nullptr) square += at * at;
    else if (k < options.column_count && options.columns[k] == c) ++k, square += at * at;
  }
  const double value = options.constant - square / (2 * scale * scale) + estimates.mean;
  log_density[row] = value;
  error[row] = options.probes == 0 ? 0 : __builtin_sqrt(estimates.squares / (count * (count - 1)));  // 0 / 0 with one probe
  if (value - value != 0) bad.name(row);
}

}  // namespace flow
