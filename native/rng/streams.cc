#include "rng/streams.h"

namespace flow {

static void normals(uint64_t seed, uint32_t stream, int64_t first_row, int64_t rows, int32_t columns, float* y) {
  constexpr int64_t kChunk = 1 << 16;  // rows of a kernel call are 32-bit
  for (int64_t done = 0; done < rows; done += kChunk) {
    const int32_t count = static_cast<int32_t>(rows - done < kChunk ? rows - done : kChunk);
    kernels().random_normal(philox_key(seed), stream, static_cast<uint64_t>(first_row + done), count, columns, y + done * columns, columns);
  }
}

void sample_noise(uint64_t seed, int64_t first_row, int64_t rows, int32_t columns, float* y) {
  normals(seed, static_cast<uint32_t>(Stream::kSample), first_row, rows, columns, y);
}

void diffusion_noise(uint64_t seed, int64_t step, int64_t first_row, int64_t rows, int32_t columns, float* y) {
  normals(seed, static_cast<uint32_t>(Stream::kDiffusion) + (static_cast<uint32_t>(step) << 8), first_row, rows, columns, y);
}

void probe_signs(uint64_t seed, int64_t probe, int64_t first_row, int32_t rows, int32_t columns, float* y) {
  const uint32_t stream = static_cast<uint32_t>(Stream::kProbe) + (static_cast<uint32_t>(probe) << 8);
  kernels().random_uniform(philox_key(seed), stream, static_cast<uint64_t>(first_row), rows, columns, y, columns);
  for (int64_t i = 0; i < int64_t{rows} * columns; ++i) y[i] = y[i] < 0.5f ? -1.0f : 1.0f;
}

}  // namespace flow
