// What a Network holds: the program, its packed weights, and the two forms in which it is sampled.
#pragma once
#include <memory>
#include <mutex>

#include "network/specialise.h"
#include "network/workspace.h"

namespace flow {

struct NarrowNetwork {  // one sampling form on bfloat16 operands
  NarrowPlan plan;
  Buffer<Bf16> weights;
};

struct NetworkData {
  Program program;
  Plan forward;
  // [0] one condition row for all (or none), [1] a condition row per row; the latter exists when the program has a condition.
  Specialised sampling[2];
  Buffer<float> sampling_parameters[2];  // packed parameters followed by the split weights

  // The narrow form for a precision, packed at its first use; null where that precision is served by the f32 kernels. Any thread.
  Status narrow(bool shared, Precision precision, const NarrowNetwork** out) const;
  mutable std::mutex narrow_lock;
  mutable std::unique_ptr<NarrowNetwork> narrow_networks[2][3];

  // Copies of the given seeds of x, 0 = none.
  int32_t seed_copies() const {
    for (const Op& op : program.ops)
      if (op.kind == OpKind::kSeed && op.raw == 1) return program.values[op.output].copies;
    return 0;
  }
  const Specialised& sampler(bool shared) const { return sampling[shared ? 0 : 1]; }
  // Packed, for passes over `program`.
  const float* parameters() const { return sampling_parameters[0].data(); }
  const float* sampler_parameters(bool shared) const { return sampling_parameters[shared ? 0 : 1].data(); }
};

// Rows of a tile: small enough that two activations of the widest layer stay near, a multiple of the kernels' 12 rows.
int32_t tile_rows(const Program& program);

}  // namespace flow
