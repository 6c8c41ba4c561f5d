// An alternating Feistel network over a rectangle a x b, one cell, scalar: l += F(r, key[i]) mod a, then r += F(l, key[i + 1]) mod b, and so on. F mixes 32
// bits by two multiply-xorshift steps and scales them to the bound. Kernels do the same for many cells (random-inl.h).
#pragma once
#include <cstdint>

namespace flow {

constexpr uint32_t kFeistelMultiplier0 = 0x9E3779B1u, kFeistelMultiplier1 = 0x85EBCA77u;

struct FeistelArgs {
  static constexpr int kRounds = 8;
  uint32_t a = 1, b = 1;  // <= 2^16
  uint32_t key[kRounds] = {};
};

static inline uint32_t feistel_add(uint32_t to, uint32_t x, uint32_t key, uint32_t bound) {
  x = (x ^ key) * kFeistelMultiplier0;
  x = (x ^ (x >> 15)) * kFeistelMultiplier1;
  x ^= x >> 13;
  const uint32_t sum = to + static_cast<uint32_t>((uint64_t{x} * bound) >> 32);
  return sum >= bound ? sum - bound : sum;
}

static inline void feistel_cell(const FeistelArgs& rounds, uint32_t& l, uint32_t& r) {
  for (int i = 0; i < FeistelArgs::kRounds; i += 2) {
    l = feistel_add(l, r, rounds.key[i], rounds.a);
    r = feistel_add(r, l, rounds.key[i + 1], rounds.b);
  }
}

}  // namespace flow
