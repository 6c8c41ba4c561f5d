// x86-64-v3: 8 lanes, 16 registers, fma.
#include <immintrin.h>

#include "kernels/kernels.h"
#include "kernels/narrow.h"
#include "kernels/philox.h"

#define FLOW_LANES 8
namespace flow {
namespace avx2 {
#include "kernels/all-inl.h"
extern const Kernels kTable;
const Kernels kTable = FLOW_TABLE("avx2");
extern const NarrowKernels kNarrow;
const NarrowKernels kNarrow = FLOW_NARROW_TABLE("fallback", false);
}  // namespace avx2
}  // namespace flow
