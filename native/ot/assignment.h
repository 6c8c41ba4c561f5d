// Exact linear assignment: the permutation of least total cost, by shortest augmenting paths (Jonker and Volgenant 1987) on integer costs. Integers make
// every comparison exact: ties and duplicates need no tolerance, and the answer is the same on every ISA. O(n^3) at worst, about n^2.3 in practice.
#pragma once
#include "core/buffer.h"
#include "core/stop.h"
#include "kernels/kernels.h"

namespace flow {

// Costs lie in [0, kCostLimit]: prices stay within [-2, 1] and path lengths within 5 limits, below 2^31.
constexpr int32_t kCostLimit = 1 << 28;
constexpr int32_t kCostPadding = 1 << 30;  // columns from n to the next multiple of 16

class Assignment {
 public:
  Status init(int64_t most_rows);
  // cost (n, stride), stride a multiple of 16, padded with kCostPadding. column_of[i] is the column of row i. false: stopped on the way.
  bool solve(const Kernels& k, int32_t n, const int32_t* cost, int64_t stride, const StopFlag* stop, int32_t* column_of);

 private:
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
