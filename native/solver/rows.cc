#include "solver/rows.h"

#include <cstring>

#include "rng/streams.h"

namespace flow {

void start_rows(const SampleOptions& o, int64_t first, int32_t rows, int32_t d, float* z) {
  const int64_t count = int64_t{rows} * d;
  if (o.initial == nullptr) {
    sample_noise(o.seed, o.first_row + first, rows, d, z);
    if (o.source_scale != 1) {
      const float s = static_cast<float>(o.source_scale);
      for (int64_t i = 0; i < count; ++i) z[i] *= s;
    }
    return;
  }
  std::memcpy(z, o.initial + first * d, static_cast<size_t>(count) * sizeof(float));
  if (o.normalise_initial && o.shift != nullptr)
    for (int32_t r = 0; r < rows; ++r)
      for (int32_t c = 0; c < d; ++c) z[int64_t{r} * d + c] = (z[int64_t{r} * d + c] - o.shift[c]) / o.scale[c];
}

void RowSink::finish(int64_t save, int64_t row) {
  float* out = at(save, row);
  bool good = true;
  if (options_.shift != nullptr)
    for (int32_t c = 0; c < dimension_; ++c) out[c] = options_.scale[c] * out[c] + options_.shift[c];
  for (int32_t c = 0; c < dimension_; ++c) good = good && out[c] - out[c] == 0;
  if (!good) bad_.name(row);
}

}  // namespace flow
