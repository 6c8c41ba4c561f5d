#include "core/buffer.h"

#include <cstdlib>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace flow {

namespace {
constexpr int64_t kAlign = 64;
constexpr int64_t kHuge = int64_t{2} << 20;
}  // namespace

void* allocate_bytes(int64_t bytes) {
  if (bytes < 0 || bytes > (int64_t{1} << 62)) return nullptr;
  const bool huge = bytes >= kHuge;
  const int64_t size = round_up(bytes > 0 ? bytes : 1, huge ? kHuge : kAlign);
#if defined(_WIN32)
  void* p = _aligned_malloc(static_cast<size_t>(size), kAlign);
#else
  void* p = nullptr;
  if (posix_memalign(&p, static_cast<size_t>(huge ? kHuge : kAlign), static_cast<size_t>(size)) != 0) p = nullptr;
#endif
  if (p == nullptr) return nullptr;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (huge) madvise(p, static_cast<size_t>(size), MADV_HUGEPAGE);  // advice: failure does not matter
#endif
  std::memset(p, 0, static_cast<size_t>(size));
  return p;
}

void free_bytes(void* p) {
#if defined(_WIN32)
  _aligned_free(p);
#else
  std::free(p);
#endif
}

}  // namespace flow
