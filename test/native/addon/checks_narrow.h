// Sweeps of the bfloat16 kernels of one family; AMX runs on the machine's own tiles or on emulated ones.
#pragma once
#include <string>

#include "checks.h"
#include "kernels/narrow.h"

namespace flow_test {

struct NarrowSubject {
  const flow::NarrowKernels& kernels;
  bool left_columns;  // whether left row groups go column by column
  uint64_t seed;
};

const flow::NarrowKernels* narrow_table(const std::string& isa, const std::string& name);
Verdict check_narrow(const NarrowSubject&, const std::string& family);

}  // namespace flow_test
