// Philox4x32-10 on kWidth counters at a time, uniforms and Box-Muller normals. Row i of a seed is the same row on every ISA and in every batch.
namespace {

// 32 x 32 -> 64 bits per lane
FLOW_INLINE void wide_product(U a, uint32_t m, U& high, U& low) {
#if FLOW_LANES == 16
  const __m512i x = (__m512i)a, y = _mm512_set1_epi32(static_cast<int>(m));
  // Shuffles, not shifts: where 512 bits have two ports, the products fill the one that shifts.
  const __m512i even = _mm512_mul_epu32(x, y), odd = _mm512_mul_epu32(_mm512_shuffle_epi32(x, _MM_PERM_DDBB), y);
  low = (U)_mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA);
  high = (U)_mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
#elif FLOW_LANES == 8
  const __m256i x = (__m256i)a, y = _mm256_set1_epi32(static_cast<int>(m));
  const __m256i even = _mm256_mul_epu32(x, y), odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), y);
  low = (U)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  high = (U)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
#elif defined(FLOW_NEON)
  const uint32x4_t x = (uint32x4_t)a;
  const uint64x2_t p = vmull_n_u32(vget_low_u32(x), m), q = vmull_n_u32(vget_high_u32(x), m);
  low = (U)vuzp1q_u32(vreinterpretq_u32_u64(p), vreinterpretq_u32_u64(q));
  high = (U)vuzp2q_u32(vreinterpretq_u32_u64(p), vreinterpretq_u32_u64(q));
#else
  const __m128i x = (__m128i)a, y = _mm_set1_epi32(static_cast<int>(m));
  const __m128i even = _mm_mul_epu32(x, y), odd = _mm_mul_epu32(_mm_srli_epi64(x, 32), y);
  low = (U)_mm_blend_epi16(even, _mm_slli_epi64(odd, 32), 0xcc);
  high = (U)_mm_blend_epi16(_mm_srli_epi64(even, 32), odd, 0xcc);
#endif
}

// N vectors in step: each round waits for the products of the one before.
template <int N>
FLOW_INLINE void philox_lanes(U (&a)[N], U (&b)[N], U (&c)[N], U (&d)[N], PhiloxKey key) {
  uint32_t k0 = key.lo, k1 = key.hi;
#pragma GCC unroll 10
  for (int round = 0; round < kPhiloxRounds; round++) {
    U high0[N], low0[N], high1[N], low1[N];
    FLOW_EACH(i, N) wide_product(a[i], kPhiloxMultiplier0, high0[i], low0[i]);
    FLOW_EACH(i, N) wide_product(c[i], kPhiloxMultiplier1, high1[i], low1[i]);
    FLOW_EACH(i, N) {
      a[i] = high1[i] ^ b[i] ^ k0;
      b[i] = low1[i];
      c[i] = high0[i] ^ d[i] ^ k1;
      d[i] = low0[i];
    }
    k0 += kPhiloxWeyl0;
    k1 += kPhiloxWeyl1;
  }
}

// a0 b0 a1 b1 ...: 2 kWidth floats
FLOW_INLINE void store_pairs(float* to, F a, F b) {
#if FLOW_LANES == 16
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
  store(to, (F)_mm512_permutex2var_ps((__m512)a, low, (__m512)b));
  store(to + kWidth, (F)_mm512_permutex2var_ps((__m512)a, high, (__m512)b));
#else
  for (int j = 0; j < kWidth; j++) {
    to[2 * j] = a[j];
    to[2 * j + 1] = b[j];
  }
#endif
}

// `count` values of four bytes from an aligned buffer to where they belong.
template <class T>
FLOW_INLINE void put(const T* from, int count, T* to) {
  int i = 0;
  for (; i + kWidth <= count; i += kWidth) store_unaligned(reinterpret_cast<float*>(to + i), load(reinterpret_cast<const float*>(from + i)));
  for (; i < count; i++) to[i] = from[i];
}

FLOW_INLINE F uniform_of(U words) { return to_float((I)((words >> 9) * 2u + 1u)) * splat(0x1p-24f); }

FLOW_INLINE void normal_pair(U a, U b, F& first, F& second) {
  const F u = fma(to_float((I)(a >> 8)), splat(0x1p-24f), splat(0x1p-25f)), radius = square_root(splat(-2.0f) * logarithm(u));
  const F quarters = to_float((I)b) * splat(0x1p-30f);
  I q;
  F sine, cosine;
  const F whole = nearest(quarters, q);
  quarter_turns((quarters - whole) * splat(1.57079633f), q, sine, cosine);
  first = radius * cosine;
  second = radius * sine;
}

