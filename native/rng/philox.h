// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011), one block at a time: keys of permutations and shuffles. Bulk numbers come from the kernels.
#pragma once
#include <cstdint>

#include "rng/streams.h"

namespace flow {

struct Words4 {
  uint32_t w[4];
};

inline Words4 philox(PhiloxKey key, Stream stream, uint64_t row, uint32_t group) {
  uint32_t c0 = static_cast<uint32_t>(row), c1 = static_cast<uint32_t>(row >> 32), c2 = static_cast<uint32_t>(stream), c3 = group;
  uint32_t k0 = key.lo, k1 = key.hi;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0, p1 = uint64_t{0xCD9E8D57u} * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0, n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace flow
