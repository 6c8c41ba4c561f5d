// x86-64-v4 with AVX512_BF16, AMX-TILE and AMX-BF16. Narrow kernels only; conversions and epilogues are the AVX-512 ones.
// g++ 12 warns of the deliberately undefined operands inside its own intrinsics.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wunused-function"  // of narrow-inl.h only the helpers are used here
#include <immintrin.h>

#include "kernels/narrow.h"

#define FLOW_LANES 16
#define FLOW_DOT
#define FLOW_AMX
namespace flow {
namespace amx {
// clang-format off: the order matters
#include "kernels/simd.h"
#include "kernels/math-inl.h"
#include "kernels/narrow-inl.h"
#include "kernels/narrow_amx-inl.h"
// clang-format on
extern const NarrowKernels kNarrow;
const NarrowKernels kNarrow = {"amx", true, tile_dense, tile_weight_grad, narrow_convert, narrow_pack};
}  // namespace amx
}  // namespace flow