// Words of the blocks of `2 kWidth` neighbouring rows from `first` on.
FLOW_INLINE void row_blocks(PhiloxKey key, uint32_t stream, uint64_t first, U (&a)[2], U (&b)[2]) {
  alignas(64) static constexpr uint32_t kCount[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const U count = *reinterpret_cast<const U*>(kCount);
  U c[2], d[2];
  FLOW_EACH(i, 2) {
    const uint64_t row = first + static_cast<uint64_t>(i * kWidth);
    const U low = U{} + static_cast<uint32_t>(row);
    a[i] = low + count;
    b[i] = U{} + static_cast<uint32_t>(row >> 32);
    b[i] -= (U)(a[i] < low);  // a true comparison is -1: the carry
    c[i] = U{} + stream;
    d[i] = U{};
  }
  philox_lanes(a, b, c, d, key);
}

// One or two columns side by side: 2 kWidth rows at a time, one pair of each block of words.
template <bool kNormal>
FLOW_INLINE void random_few(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, int32_t cols, float* y) {
  for (int row = 0; row < rows; row += 2 * kWidth) {
    U a[2], b[2];
    row_blocks(key, stream, first_row + static_cast<uint64_t>(row), a, b);
    alignas(64) float out[4 * kWidth];
    FLOW_EACH(i, 2) {
      F first, second;
      if (kNormal) {
        normal_pair(a[i], b[i], first, second);
      } else {
        first = uniform_of(a[i]);
        second = uniform_of(b[i]);
      }
      if (cols == 1) store(out + i * kWidth, first);
      else store_pairs(out + 2 * i * kWidth, first, second);
    }
    put(out, (rows - row < 2 * kWidth ? rows - row : 2 * kWidth) * cols, y + static_cast<int64_t>(row) * cols);
  }
}

// Work items are (row, group of four columns), kWidth at a time across row ends.
template <bool kNormal>
FLOW_INLINE void random_fill(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, int32_t cols, float* y, int64_t stride) {
  if (cols <= 2 && stride == cols) return random_few<kNormal>(key, stream, first_row, rows, cols, y);
  const int groups = (cols + 3) / 4;
  const int64_t items = static_cast<int64_t>(rows) * groups;
  int row = 0, group = 0;
  for (int64_t item = 0; item < items; item += kWidth) {
    const int count = items - item < kWidth ? static_cast<int>(items - item) : kWidth;
    alignas(64) uint32_t low[kWidth] = {}, high[kWidth] = {}, column[kWidth] = {};
    float* to[kWidth];
    for (int j = 0; j < count; j++) {
      const uint64_t index = first_row + static_cast<uint64_t>(row);
      low[j] = static_cast<uint32_t>(index);
      high[j] = static_cast<uint32_t>(index >> 32);
      column[j] = static_cast<uint32_t>(group);
      to[j] = y + row * stride + group * 4;
      if (++group == groups) {
        group = 0;
        row++;
      }
    }
    U a[1] = {*reinterpret_cast<const U*>(low)}, b[1] = {*reinterpret_cast<const U*>(high)}, c[1] = {U{} + stream},
      d[1] = {*reinterpret_cast<const U*>(column)};
    philox_lanes(a, b, c, d, key);
    F v[4];
    if (kNormal) {
      normal_pair(a[0], b[0], v[0], v[1]);
      normal_pair(c[0], d[0], v[2], v[3]);
    } else {
      v[0] = uniform_of(a[0]);
      v[1] = uniform_of(b[0]);
      v[2] = uniform_of(c[0]);
      v[3] = uniform_of(d[0]);
    }
    alignas(64) float out[4][kWidth];
    for (int i = 0; i < 4; i++) store(out[i], v[i]);
    for (int j = 0; j < count; j++) {
      const int left = cols - static_cast<int>(column[j]) * 4, n = left < 4 ? left : 4;
      for (int i = 0; i < n; i++) to[j][i] = out[i][j];
    }
  }
}

// floor(w n / 2^64), w = w0 2^32 + w1, in 32-bit halves: w0 n + (w1 n >> 32), of which the upper half is the answer.
void random_below(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, uint32_t n, uint32_t* y) {
  for (int row = 0; row < rows; row += 2 * kWidth) {
    U a[2], b[2];
    row_blocks(key, stream, first_row + static_cast<uint64_t>(row), a, b);
    alignas(64) uint32_t out[2 * kWidth];
    FLOW_EACH(i, 2) {
      U high, low, carry, rest;
      wide_product(b[i], n, carry, rest);
      wide_product(a[i], n, high, low);
      const U sum = low + carry;
      *reinterpret_cast<U*>(out + i * kWidth) = high - (U)(sum < low);  // a true comparison is -1
    }
    put(out, rows - row < 2 * kWidth ? rows - row : 2 * kWidth, y + row);
  }
}

void random_uniform(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, int32_t cols, float* y, int64_t stride) {
  random_fill<false>(key, stream, first_row, rows, cols, y, stride);
}
void random_normal(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, int32_t cols, float* y, int64_t stride) {
  random_fill<true>(key, stream, first_row, rows, cols, y, stride);
}

// 32 cells in step, as each round waits for the multiplications of the one before.
constexpr int kCellVectors = 32 / kWidth;
FLOW_INLINE void feistel_half(const U (&x)[kCellVectors], U (&to)[kCellVectors], uint32_t key, uint32_t bound) {
  U h[kCellVectors], low;
  FLOW_EACH(i, kCellVectors) h[i] = (x[i] ^ key) * kFeistelMultiplier0;
  FLOW_EACH(i, kCellVectors) h[i] = (h[i] ^ (h[i] >> 15)) * kFeistelMultiplier1;
  FLOW_EACH(i, kCellVectors) h[i] ^= h[i] >> 13;
  FLOW_EACH(i, kCellVectors) wide_product(h[i], bound, h[i], low);
  FLOW_EACH(i, kCellVectors) {
    const I sum = (I)(to[i] + h[i]), less = sum - static_cast<int32_t>(bound);  // both below 2^17
    to[i] = (U)select_bits(less < 0, sum, less);
  }
}
void feistel(const FeistelArgs& rounds, int32_t n, uint32_t* l, uint32_t* r) {
  for (int32_t at = 0; at < n; at += 32) {
    U left[kCellVectors], right[kCellVectors];
    __builtin_memcpy(left, l + at, sizeof left);
    __builtin_memcpy(right, r + at, sizeof right);
    for (int i = 0; i < FeistelArgs::kRounds; i += 2) {
      feistel_half(right, left, rounds.key[i], rounds.a);
      feistel_half(left, right, rounds.key[i + 1], rounds.b);
    }
    __builtin_memcpy(l + at, left, sizeof left);
    __builtin_memcpy(r + at, right, sizeof right);
  }
}

}  // namespace
