// Sweeps of one kernel family of one table against the reference table and against sums in double. Volume stays in C++; vitest reads the verdict.
#pragma once
#include <cstdint>
#include <string>

#include "kernels/kernels.h"

namespace flow_test {

struct Verdict {
  int64_t cases = 0, failures = 0;
  double worst = 0;   // largest error in units of what is allowed (1 = at the bound)
  std::string first;  // the first failure in words
  void fail(const std::string& text) {
    if (failures++ == 0) first = text;
  }
};

// `exact`: every value must equal the reference's bit for bit (NaN as NaN); otherwise only the bound against double counts.
struct Subject {
  const flow::Kernels& kernels;
  bool exact;
  uint64_t seed;
};

Verdict check_dense(const Subject&);
Verdict check_weight_grad(const Subject&);
Verdict check_pack(const Subject&);
Verdict check_elementwise(const Subject&);
Verdict check_reduce(const Subject&);
Verdict check_layer_norm(const Subject&);
Verdict check_tangent(const Subject&);
Verdict check_adam(const Subject&);
Verdict check_random(const Subject&);
Verdict check_assign(const Subject&);
Verdict check_entropic(const Subject&);
Verdict check_steps(const Subject&);
Verdict check_special(const Subject&);  // NaN, infinities, -0

struct Ulp {
  double worst = 0, at = 0;  // of r, in ULP of the true value
  double slope_worst = 0;    // absolute error of the slope
};
Ulp sweep_activation(const flow::Kernels&, flow::Activation, uint32_t stride);
Ulp sweep_sincos(const flow::Kernels&, uint32_t stride);  // absolute errors

const flow::Kernels* table_named(const std::string& name);  // an ISA, or a deliberately wrong table: "wrong-bits", "wrong-padding"

}  // namespace flow_test
