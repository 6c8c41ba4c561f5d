// Between layouts: panels of W and of its transpose, blocked and row-major matrices. Copies only.
namespace {

typedef float Four __attribute__((vector_size(16), may_alias));

// to[j][i] = from[i][j] for a 4 x 4 block of rows of 32, in vectors of four on every ISA.
FLOW_INLINE void transpose_four(const float* from, float* to) {
  Four r[4];
  for (int i = 0; i < 4; i++) r[i] = *reinterpret_cast<const Four*>(from + i * kLanes);
  const Four a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
  const Four c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7), d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  *reinterpret_cast<Four*>(to) = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  *reinterpret_cast<Four*>(to + kLanes) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  *reinterpret_cast<Four*>(to + 2 * kLanes) = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  *reinterpret_cast<Four*>(to + 3 * kLanes) = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

// 32 x 32 blocks: panel o/32, rows i .. i + 31 become panel i/32, rows o .. o + 31.
void transpose_panels(const float* panels, int32_t out, int32_t in, float* transposed) {
  for (int i0 = 0; i0 < in; i0 += kLanes) {
    const int ni = in - i0 < kLanes ? in - i0 : kLanes;
    float* to = transposed + static_cast<int64_t>(i0 / kLanes) * out * kLanes;
    for (int o0 = 0; o0 < out; o0 += kLanes) {
      const int no = out - o0 < kLanes ? out - o0 : kLanes;
      const float* from = panels + (static_cast<int64_t>(o0 / kLanes) * in + i0) * kLanes;
      int done = 0;  // rows of the result that are finished
      if (ni == kLanes)
        for (; done + 4 <= no; done += 4)
#pragma GCC unroll 8
          for (int i = 0; i < kLanes; i += 4) transpose_four(from + i * kLanes + done, to + static_cast<int64_t>(o0 + done) * kLanes + i);
      for (int o = done; o < no; o++) {
        float* row = to + static_cast<int64_t>(o0 + o) * kLanes;
        for (int i = 0; i < ni; i++) row[i] = from[i * kLanes + o];
        for (int i = ni; i < kLanes; i++) row[i] = 0.0f;
      }
    }
  }
}

void to_blocked(const float* rows, int64_t stride, Blocked y) {
  for (int c = 0; c < y.cols; c += kLanes) {
    float* to = y.data + static_cast<int64_t>(c / kLanes) * y.block;
    const int n = y.cols - c < kLanes ? y.cols - c : kLanes;
    const int64_t spare = static_cast<int64_t>(y.rows - 1) * stride + y.cols - c - (n + kWidth - 1) / kWidth * kWidth;  // room for whole vectors
    const int64_t whole = spare < 0 ? 0 : spare / stride + 1;                                                           // rows that have it
    for (int r = 0; r < y.rows; r++, to += kLanes) {
      const float* from = rows + r * stride + c;
      if (n == kLanes) {
        for (int v = 0; v < kLanes; v += kWidth) store(to + v, load_unaligned(from + v));
      } else if (r < whole) {
        for (int v = 0; v < kLanes; v += kWidth) store(to + v, v < n ? first_lanes(load_unaligned(from + v), n - v < kWidth ? n - v : kWidth) : F{});
      } else {
        for (int v = 0; v < kLanes; v += kWidth) store(to + v, F{});
        for (int i = 0; i < n; i++) to[i] = from[i];
      }
    }
  }
}

void from_blocked(ConstBlocked x, float* rows, int64_t stride) {
  for (int c = 0; c < x.cols; c += kLanes) {
    const float* from = x.data + static_cast<int64_t>(c / kLanes) * x.block;
    const int n = x.cols - c < kLanes ? x.cols - c : kLanes;
    for (int r = 0; r < x.rows; r++, from += kLanes) {
      float* to = rows + r * stride + c;
      if (n == kLanes) {
        for (int v = 0; v < kLanes; v += kWidth) store_unaligned(to + v, load(from + v));
      } else {
        for (int i = 0; i < n; i++) to[i] = from[i];
      }
    }
  }
}

}  // namespace
