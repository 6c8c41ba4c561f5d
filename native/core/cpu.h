// What this CPU and operating system can run: CPUID feature bits and the register state the system saves (XGETBV), never model numbers.
#pragma once
#include <cstdint>

namespace flow {

// Raw register values, so that any machine can be described in a test.
struct CpuRegisters {
  uint32_t max_leaf;  // CPUID(0).eax
  uint32_t leaf1_ecx, leaf1_edx;
  uint32_t leaf7_ebx;          // subleaf 0
  uint32_t max_extended_leaf;  // CPUID(0x80000000).eax
  uint32_t extended1_ecx;      // CPUID(0x80000001).ecx
  uint64_t xcr0;               // XGETBV(0), 0 when OSXSAVE is clear
  uint32_t leaf7_edx;          // subleaf 0
  uint32_t leaf7_1_eax;        // subleaf 1, 0 where there is none
};

struct CpuFeatures {
  bool v2;          // x86-64-v2: SSE3 .. SSE4.2, POPCNT, CX16, LAHF
  bool avx2;        // x86-64-v3: AVX, AVX2, FMA, BMI1/2, F16C, LZCNT, MOVBE and saved YMM state
  bool avx512;      // x86-64-v4: F, BW, CD, DQ, VL and saved ZMM and mask state
  bool neon;        // AArch64: always
  bool avx512bf16;  // with avx512: dot products of bfloat16 pairs
  bool amx;         // with those: tiles and their bfloat16 product, and tile state that the system saves; see amx_granted()
};

CpuFeatures features_of(const CpuRegisters& registers);  // pure
CpuRegisters read_cpu();                                 // zeros where the CPU is not x86-64
const CpuFeatures& cpu();                                // of this machine, read once
bool amx_granted();                                      // cpu().amx, and the system let this process use it (Linux: asked once, for all its threads)

}  // namespace flow
