// AArch64: 4 lanes, 32 registers, fma.
#include <arm_neon.h>

#include "kernels/kernels.h"
#include "kernels/narrow.h"
#include "kernels/philox.h"

#define FLOW_LANES 4
#define FLOW_NEON
namespace flow {
namespace neon {
#include "kernels/all-inl.h"
extern const Kernels kTable;
const Kernels kTable = FLOW_TABLE("neon");
extern const NarrowKernels kNarrow;
const NarrowKernels kNarrow = FLOW_NARROW_TABLE("fallback", false);
}  // namespace neon
}  // namespace flow
