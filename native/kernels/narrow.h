// Products of bfloat16 operands with f32 sums: a second, small table of kernels, chosen apart from the first. Splitting a float into parts
//   a = a1 + a2 + a3, each the bfloat16 nearest to what is left,
// gives nearly f32 products from the same kernels: 3 products of two parts (errors near 2^-16), 6 products of three (near 2^-24).
//
// Layouts, the same in every family:
//   narrow matrix (rows, cols): per part [ceil(cols/32)][capacity][32] bfloat16; lanes past `cols` are zero; capacity is a multiple of 32, and rows up to the
//     next multiple of 32 may be read (what they hold does not matter).
//   narrow panels of W (out, in): per part [ceil(out/32)][ceil(in/32)][16][32][2]: element (o, i) in pair i%32/2 of its block, lane o%32, half i%2; padding is
//     zero.
//   row groups of a matrix: [ceil(cols/32)][capacity/32][1024]: 32 rows x 32 columns as the weight gradient wants them; missing rows are zero. The right
//     operand's are [16 pairs of rows][32 columns][2]; the left operand's order is the family's own.
// All pointers are 64-byte aligned. Sums ascend over the columns; within a family their order does not depend on how many rows or panels are asked for.
#pragma once
#include "kernels/kernels.h"

namespace flow {

using Bf16 = uint16_t;
constexpr int32_t kNarrowBlock = kLanes * kLanes;  // values of a 32 x 32 block

struct NarrowMatrix {
  Bf16* data;
  int64_t block;  // values between feature blocks
  int64_t plane;  // values between parts
};
struct RowGroups {
  Bf16* data;
  int64_t block;  // values between feature blocks
  bool right;     // which operand of the weight gradient
};

// y = f(x W): z = x W + bias; r = act(z), slope = act'(z); r += add; r *= mul; then r is written wherever a pointer is given. Between a forward and a backward
// pass slopes are kept in bfloat16 (one part), half the bytes; whoever else wants them has them in f32.
struct NarrowDenseArgs {
  NarrowMatrix x;  // (rows, in)
  const Bf16* panels;
  int64_t panel_plane;
  int32_t parts;  // of x, the panels and n: 1, 2 (three products) or 3 (six)
  int32_t rows, in, out;
  const float* bias;  // padded, or null
  Activation activation;
  bool quick;                 // activations to bfloat16's accuracy (2^-11) instead of f32's
  Blocked y;                  // data may be null
  NarrowMatrix n;             // data may be null
  RowGroups groups;           // of n; data may be null
  Blocked slope;              // data may be null
  NarrowMatrix narrow_slope;  // data may be null
  Blocked add;                // data may be null
  Blocked mul;                // data may be null
  NarrowMatrix narrow_mul;    // data may be null; multiplies as well
};

// dW (+)= x^T g in f32 panels of W (out, in), db (+)= column sums of g; parts as in WeightGradArgs. With `accumulate` up to kSumBlock rows are summed from zero
// and then added, as there.
struct NarrowWeightGradArgs {
  const Bf16* x;  // left row groups
  int64_t x_block;
  const Bf16* g;  // right row groups
  int64_t g_block;
  int32_t rows, in, out;
  float* panels;
  float* bias;  // or null
  int32_t panel_begin, panel_end;
  bool accumulate;
  int32_t feature_begin = 0, feature_end = INT32_MAX;
};

struct NarrowKernels {
  const char* name;  // "amx", "avx512bf16" or "fallback"
  bool splits;       // whether two and three parts pay; otherwise the f32 kernels are used for those precisions
  void (*dense)(const NarrowDenseArgs&);
  void (*weight_grad)(const NarrowWeightGradArgs&);
  // Rows of a blocked matrix to bfloat16 in `parts`, and to row groups where groups.data is given (then the first row is the first of a group).
  void (*convert)(ConstBlocked x, int32_t parts, NarrowMatrix n, RowGroups groups);
  // One f32 output panel of W (out, in) to its place in the narrow panels of W and, where `transposed` is given (one part), of W^T.
  void (*pack)(const float* panels, int32_t out, int32_t in, int32_t panel, int32_t parts, Bf16* narrow, int64_t plane, Bf16* transposed);
};

inline int64_t narrow_panels_size(int32_t out, int32_t in) { return int64_t{(out + kLanes - 1) / kLanes} * ((in + kLanes - 1) / kLanes) * kNarrowBlock; }

const NarrowKernels& narrow_kernels();                                       // chosen once: the best for kernels(), or FLOWMATCH_BF16 (then see narrow_error)
const NarrowKernels* narrow_kernels_for(const char* isa, const char* name);  // null where this CPU, OS or build lacks it
const char* narrow_error();                                                  // null, or why FLOWMATCH_BF16 could not be obeyed

}  // namespace flow
