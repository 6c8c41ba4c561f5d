// The spans of a batch, each a pure function of (seed, step, row): r - t of rows that learn an average velocity, 0 of those that learn the velocity itself.
#include "train/batch.h"

namespace flow {

// Two times of the law in order, t before r = t + span; or, in the share of rows that learn the velocity itself, t alone.
void Batch::draw_spans(PhiloxKey key, Stream stream, uint64_t row, int32_t rows, BatchScratch& s) const {
  if (!spans_) return;
  if (levels_ > 0) return draw_shortcuts(key, stream, row, rows, s);
  kernels().random_uniform(key, static_cast<uint32_t>(stream), row, rows, 2, s.span_uniform.data(), 2);
  for (int64_t i = 0; i < rows; ++i) {
    const float t = s.t[i], other = time(s.span_uniform[2 * i + 1]);
    const bool instant = s.span_uniform[2 * i] < instant_;
    s.t[i] = instant || t < other ? t : other;
    s.span[i] = instant ? 0 : t < other ? other - t : t - other;
  }
}

// A span 1/n, n = 1, 2, 4, ... alike, from one of its multiples; or none, in the share of rows that learn the velocity itself.
void Batch::draw_shortcuts(PhiloxKey key, Stream stream, uint64_t row, int32_t rows, BatchScratch& s) const {
  kernels().random_uniform(key, static_cast<uint32_t>(stream), row, rows, 3, s.span_uniform.data(), 3);
  for (int64_t i = 0; i < rows; ++i) {
    const float* u = s.span_uniform.data() + 3 * i;
    s.span[i] = 0;
    if (u[0] < instant_) continue;
    const int32_t n = 1 << static_cast<int32_t>(static_cast<double>(u[1]) * levels_);
    s.span[i] = 1 / static_cast<float>(n);
    s.t[i] = static_cast<float>(static_cast<int32_t>(static_cast<double>(u[2]) * n)) * s.span[i];
  }
}

}  // namespace flow
