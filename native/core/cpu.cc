// Bit positions: Intel SDM volume 2A, CPUID; volume 1, 13.3 (XCR0); the levels: x86-64 psABI.
#include "core/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace flow {

namespace {
constexpr bool has(uint32_t word, int bit) { return (word >> bit & 1) != 0; }
}  // namespace

CpuFeatures features_of(const CpuRegisters& r) {
  CpuFeatures f{};
  const uint32_t c = r.leaf1_ecx, b = r.max_leaf >= 7 ? r.leaf7_ebx : 0, x = r.max_extended_leaf >= 0x80000001u ? r.extended1_ecx : 0;
  if (r.max_leaf < 1) return f;
  const bool saves_ymm = has(c, 27) && (r.xcr0 & 0x6) == 0x6;   // OSXSAVE; XMM and YMM state
  const bool saves_zmm = saves_ymm && (r.xcr0 & 0xe0) == 0xe0;  // opmask, upper halves, upper 16 registers
  f.v2 = has(c, 0) && has(c, 9) && has(c, 13) && has(c, 19) && has(c, 20) && has(c, 23) && has(x, 0);
  f.avx2 = f.v2 && saves_ymm && has(c, 28) && has(c, 12) && has(c, 22) && has(c, 29) && has(b, 5) && has(b, 3) && has(b, 8) && has(x, 5);
  f.avx512 = f.avx2 && saves_zmm && has(b, 16) && has(b, 17) && has(b, 28) && has(b, 30) && has(b, 31);
  f.avx512bf16 = f.avx512 && has(r.leaf7_1_eax, 5);
  f.amx = f.avx512bf16 && has(r.leaf7_edx, 22) && has(r.leaf7_edx, 24) && (r.xcr0 & 0x60000) == 0x60000;  // AMX-BF16, AMX-TILE; tile configuration and data
  return f;
}

CpuRegisters read_cpu() {
  CpuRegisters r{};
#if defined(__x86_64__)
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  __cpuid(0, eax, ebx, ecx, edx);
  r.max_leaf = eax;
  if (r.max_leaf >= 1) {
    __cpuid(1, eax, ebx, ecx, edx);
    r.leaf1_ecx = ecx;
    r.leaf1_edx = edx;
  }
  if (r.max_leaf >= 7) {
    __cpuid_count(7, 0, eax, ebx, ecx, edx);
    r.leaf7_ebx = ebx;
    r.leaf7_edx = edx;
    if (eax >= 1) {
      __cpuid_count(7, 1, eax, ebx, ecx, edx);
      r.leaf7_1_eax = eax;
    }
  }
  __cpuid(0x80000000u, eax, ebx, ecx, edx);
  r.max_extended_leaf = eax;
  if (r.max_extended_leaf >= 0x80000001u) {
    __cpuid(0x80000001u, eax, ebx, ecx, edx);
    r.extended1_ecx = ecx;
  }
  if (has(r.leaf1_ecx, 27)) {
    uint32_t low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    r.xcr0 = static_cast<uint64_t>(high) << 32 | low;
  }
#endif
  return r;
}

const CpuFeatures& cpu() {
  static const CpuFeatures features = [] {
    CpuFeatures f = features_of(read_cpu());
#if defined(__aarch64__)
    f.neon = true;
#endif
    return f;
  }();
  return features;
}

// Linux keeps the 8 KiB of tile data away from processes that have not asked: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA), since 5.16.
bool amx_granted() {
#if defined(__x86_64__) && defined(__linux__)
  static const bool granted = cpu().amx && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
  return granted;
#else
  return false;
#endif
}

}  // namespace flow
