// Speed of one core, measured: the fma peak that fractions refer to, and single kernels.
#pragma once
#include <string>

#include "kernels/kernels.h"

namespace flow_test {

// Independent fma chains in registers, 2 flops each. With several threads: all at once, by the wall clock, their sum.
double peak_gflops(const std::string& isa, double milliseconds, int threads = 1);
double kernel_speed(const flow::Kernels&, const std::string& kernel, int rows, int in, int out, double milliseconds);
// limits.cc: GB/s of one core that reads, writes or copies (read + written) this many bytes again and again; seconds to draw and join the rows of one batch.
double bandwidth(const std::string& isa, const std::string& kind, double bytes, double milliseconds);
double batch_seconds(int32_t d, int64_t batch_rows, int64_t data_rows, double milliseconds);

}  // namespace flow_test
