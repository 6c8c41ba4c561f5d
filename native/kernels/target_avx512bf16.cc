// x86-64-v4 with AVX512_BF16: one instruction for two products, 16 lanes. Narrow kernels only.
// g++ 12 warns of the deliberately undefined operands inside its own intrinsics.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include "kernels/narrow.h"

#define FLOW_LANES 16
#define FLOW_DOT
namespace flow {
namespace avx512bf16 {
// clang-format off: the order matters
#include "kernels/simd.h"
#include "kernels/math-inl.h"
#include "kernels/narrow-inl.h"
// clang-format on
extern const NarrowKernels kNarrow;
const NarrowKernels kNarrow = FLOW_NARROW_TABLE("avx512bf16", false);
}  // namespace avx512bf16
}  // namespace flow
