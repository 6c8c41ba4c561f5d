// Test buffers whose end touches a page that must not be touched, with canaries in front: reading or writing past the end is a crash, writing before it is
// seen.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "kernels/kernels.h"

namespace flow_test {

struct Random {  // xorshift64*, for test values only
  uint64_t state;
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15ull + 1) {}
  uint64_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Dull;
  }
  int below(int n) { return static_cast<int>(next() >> 33) % n; }
  float value() {  // about [-2, 2], mixed magnitudes
    const float x = static_cast<float>(static_cast<int32_t>(next() >> 32)) * 0x1p-30f;
    return below(8) == 0 ? x * 0x1p-12f : x;
  }
};

class Guarded {
 public:
  explicit Guarded(int64_t floats) : count_(floats) {
    // FLOWMATCH_TEST_SLACK=1 for qemu 7.2, which reads 16 bytes for the 4-byte operand of a scalar fma.
    const int64_t page = sysconf(_SC_PAGESIZE), slack = getenv("FLOWMATCH_TEST_SLACK") ? 64 : 0, bytes = floats * 4 + slack,
                  body = (bytes + page - 1) / page * page + page;
    size_ = body + page;
    base_ = static_cast<char*>(mmap(nullptr, static_cast<size_t>(size_), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) abort();
    mprotect(base_ + body, static_cast<size_t>(page), PROT_NONE);
    data_ = reinterpret_cast<float*>(base_ + body - bytes);
    memset(base_, 0x5a, static_cast<size_t>(body));
  }
  Guarded(Guarded&& o) noexcept : base_(std::exchange(o.base_, nullptr)), data_(o.data_), size_(o.size_), count_(o.count_) {}
  Guarded& operator=(Guarded&&) = delete;
  ~Guarded() {
    if (base_) munmap(base_, static_cast<size_t>(size_));
  }
  float* data() const { return data_; }
  int64_t count() const { return count_; }
  bool intact() const {  // nothing in front was written
    for (const char* p = base_; p < reinterpret_cast<const char*>(data_); p++)
      if (*p != 0x5a) return false;
    return true;
  }
  void fill(Random& random) const {
    for (int64_t i = 0; i < count_; i++) data_[i] = random.value();
  }
  void copy(const Guarded& from) const { memcpy(data_, from.data_, static_cast<size_t>(count_) * 4); }

 private:
  char* base_;
  float* data_;
  int64_t size_, count_;
};

// A blocked matrix (rows, cols) with `capacity` rows per block; the last block ends after the last row in use.
struct Matrix {
  int rows, cols;
  int64_t block;
  Guarded buffer;
  Matrix(int rows_, int cols_, int capacity)
      : rows(rows_),
        cols(cols_),
        block(static_cast<int64_t>(capacity) * 32),
        buffer(cols_ == 0 || rows_ == 0 ? 0 : static_cast<int64_t>((cols_ + 31) / 32 - 1) * capacity * 32 + rows_ * 32) {}
  float& at(int r, int c) const { return buffer.data()[c / 32 * block + r * 32 + c % 32]; }
  void fill(Random& random) const {
    buffer.fill(random);
    for (int r = 0; r < rows; r++)
      for (int c = cols; c < (cols + 31) / 32 * 32; c++) at(r, c) = 0.0f;
  }
  operator flow::Blocked() const { return {buffer.data(), block, rows, cols}; }
  operator flow::ConstBlocked() const { return {buffer.data(), block, rows, cols}; }
};

inline bool same(float a, float b) { return (a != a && b != b) || memcmp(&a, &b, 4) == 0; }

}  // namespace flow_test
