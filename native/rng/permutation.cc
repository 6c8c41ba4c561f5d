#include "rng/permutation.h"

#include "rng/philox.h"

namespace flow {

namespace {

// A 32-bit mixer (two multiply-xorshift rounds), then scaled to [0, bound).
inline uint32_t scramble(uint32_t x, uint32_t key, uint32_t bound) {
  x = (x ^ key) * 0x9E3779B1u;
  x = (x ^ (x >> 15)) * 0x85EBCA77u;
  x ^= x >> 13;
  return static_cast<uint32_t>((uint64_t{x} * bound) >> 32);
}
inline uint32_t add_mod(uint32_t x, uint32_t y, uint32_t bound) {
  const uint32_t sum = x + y;  // x, y < bound <= 2^16
  return sum >= bound ? sum - bound : sum;
}

}  // namespace

Permutation::Permutation(uint64_t n, PhiloxKey seed, Stream stream, uint64_t row) : n_(n) {
  uint64_t a = 1;
  for (uint64_t bit = 1 << 16; bit > 0; bit >>= 1)  // a = floor(sqrt(n)), by bits
    if ((a - 1 + bit) * (a - 1 + bit) <= n) a += bit;
  a -= 1;
  if (a * a < n) ++a;
  if (a == 0) a = 1;
  a_ = static_cast<uint32_t>(a);
  b_ = static_cast<uint32_t>((n + a - 1) / a);
  for (int half = 0; half < kRounds / 4; ++half) {
    const Words4 words = philox(seed, stream, row, static_cast<uint32_t>(half));
    for (int i = 0; i < 4; ++i) key_[4 * half + i] = words.w[i];
  }
}

inline uint64_t Permutation::walk(uint32_t& l, uint32_t& r) const {
  for (int round = 0; round < kRounds; round += 2) {
    l = add_mod(l, scramble(r, key_[round], a_), a_);
    r = add_mod(r, scramble(l, key_[round + 1], b_), b_);
  }
  return uint64_t{l} * b_ + r;
}

uint32_t Permutation::operator()(uint64_t position) const {
  uint32_t l = static_cast<uint32_t>(position / b_), r = static_cast<uint32_t>(position % b_);
  uint64_t p = walk(l, r);
  while (p >= n_) p = walk(l, r);
  return static_cast<uint32_t>(p);
}

void Permutation::run(uint64_t first, int32_t count, uint32_t* out) const {
  uint32_t row = static_cast<uint32_t>(first / b_), column = static_cast<uint32_t>(first % b_);
  for (int32_t i = 0; i < count; ++i) {
    uint32_t l = row, r = column;
    uint64_t p = walk(l, r);
    while (p >= n_) p = walk(l, r);
    out[i] = static_cast<uint32_t>(p);
    if (++column == b_) {
      column = 0;
      ++row;
    }
  }
}

}  // namespace flow
