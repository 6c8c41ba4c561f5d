#include "rng/streams.h"

namespace flow {

void sample_noise(uint64_t seed, int64_t first_row, int64_t rows, int32_t columns, float* y) {
  constexpr int64_t kChunk = 1 << 16;  // rows of a kernel call are 32-bit
  for (int64_t done = 0; done < rows; done += kChunk) {
    const int32_t count = static_cast<int32_t>(rows - done < kChunk ? rows - done : kChunk);
    kernels().random_normal(philox_key(seed), static_cast<uint32_t>(Stream::kSample), static_cast<uint64_t>(first_row + done), count, columns,
                            y + done * columns, columns);
  }
}

}  // namespace flow
