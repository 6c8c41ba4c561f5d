// A Program rewritten for sampling, where t is the same for all rows of a stage (and often the condition too). Row-constant ops run on one row per
// stage; a dense layer on concat(row-dependent, row-constant) becomes  W_a x + (W_b s + b)  with the bracket computed once per stage.
#pragma once
#include "network/plan.h"

namespace flow {

enum class When : uint8_t {
  kStage,  // the same for all rows: once per stage
  kRows,   // the same for all stages: once per tile
  kBoth,   // per row and stage
};

struct Specialised {
  Program program;
  Buffer<When> when;          // per op
  Buffer<int32_t> row_bias;   // per op: the stage value that replaces its bias, -1 = none
  Buffer<uint8_t> broadcast;  // per value: a stage value that a row op reads as a matrix
  Buffer<uint8_t> marks;      // for Plan::build of the row ops
  Plan rows, stage;           // plans of the row ops and of the stage ops

  // `shared_condition`: one condition row for all. New weights are appended to `extra` from offset `base` of the packed vector.
  Status build(const Program& from, bool shared_condition, const float* packed, int64_t base, Buffer<float>* extra);
};

}  // namespace flow
