// Column copies between blocked matrices: the bodies of concat, slice and broadcast. Runs of columns that stay inside one block on both sides.
#pragma once
#include <cstring>

#include "kernels/kernels.h"

namespace flow {

template <class F>
inline void column_runs(int32_t from, int32_t to, int32_t count, F&& run) {
  while (count > 0) {
    const int32_t a = from % kLanes, b = to % kLanes;
    int32_t n = kLanes - (a > b ? a : b);
    if (n > count) n = count;
    run(from, to, n);
    from += n;
    to += n;
    count -= n;
  }
}

inline float* cell(const Blocked& m, int32_t column) { return m.data + (column / kLanes) * m.block + column % kLanes; }
inline const float* cell(const ConstBlocked& m, int32_t column) { return m.data + (column / kLanes) * m.block + column % kLanes; }

// y[:, to .. to + count) = (accumulate ? y : 0) + x[:, from .. from + count)
inline void copy_columns(ConstBlocked x, int32_t from, Blocked y, int32_t to, int32_t count, bool accumulate) {
  column_runs(from, to, count, [&](int32_t a, int32_t b, int32_t n) {
    const float* s = cell(x, a);
    float* d = cell(y, b);
    if (accumulate) {
      for (int32_t r = 0; r < y.rows; ++r, s += kLanes, d += kLanes)
        for (int32_t i = 0; i < n; ++i) d[i] += s[i];
    } else if (n == kLanes) {
      std::memcpy(d, s, static_cast<size_t>(y.rows) * kLanes * sizeof(float));
    } else if (n == 1) {
      for (int32_t r = 0; r < y.rows; ++r) d[int64_t{r} * kLanes] = s[int64_t{r} * kLanes];
    } else {
      for (int32_t r = 0; r < y.rows; ++r, s += kLanes, d += kLanes)
        for (int32_t i = 0; i < n; ++i) d[i] = s[i];
    }
  });
}

// Zeroes the lanes past the last column.
inline void zero_padding(Blocked y) {
  const int32_t used = y.cols % kLanes;
  if (used == 0) return;
  float* d = y.data + (y.cols / kLanes) * y.block;
  for (int32_t r = 0; r < y.rows; ++r, d += kLanes)
    for (int32_t i = used; i < kLanes; ++i) d[i] = 0;
}

inline void zero_all(Blocked y) {
  const int32_t blocks = (y.cols + kLanes - 1) / kLanes;
  for (int32_t b = 0; b < blocks; ++b) std::memset(y.data + b * y.block, 0, static_cast<size_t>(y.rows) * kLanes * sizeof(float));
}

// Calls run(n floats, offset) for every block of the rows at hand.
template <class F>
inline void each_block(int32_t cols, int32_t rows, F&& run) {
  const int32_t blocks = (cols + kLanes - 1) / kLanes;
  for (int32_t b = 0; b < blocks; ++b) run(int64_t{rows} * kLanes, b);
}

}  // namespace flow
