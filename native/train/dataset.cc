#include "train/dataset.h"

#include "core/sha256.h"

namespace flow {

namespace {

inline bool finite(float x) { return x - x == 0; }
constexpr int64_t kCheckRows = 4096;  // rows between two looks at the stop flag

}  // namespace

Status Dataset::append(const float* values, int64_t rows) {
  if (pinned()) return fail(Code::kState, "the data is in use by a trainer");
  if (rows < 0) return fail(Code::kArgument, "rows must not be negative");
  const int64_t count = checked_product(rows, columns_);
  if (count < 0) return out_of_memory();
  for (int64_t i = 0; i < count; ++i)
    if (!finite(values[i])) return fail(Code::kNonfinite, "a value is not finite", i / columns_, i % columns_);
  const int64_t held = rows_ * columns_;
  if (held + count > data_.size()) {
    Buffer<float> larger;
    const int64_t doubled = 2 * data_.size();
    FLOW_TRY(larger.allocate(held + count > doubled ? held + count : doubled));
    if (held > 0) std::memcpy(larger.data(), data_.data(), static_cast<size_t>(held) * sizeof(float));
    data_ = std::move(larger);
  }
  if (count > 0) std::memcpy(data_.data() + held, values, static_cast<size_t>(count) * sizeof(float));
  rows_ += rows;
  return {};
}

Status Dataset::moments(const uint32_t* which, int64_t count, const StopFlag* stop, double* mean, double* std) const {
  const int64_t n = which != nullptr ? count : rows_;
  if (n < 1) return fail(Code::kState, "moments need at least one row");
  if (which != nullptr)
    for (int64_t i = 0; i < n; ++i)
      if (which[i] >= rows_) return fail(Code::kArgument, "a row index is past the last row", i);
  const auto at = [&](int64_t i) { return row(which != nullptr ? which[i] : i); };
  const auto stopped = [&](int64_t i) { return i % kCheckRows == 0 && stop != nullptr && stop->requested(); };
  std::memset(mean, 0, static_cast<size_t>(columns_) * sizeof(double));
  std::memset(std, 0, static_cast<size_t>(columns_) * sizeof(double));
  for (int64_t i = 0; i < n; ++i) {
    if (stopped(i)) return {};
    for (int32_t c = 0; c < columns_; ++c) mean[c] += at(i)[c];
  }
  for (int32_t c = 0; c < columns_; ++c) mean[c] /= static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) {  // a second pass: no cancellation
    if (stopped(i)) return {};
    for (int32_t c = 0; c < columns_; ++c) {
      const double d = at(i)[c] - mean[c];
      std[c] += d * d;
    }
  }
  for (int32_t c = 0; c < columns_; ++c) std[c] = __builtin_sqrt(std[c] / static_cast<double>(n));
  return {};
}

Status Dataset::normalise(const float* shift, const float* scale, const StopFlag* stop, int64_t* mapped) {
  *mapped = 0;
  const auto stopped = [&](int64_t r) { return r % kCheckRows == 0 && stop != nullptr && stop->requested(); };
  if (pinned()) return fail(Code::kState, "the data is in use by a trainer");
  for (int32_t c = 0; c < columns_; ++c)
    if (!finite(shift[c]) || !finite(scale[c]) || scale[c] == 0) return fail(Code::kArgument, "shift must be finite and scale finite and not 0", c);
  // Values may overflow: look first, so that a failed call changes nothing.
  for (int64_t r = 0; r < rows_; ++r) {
    if (stopped(r)) return {};
    for (int32_t c = 0; c < columns_; ++c)
      if (!finite((row(r)[c] - shift[c]) / scale[c])) return fail(Code::kNonfinite, "a normalised value is not finite", r, c);
  }
  for (int64_t r = 0; r < rows_; ++r) {
    if (stopped(r)) {
      *mapped = r;
      return {};
    }
    float* z = data_.data() + r * columns_;
    for (int32_t c = 0; c < columns_; ++c) z[c] = (z[c] - shift[c]) / scale[c];
  }
  *mapped = rows_;
  return {};
}

bool Dataset::hash(const StopFlag* stop, char text[65]) const {
  Sha256 sha;
  uint8_t head[16];
  const int64_t sizes[2] = {columns_, rows_};
  for (int i = 0; i < 16; ++i) head[i] = static_cast<uint8_t>(static_cast<uint64_t>(sizes[i / 8]) >> (8 * (i % 8)));
  sha.update(head, 16);
  for (int64_t r = 0; r < rows_; r += kCheckRows) {
    if (stop != nullptr && stop->requested()) return false;
    const int64_t rows = rows_ - r < kCheckRows ? rows_ - r : kCheckRows;
    sha.update(row(r), rows * columns_ * static_cast<int64_t>(sizeof(float)));
  }
  uint8_t digest[32];
  sha.finish(digest);
  hex_digest(digest, text);
  return true;
}

Status Dataset::read(int64_t first, int64_t count, float* out) const {
  if (first < 0 || count < 0 || first > rows_ - count) return fail(Code::kArgument, "rows out of range", first);
  if (count > 0) std::memcpy(out, row(first), static_cast<size_t>(count * columns_) * sizeof(float));
  return {};
}

}  // namespace flow
