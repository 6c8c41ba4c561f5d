// Rows of float32, row-major, appended in chunks; every value finite. While a Trainer holds it (pinned) it cannot change.
#pragma once
#include <atomic>
#include <cstdint>

#include "core/buffer.h"
#include "core/status.h"
#include "core/stop.h"

namespace flow {

class Dataset {
 public:
  explicit Dataset(int32_t columns) : columns_(columns) {}  // columns >= 1 is the caller's duty
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  int32_t columns() const { return columns_; }
  int64_t rows() const { return rows_; }
  const float* data() const { return data_.data(); }
  const float* row(int64_t r) const { return data_.data() + r * columns_; }

  // `rows` whole rows. kNonfinite names the row (counted within this chunk) and column; then nothing was appended.
  Status append(const float* values, int64_t rows);
  // Means and population standard deviations (columns), in double, over the named rows (all when `which` is null). kArgument: index = the bad entry.
  Status moments(const uint32_t* which, int64_t count, const StopFlag* stop, double* mean, double* std) const;
  // In place: z = (x - shift) / scale; scale must be finite and not 0, index = the bad column. `mapped` is the number of rows
  // done: 0 when stopped while it looks, all when the stop came too late; anything between is a mixture of no use, and the caller must clear().
  Status normalise(const float* shift, const float* scale, const StopFlag* stop, int64_t* mapped);
  // SHA-256 in hex of columns and rows (int64 little-endian each) and the bytes as they stand. False when stopped: `text` was not written.
  bool hash(const StopFlag* stop, char text[65]) const;
  // Forgets all rows.
  void clear() { rows_ = 0; }
  // A copy of rows [first, first + count).
  Status read(int64_t first, int64_t count, float* out) const;

  void pin() { pins_.fetch_add(1, std::memory_order_relaxed); }
  void unpin() { pins_.fetch_sub(1, std::memory_order_relaxed); }
  bool pinned() const { return pins_.load(std::memory_order_relaxed) > 0; }

 private:
  int32_t columns_;
  int64_t rows_ = 0;
  Buffer<float> data_;
  std::atomic<int32_t> pins_{0};
};

}  // namespace flow
