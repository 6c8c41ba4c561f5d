// Speed of one core, measured: the fma peak that fractions refer to, and single kernels.
#pragma once
#include <string>

#include "kernels/kernels.h"

namespace flow_test {

double peak_gflops(const std::string& isa, double milliseconds);  // independent fma chains in registers, 2 flops each
double kernel_speed(const flow::Kernels&, const std::string& kernel, int rows, int in, int out, double milliseconds);

}  // namespace flow_test
