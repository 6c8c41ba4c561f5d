// The shipped addon once more, with AMX as its bfloat16 kernels wherever AVX512_BF16 is there: the machine's own tiles, or emulated ones. For tests of the
// whole engine; FLOWMATCH_AMX_REPORT=1 prints the instructions emulated when the process ends.
#include <cstdio>
#include <cstdlib>

#include "../addon/amx_emulator.h"
#include "core/cpu.h"

namespace flow_test {
namespace {

void report() {
  std::fprintf(stderr, "amx %s dot %lld faults %lld %s\n", flow::amx_granted() ? "real" : "emulated", static_cast<long long>(amx_count(kTileDot)),
               static_cast<long long>(amx_faults()), amx_first_fault());
}

__attribute__((constructor)) void start() {
  if (flow::cpu().avx512bf16 && !flow::amx_granted()) emulate_amx();
  if (std::getenv("FLOWMATCH_AMX_REPORT")) std::atexit(report);
}

}  // namespace
}  // namespace flow_test
