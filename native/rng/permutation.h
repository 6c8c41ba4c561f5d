// A keyed permutation of [0, n), computed for any position on its own: drawing without replacement needs no table and no state.
// n is covered by a rectangle a x b, a = ceil(sqrt n): p = l b + r, and eight rounds l += F(r) mod a, r += F(l) mod b (an alternating Feistel network).
// At most sqrt(n) of its cells lie outside [0, n): a position that lands there walks on (cycle walking), which is rare.
#pragma once
#include <cstdint>

#include "rng/streams.h"

namespace flow {

class Permutation {
 public:
  Permutation() = default;
  // 1 <= n <= 2^32; the key is drawn from (seed, stream, row).
  Permutation(uint64_t n, PhiloxKey seed, Stream stream, uint64_t row);
  uint64_t size() const { return n_; }
  uint32_t operator()(uint64_t position) const;
  // out[i] = (*this)(first + i)
  void run(uint64_t first, int32_t count, uint32_t* out) const;

 private:
  uint64_t n_ = 1;
  FeistelArgs rounds_;
};

}  // namespace flow
