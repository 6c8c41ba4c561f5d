#include "rng/permutation.h"

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
  for (int i = 0; i < kRounds; ++i) key_[i] = philox_words(seed, stream, row, static_cast<uint32_t>(i / 4)).w[i % 4];
}

// All rounds for kWide cells side by side: a round waits for its multiplications, neighbours fill the gaps.
template <int kWide>
inline void Permutation::walk(uint32_t* l, uint32_t* r) const {
  for (int round = 0; round < kRounds; round += 2) {
    for (int i = 0; i < kWide; ++i) l[i] = add_mod(l[i], scramble(r[i], key_[round], a_), a_);
    for (int i = 0; i < kWide; ++i) r[i] = add_mod(r[i], scramble(l[i], key_[round + 1], b_), b_);
  }
}

uint32_t Permutation::operator()(uint64_t position) const {
  uint32_t out;
  run(position, 1, &out);
  return out;
}

void Permutation::run(uint64_t first, int32_t count, uint32_t* out) const {
  constexpr int kWide = 8;
  uint32_t row = static_cast<uint32_t>(first / b_), column = static_cast<uint32_t>(first % b_);
  const auto next = [&](uint32_t& l, uint32_t& r) {
    l = row;
    r = column;
    const uint32_t wrap = column + 1 == b_;
    column = wrap ? 0 : column + 1;
    row += wrap;
  };
  const auto finish = [&](uint32_t l, uint32_t r) {
    while (uint64_t{l} * b_ + r >= n_) walk<1>(&l, &r);
    return static_cast<uint32_t>(uint64_t{l} * b_ + r);
  };
  uint32_t l[kWide], r[kWide];
  int32_t i = 0;
  for (; i + kWide <= count; i += kWide) {
    for (int j = 0; j < kWide; ++j) next(l[j], r[j]);
    walk<kWide>(l, r);
    for (int j = 0; j < kWide; ++j) out[i + j] = finish(l[j], r[j]);
  }
  for (; i < count; ++i) {
    next(l[0], r[0]);
    walk<1>(l, r);
    out[i] = finish(l[0], r[0]);
  }
}

}  // namespace flow
