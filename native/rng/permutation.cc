#include "rng/permutation.h"

namespace flow {

Permutation::Permutation(uint64_t n, PhiloxKey seed, Stream stream, uint64_t row) : n_(n) {
  uint64_t a = 1;
  for (uint64_t bit = 1 << 16; bit > 0; bit >>= 1)  // a = floor(sqrt(n)), by bits
    if ((a - 1 + bit) * (a - 1 + bit) <= n) a += bit;
  a -= 1;
  if (a * a < n) ++a;
  if (a == 0) a = 1;
  rounds_.a = static_cast<uint32_t>(a);
  rounds_.b = static_cast<uint32_t>((n + a - 1) / a);
  for (int i = 0; i < FeistelArgs::kRounds; ++i) rounds_.key[i] = philox_words(seed, stream, row, static_cast<uint32_t>(i / 4)).w[i % 4];
}

uint32_t Permutation::operator()(uint64_t position) const {
  uint32_t out;
  run(position, 1, &out);
  return out;
}

void Permutation::run(uint64_t first, int32_t count, uint32_t* out) const {
  constexpr int kMost = 128, kFew = 8;  // cells at a time; up to so many are quicker one by one
  alignas(64) uint32_t l[kMost], r[kMost];
  uint32_t row = static_cast<uint32_t>(first / rounds_.b), column = static_cast<uint32_t>(first % rounds_.b);
  for (int32_t done = 0; done < count;) {
    const int32_t n = count - done < kMost ? count - done : kMost;
    for (int32_t i = 0; i < n; ++i) {
      l[i] = row;
      r[i] = column;
      const bool wrap = column + 1 == rounds_.b;
      column = wrap ? 0 : column + 1;
      row += wrap;
    }
    if (n <= kFew) {
      for (int32_t i = 0; i < n; ++i) feistel_cell(rounds_, l[i], r[i]);
    } else {
      const int32_t padded = (n + 31) / 32 * 32;
      for (int32_t i = n; i < padded; ++i) l[i] = r[i] = 0;
      kernels().feistel(rounds_, padded, l, r);
    }
    for (int32_t i = 0; i < n; ++i) {
      while (uint64_t{l[i]} * rounds_.b + r[i] >= n_) feistel_cell(rounds_, l[i], r[i]);
      out[done + i] = static_cast<uint32_t>(uint64_t{l[i]} * rounds_.b + r[i]);
    }
    done += n;
  }
}

}  // namespace flow
