// x86-64-v2: 4 lanes, 16 registers, no fma: the only target whose bits differ.
#include <immintrin.h>

#include "kernels/kernels.h"
#include "kernels/narrow.h"
#include "kernels/philox.h"

#define FLOW_LANES 4
namespace flow {
namespace baseline {
#include "kernels/all-inl.h"
extern const Kernels kTable;
const Kernels kTable = FLOW_TABLE("baseline");
extern const NarrowKernels kNarrow;
const NarrowKernels kNarrow = FLOW_NARROW_TABLE("fallback", false);
}  // namespace baseline
}  // namespace flow
