// The network as native code reads it: the words of lib/network/encode.ts, checked one by one and laid out for the kernels.
#pragma once
#include <cstdint>

#include "core/buffer.h"
#include "core/status.h"
#include "kernels/kernels.h"

namespace flow {

enum class OpKind : int32_t { kTime = 1, kConcat, kDense, kActivation, kLayerNorm, kAdd, kSlice, kOneHot, kEmbed, kSeed, kTangent, kTrace };
enum class Role : int32_t { kWeight = 0, kBias, kScale, kShift, kTable };
constexpr int32_t kDependsX = 1, kDependsT = 2, kDependsCondition = 4, kDependsSeed = 8;
constexpr int32_t kValueX = 0, kValueT = 1, kValueCondition = 2;

struct Value {
  int32_t width, depends;
  int32_t copies = 1;                                               // of a tangent: matrices one after another, each of the workspace's rows
  int32_t blocks() const { return (width + kLanes - 1) / kLanes; }  // of one copy
};

// Packed layout (floats from the start of the packed vector, every slice a multiple of 32, padding zero):
//   weight (out, in): panels [ceil(out/32)][in][32];   vector (n): padded to a multiple of 32;   table (rows, n): rows padded to a multiple of 32.
struct Parameter {
  Role role;
  int32_t rank;
  int32_t shape[2];
  int64_t offset;  // logical
  int64_t packed;
  int64_t packed_size;
  // Derived for tangents, behind the parameters of the program: a part of a weight's columns, or the weight transposed.
  int32_t source = -1, first = 0;
  bool transposed = false;

  int64_t transposed_size() const { return round_up(shape[1], kLanes) * shape[0]; }  // floats of the panels of W^T
  bool by_lanes() const { return few_outputs(shape[0], shape[1]); }                  // of a weight
};

struct Op {
  OpKind kind;
  int32_t output;
  int32_t a = -1, b = -1;  // inputs (concat: see list)
  int32_t p = -1, q = -1;  // parameters: dense weight, bias; layerNorm scale, shift; embed table
  Activation activation = Activation::kIdentity;
  float epsilon = 0;
  int32_t first = 0;  // slice: first column; oneHot, embed: column; time: first constant; concat: first of list
  int32_t count = 0;  // slice: columns; oneHot: classes; time: frequencies; concat: inputs
  int32_t raw = 0;    // time
  // seed: raw = 1 when given.  tangent: a list of its inputs as inputs(), and at `along` the tangent of each input of the op, -1 = zero; `of` its value;
  // p the weight or scale; dense over a basis (`columns`): columns [column, ...) of p.  trace: a = tangent, b = seed, p the transposed weight or -1;
  // `columns` when the seed is the basis.
  int32_t of = -1, along = 0, column = 0;
  OpKind source = OpKind::kTime;  // kind of the op that made `of`
  bool columns = false;
};

struct Program {
  int32_t dimension = 0, condition_width = 0, output = 0;
  int32_t tangent = -1;  // the value asked for of a program with tangents, else -1
  Buffer<Value> values;
  Buffer<Parameter> parameters;
  Buffer<Op> ops;
  Buffer<int32_t> list;  // inputs of the concats and of the tangents
  Buffer<float> constants;
  int64_t parameter_count = 0;  // logical
  int64_t packed_count = 0;

  // Matrices of `dimension` columns that the output joins: the velocity, and in score-and-flow training the score.
  int32_t heads() const { return values[output].width / dimension; }
  // kProgram names the first bad word.
  Status parse(const int32_t* words, int64_t count, const float* constants, int64_t constant_count);
  static bool listed(const Op& op) { return op.kind == OpKind::kConcat || op.kind == OpKind::kTangent || op.kind == OpKind::kTrace; }
  int32_t inputs(const Op& op) const { return listed(op) ? op.count : op.kind == OpKind::kAdd ? 2 : op.kind == OpKind::kSeed ? 0 : 1; }
  int32_t input(const Op& op, int32_t i) const { return listed(op) ? list[op.first + i] : i == 0 ? op.a : op.b; }
  bool traces() const;  // asked for a trace: v and its divergence can be integrated together

  void pack(const float* logical, float* packed) const;  // padding of `packed` must be zero already
  void unpack(const float* packed, float* logical) const;
};

}  // namespace flow
