// Owned memory: 64-byte aligned, zeroed, huge pages advised for large blocks. A failed allocation is a Status, never an exception.
#pragma once
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/status.h"

namespace flow {

// 64-byte aligned zeroed bytes, or null (also for bytes < 0). Blocks of 2 MiB and more ask for huge pages.
void* allocate_bytes(int64_t bytes);
void free_bytes(void* p);

// a * b, or -1 when the product does not fit (or an operand is negative): allocate_bytes(-1) then fails cleanly.
inline int64_t checked_product(int64_t a, int64_t b) {
  int64_t r;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &r)) return -1;
  return r;
}
inline int64_t checked_product(int64_t a, int64_t b, int64_t c) { return checked_product(checked_product(a, b), c); }
inline int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { free_bytes(data_); }

  // n zeroed elements; the old contents are gone.
  Status allocate(int64_t n) {
    free_bytes(std::exchange(data_, nullptr));
    size_ = 0;
    void* p = allocate_bytes(checked_product(n, sizeof(T)));
    if (p == nullptr) return out_of_memory();
    data_ = static_cast<T*>(p);
    size_ = n;
    return {};
  }
  Status copy(const T* from, int64_t n) {
    FLOW_TRY(allocate(n));
    if (n > 0) std::memcpy(data_, from, static_cast<size_t>(n) * sizeof(T));
    return {};
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data_[i]; }
  const T& operator[](int64_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  T* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace flow
