// x86-64-v4: 16 lanes, 32 registers, fma.
// g++ 12 warns of the deliberately undefined operands inside its own intrinsics.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include "kernels/kernels.h"
#include "kernels/narrow.h"
#include "kernels/philox.h"

#define FLOW_LANES 16
namespace flow {
namespace avx512 {
#include "kernels/all-inl.h"
extern const Kernels kTable;
const Kernels kTable = FLOW_TABLE("avx512");
extern const NarrowKernels kNarrow;
const NarrowKernels kNarrow = FLOW_NARROW_TABLE("fallback", false);
}  // namespace avx512
}  // namespace flow
