// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011), one block, scalar.
// The only definition: kernels take the constants for their lanes, keys of permutations take single blocks (rng/streams.h).
#pragma once
#include <cstdint>

namespace flow {

constexpr uint32_t kPhiloxMultiplier0 = 0xD2511F53u, kPhiloxMultiplier1 = 0xCD9E8D57u;
constexpr uint32_t kPhiloxWeyl0 = 0x9E3779B9u, kPhiloxWeyl1 = 0xBB67AE85u;
constexpr int kPhiloxRounds = 10;

// counter and key in, four random words out (out may be counter)
static inline void philox(const uint32_t counter[4], uint32_t key0, uint32_t key1, uint32_t out[4]) {
  uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
  for (int round = 0; round < kPhiloxRounds; round++) {
    const uint64_t p = static_cast<uint64_t>(kPhiloxMultiplier0) * a, q = static_cast<uint64_t>(kPhiloxMultiplier1) * c;
    a = static_cast<uint32_t>(q >> 32) ^ b ^ key0;
    b = static_cast<uint32_t>(q);
    c = static_cast<uint32_t>(p >> 32) ^ d ^ key1;
    d = static_cast<uint32_t>(p);
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

}  // namespace flow
