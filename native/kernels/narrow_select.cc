// Which narrow kernels go with the chosen table: the best that CPU and system allow, or the one that FLOWMATCH_BF16 names.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "core/cpu.h"
#include "kernels/narrow.h"

namespace flow {

#if defined(__x86_64__)
namespace baseline {
extern const NarrowKernels kNarrow;
}
namespace avx2 {
extern const NarrowKernels kNarrow;
}
namespace avx512 {
extern const NarrowKernels kNarrow;
}
namespace avx512bf16 {
extern const NarrowKernels kNarrow;
}
namespace amx {
extern const NarrowKernels kNarrow;
}
#elif defined(__aarch64__)
namespace neon {
extern const NarrowKernels kNarrow;
}
#endif
const NarrowKernels& reference_narrow();

namespace {

[[maybe_unused]] bool has_amx() {
#if defined(FLOW_EMULATED_AMX)  // a test build whose signal handler executes the instructions
  // not on a CPU that has tiles and refuses them
  return !cpu().amx || amx_granted();
#else
  return amx_granted();
#endif
}

const NarrowKernels& fallback_for(const char* isa) {
#if defined(__x86_64__)
  if (std::strcmp(isa, "avx512") == 0) return avx512::kNarrow;
  if (std::strcmp(isa, "avx2") == 0) return avx2::kNarrow;
  if (std::strcmp(isa, "baseline") == 0) return baseline::kNarrow;
#elif defined(__aarch64__)
  if (std::strcmp(isa, "neon") == 0) return neon::kNarrow;
#endif
  return reference_narrow();
}

struct Choice {
  const NarrowKernels* kernels;
  char error[256];
};

Choice choose() {
  Choice choice{};
  const char* isa = kernels().isa;
  const char* wanted = std::getenv("FLOWMATCH_BF16");
  if (wanted && *wanted) {
    choice.kernels = narrow_kernels_for(isa, wanted);
    if (choice.kernels) return choice;
    std::snprintf(choice.error, sizeof choice.error,
                  "FLOWMATCH_BF16 is '%.40s', which this machine or build cannot run beside %s; known: amx, avx512bf16, fallback", wanted, isa);
  }
  for (const char* name : {"amx", "avx512bf16", "fallback"})
    if (!choice.kernels) choice.kernels = narrow_kernels_for(isa, name);
  return choice;
}

const Choice& choice() {
  static const Choice made = choose();
  return made;
}

}  // namespace

const NarrowKernels* narrow_kernels_for(const char* isa, const char* name) {
  if (kernels_for(isa) == nullptr) return nullptr;
  if (std::strcmp(name, "fallback") == 0) return &fallback_for(isa);
#if defined(__x86_64__)
  if (std::strcmp(isa, "avx512") != 0 || !cpu().avx512bf16) return nullptr;
  if (std::strcmp(name, "avx512bf16") == 0) return &avx512bf16::kNarrow;
  if (std::strcmp(name, "amx") == 0 && has_amx()) return &amx::kNarrow;
#endif
  return nullptr;
}

const NarrowKernels& narrow_kernels() { return *choice().kernels; }
const char* narrow_error() { return choice().error[0] ? choice().error : nullptr; }

}  // namespace flow
