// Between layouts: panels of W and of its transpose, blocked and row-major matrices. Copies only.
namespace {

// 32 x 32 blocks: panel o/32, rows i .. i + 31 become panel i/32, rows o .. o + 31.
void transpose_panels(const float* panels, int32_t out, int32_t in, float* transposed) {
  for (int i0 = 0; i0 < in; i0 += kLanes) {
    const int ni = in - i0 < kLanes ? in - i0 : kLanes;
    float* to = transposed + static_cast<int64_t>(i0 / kLanes) * out * kLanes;
    for (int o0 = 0; o0 < out; o0 += kLanes) {
      const int no = out - o0 < kLanes ? out - o0 : kLanes;
      const float* from = panels + (static_cast<int64_t>(o0 / kLanes) * in + i0) * kLanes;
      for (int o = 0; o < no; o++) {
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
    for (int r = 0; r < y.rows; r++, to += kLanes) {
      const float* from = rows + r * stride + c;
      if (n == kLanes) {
        for (int v = 0; v < kLanes; v += kWidth) store(to + v, load_unaligned(from + v));
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
