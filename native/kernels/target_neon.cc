// AArch64: 4 lanes, 32 registers, fma.
#include <arm_neon.h>

#include "kernels/kernels.h"
#include "kernels/philox.h"

#define FLOW_LANES 4
#define FLOW_NEON
namespace flow {
namespace neon {
#include "kernels/all-inl.h"
extern const Kernels kTable;
const Kernels kTable = FLOW_TABLE("neon");
}  // namespace neon
}  // namespace flow
