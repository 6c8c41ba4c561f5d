// Which kernels this process uses: chosen once, from the CPU's features or by name through FLOWMATCH_ISA. There is no silent second best for a name.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/cpu.h"
#include "kernels/kernels.h"

namespace flow {

// Defined in target_<isa>.cc.
#if defined(__x86_64__)
namespace baseline {
extern const Kernels kTable;
}
namespace avx2 {
extern const Kernels kTable;
}
namespace avx512 {
extern const Kernels kTable;
}
#elif defined(__aarch64__)
namespace neon {
extern const Kernels kTable;
}
#endif

int32_t available_isas(const char* names[8]) {
  int32_t n = 0;
#if defined(__x86_64__)
  if (cpu().avx512) names[n++] = "avx512";
  if (cpu().avx2) names[n++] = "avx2";
  if (cpu().v2) names[n++] = "baseline";
#elif defined(__aarch64__)
  if (cpu().neon) names[n++] = "neon";
#endif
  names[n++] = "reference";
  return n;
}

const Kernels* kernels_for(const char* isa) {
  const char* names[8];
  const int32_t n = available_isas(names);
  for (int32_t i = 0; i < n; i++) {
    if (std::strcmp(names[i], isa) != 0) continue;
#if defined(__x86_64__)
    if (std::strcmp(isa, "avx512") == 0) return &avx512::kTable;
    if (std::strcmp(isa, "avx2") == 0) return &avx2::kTable;
    if (std::strcmp(isa, "baseline") == 0) return &baseline::kTable;
#elif defined(__aarch64__)
    if (std::strcmp(isa, "neon") == 0) return &neon::kTable;
#endif
    return &reference_kernels();
  }
  return nullptr;
}

namespace {

struct Choice {
  const Kernels* kernels;
  char error[256];
};

Choice choose() {
  Choice choice{};
  const char* names[8];
  const int32_t n = available_isas(names);
  choice.kernels = kernels_for(names[0]);
  const char* wanted = std::getenv("FLOWMATCH_ISA");
  if (!wanted || !*wanted) return choice;
  if (const Kernels* named = kernels_for(wanted)) {
    choice.kernels = named;
    return choice;
  }
  char list[96] = "";
  for (int32_t i = 0; i < n; i++) {
    if (i) std::strcat(list, ", ");
    std::strcat(list, names[i]);
  }
  std::snprintf(choice.error, sizeof choice.error, "FLOWMATCH_ISA is '%.40s', which this machine or build cannot run; available: %s", wanted, list);
  return choice;
}

const Choice& choice() {
  static const Choice made = choose();
  return made;
}

}  // namespace

const Kernels& kernels() { return *choice().kernels; }
const char* kernels_error() { return choice().error[0] ? choice().error : nullptr; }

}  // namespace flow
