// Exact linear assignment: the permutation of least total cost, by shortest augmenting paths (Jonker and Volgenant 1987) on integer costs. Integers make
// every comparison exact: ties and duplicates need no tolerance, and the answer is the same on every ISA. O(n^3) at worst, about n^2.3 in practice.
//   Coarse to fine: the first half of the rows and columns is solved first and its prices are carried over. Where rows must cross over to another cloud of
// columns, column minima are far from the final prices and most rows stay free for long searches; from prices of a half, few rows do, and their paths are
// short. Measured (AVX2, N(0, I) to 8 gaussians, 8 gaussians to moons, N to moons, ms before -> after): n = 256 1.1 .8 1.8 -> .59 .57 .60, n = 512 6.6 5.4 11.4
// -> 2.7 2.5 2.8, n = 1024 50 33 94 -> 12 11 13. Ratios of 3 and 4 are slower; so are searches from all free rows at once (a third more searches, none
// shorter).
#pragma once
#include "core/buffer.h"
#include "core/stop.h"
#include "kernels/kernels.h"

namespace flow {

// Costs lie in [0, kCostLimit]. A price lowered is tight with some row, so that prices differ by at most one limit; each level begins with the largest at 0 and
// lowers no free column. Hence prices within [-2, 1], distances within 3 and path lengths within 5 limits, below 2^31.
constexpr int32_t kCostLimit = 1 << 28;
constexpr int32_t kCostPadding = 1 << 30;  // columns from n to the next multiple of 16

class Assignment {
 public:
  Status init(int64_t most_rows);
  // cost (n, stride), stride a multiple of 16, padded with kCostPadding. column_of[i] is the column of row i. false: stopped on the way.
  bool solve(const Kernels& k, int32_t n, const int32_t* cost, int64_t stride, const StopFlag* stop, int32_t* column_of);

 private:
  bool level(const Kernels& k, int32_t n, const StopFlag* stop, int32_t* column_of);
  void carry_over(const Kernels& k, int32_t n, int32_t coarse, int32_t* column_of);
  void reduce_columns(const Kernels& k, int32_t n, int32_t* column_of);
  int32_t reduce_rows(const Kernels& k, int32_t n, int32_t free, int32_t* column_of);
  void augment(const Kernels& k, int32_t n, int32_t start, int32_t* column_of);
  const int32_t* row(int32_t i) const { return cost_ + i * stride_; }

  const int32_t* cost_ = nullptr;
  int64_t stride_ = 0;
  int32_t padded_ = 0;
  Buffer<int32_t> price_, key_, closed_, from_, distance_, scanned_, row_of_, free_, times_;
};

}  // namespace flow
