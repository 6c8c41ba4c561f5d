// The bfloat16 side of a pass: which values also exist as narrow matrices, which as row groups, and the narrow weights of its dense ops.
// Only dense ops and the tangents of dense ops work on them; every other op reads and writes f32, and what it hands to a dense op is converted once.
#pragma once
#include "kernels/narrow.h"
#include "network/plan.h"

namespace flow {

// Arithmetic of the network. f32-amx and bf16x3 are products of bfloat16 parts where tiles make those fast, otherwise they are f32 itself.
enum class Precision : int32_t { kF32 = 0, kF32Amx, kBf16x3, kBf16 };
int32_t parts_of(Precision precision);  // here; 0 = the f32 kernels

struct NarrowPlan {
  int32_t parts = 0;
  struct Value {
    bool narrow;         // a dense op reads it
    bool wide;           // someone reads it in f32
    bool groups;         // a weight gradient reads it
    bool gradient;       // its gradient is the input of a dense op's backward
    bool gradient_made;  // ... and the last contribution writes it narrow; otherwise it is converted
    bool gradient_wide;  // the gradient is read in f32
  };
  struct Buffer {  // what lives in each of the plan's buffers
    bool narrow, groups;
    bool slope;  // and nothing in f32
    bool wide;   // someone reads it in f32
  };
  struct Dense {
    int64_t weight, transposed;  // per op: offset in the narrow weights, -1 = none; a tangent shares its layer's
    bool owner;                  // of its weight: it is packed for this op
    bool completes;              // its contribution to its input's gradient is the last
    bool narrow_slope;           // its activation's slope is kept in bfloat16: a dense op multiplies it into the gradient
  };
  flow::Buffer<Value> values;
  flow::Buffer<Buffer> buffers;
  flow::Buffer<Dense> ops;
  int64_t weight_count = 0, transposed_count = 0;  // of one part

  Status build(const Program& program, const Plan& plan, int32_t parts);
  // Bytes that a row takes in a forward pass.
  int64_t row_bytes(const Plan& plan) const;

 private:
  void place_weight(const Program& program, int32_t o);
};

// The derivative of a dense layer: a product like the layer's own, or columns of its weight.
inline bool dense_tangent(const Op& op) { return op.kind == OpKind::kTangent && op.source == OpKind::kDense; }

// The narrow panels of all dense weights, `parts` planes of plan.weight_count; with one part also those of the transposes, where wanted.
void pack_narrow(const Program& program, const NarrowPlan& plan, const float* parameters, Bf16* weights, Bf16* transposed = nullptr);
// One output panel of one op's weight.
void pack_narrow_panel(const Program& program, const NarrowPlan& plan, int32_t o, int32_t panel, const float* parameters, Bf16* weights, Bf16* transposed);

}  // namespace flow
