// Sums over a row or a buffer: 16 virtual lanes whatever the vector's width, then the tree l + (l + 8), + 4, + 2, + 1.
namespace {

constexpr int kParts = kVirtualLanes / kWidth;  // vectors that make 16 lanes

struct Lanes {
  F part[kParts];
};
FLOW_INLINE float tree(const Lanes& x) {
  alignas(64) float l[kVirtualLanes];
  for (int j = 0; j < kParts; j++) store(l + j * kWidth, x.part[j]);
#pragma GCC unroll 4
  for (int width = kVirtualLanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) l[i] += l[i + width];
  return l[0];
}

void squared_error(ConstBlocked v, ConstBlocked u, const float* weight, float factor, Blocked g, float* loss) {
  const int cols = v.cols;
  for (int r = 0; r < v.rows; r++) {
    Lanes sum = {};
    const F scale = g.data ? splat(weight[r] * factor) : F{};
    for (int c = 0; c < cols; c += kVirtualLanes) {
      const int64_t row = static_cast<int64_t>(r) * kLanes + c % kLanes, block = c / kLanes;
#pragma GCC unroll 4
      for (int j = 0; j < kParts; j++) {
        const int left = cols - c - j * kWidth;
        F d = load(v.data + block * v.block + row + j * kWidth) - load(u.data + block * u.block + row + j * kWidth);
        if (left < kWidth) d = first_lanes(d, left > 0 ? left : 0);
        sum.part[j] = fma(d, d, sum.part[j]);
        if (g.data) store(g.data + block * g.block + row + j * kWidth, left < kWidth ? first_lanes(scale * d, left > 0 ? left : 0) : scale * d);
      }
    }
    if (g.data && cols > 0 && (cols - 1) % kLanes < kVirtualLanes) {  // the upper half of the last block
      float* rest = g.data + (cols - 1) / kLanes * g.block + static_cast<int64_t>(r) * kLanes + kVirtualLanes;
      for (int j = 0; j < kParts; j++) store(rest + j * kWidth, F{});
    }
    loss[r] = tree(sum);
  }
}

double sum_squares(int64_t n, const float* x, bool* finite) {
#if FLOW_LANES == 16
  typedef double D __attribute__((vector_size(64)));
  typedef float S __attribute__((vector_size(32), may_alias));
#elif FLOW_LANES == 8
  typedef double D __attribute__((vector_size(32)));
  typedef float S __attribute__((vector_size(16), may_alias));
#else
  typedef double D __attribute__((vector_size(16)));
  typedef float S __attribute__((vector_size(8), may_alias));
#endif
  constexpr int half = kWidth / 2, parts = kVirtualLanes / half;
  D sum[parts] = {};
  for (int64_t i = 0; i < n; i += kVirtualLanes) {
#pragma GCC unroll 8
    for (int j = 0; j < parts; j++) {
      const D d = __builtin_convertvector(*reinterpret_cast<const S*>(x + i + j * half), D);
      sum[j] += d * d;  // the product is exact: 48 bits
    }
  }
  double l[kVirtualLanes];
  for (int j = 0; j < parts; j++)
    for (int i = 0; i < half; i++) l[j * half + i] = sum[j][i];
  for (int width = kVirtualLanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) l[i] += l[i + width];
  if (!(l[0] - l[0] == 0.0)) *finite = false;  // squares of finite floats are below 2^256: their sum cannot overflow
  return l[0];
}

}  // namespace
