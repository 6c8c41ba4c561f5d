// What linear assignment does n^2 to n^3 times: a row of squared distances, the two cheapest columns of a row, one relaxation of a shortest path.
// n is a multiple of 16 and every row starts at 64 bytes. Ties go to the lowest column, so that the answer does not depend on the vector's width.
namespace {

FLOW_INLINE I load_bits(const int32_t* p) { return *reinterpret_cast<const I*>(p); }
FLOW_INLINE void store_bits(int32_t* p, I x) { *reinterpret_cast<I*>(p) = x; }
FLOW_INLINE I first_columns() {
  alignas(64) int32_t l[kWidth];
  for (int i = 0; i < kWidth; i++) l[i] = i;
  return load_bits(l);
}

template <int V>
FLOW_INLINE void distances_of(int32_t depth, const float* a, const float* b, int64_t stride, float* y) {
  F sum[V] = {};
  for (int32_t k = 0; k < depth; k++, b += stride) {
    FLOW_EACH(v, V) {
      const F d = splat(a[k]) - load(b + v * kWidth);
      sum[v] = fma(d, d, sum[v]);
    }
  }
  FLOW_EACH(v, V) store(y + v * kWidth, sum[v]);
}

void distances(int32_t n, int32_t depth, const float* a, const float* b, int64_t stride, float* y) {
  constexpr int V = 16 / kWidth;  // of 16 columns; two such groups side by side where there are as many, to hide the latency of fma
  int32_t j = 0;
  for (; j + 32 <= n; j += 32) distances_of<2 * V>(depth, a, b + j, stride, y + j);
  for (; j < n; j += 16) distances_of<V>(depth, a, b + j, stride, y + j);
}

void cheapest_two(int32_t n, const int32_t* cost, const int32_t* price, int32_t* out) {
  I low = splat_bits(INT32_MAX), next = low, low_at = {}, next_at = {}, at = first_columns();
  for (int32_t j = 0; j < n; j += kWidth, at += kWidth) {
    const I r = load_bits(cost + j) - load_bits(price + j);
    const auto first = r < low, second = r < next;
    next = select_bits(first, low, select_bits(second, r, next));
    next_at = select_bits(first, low_at, select_bits(second, at, next_at));
    low = select_bits(first, r, low);
    low_at = select_bits(first, at, low_at);
  }
  alignas(64) int32_t l[4][kWidth];
  store_bits(l[0], low);
  store_bits(l[1], low_at);
  store_bits(l[2], next);
  store_bits(l[3], next_at);
  int best = 0;
  for (int i = 1; i < kWidth; i++)
    if (l[0][i] < l[0][best] || (l[0][i] == l[0][best] && l[1][i] < l[1][best])) best = i;
  int32_t value = l[2][best], column = l[3][best];
  for (int i = 0; i < kWidth; i++)
    if (i != best && (l[0][i] < value || (l[0][i] == value && l[1][i] < column))) value = l[0][i], column = l[1][i];
  out[0] = l[0][best];
  out[1] = l[1][best];
  out[2] = value;
  out[3] = column;
}

void relax(int32_t n, const int32_t* cost, const int32_t* price, int32_t base, int32_t row, const int32_t* closed, int32_t* key, int32_t* from, int32_t* out) {
  const I b = splat_bits(base), r = splat_bits(row);
  I low = splat_bits(INT32_MAX), low_at = {}, at = first_columns();
  for (int32_t j = 0; j < n; j += kWidth, at += kWidth) {
    const I candidate = (load_bits(cost + j) - load_bits(price + j) + b) | load_bits(closed + j), old = load_bits(key + j);
    const auto better = candidate < old;
    const I now = select_bits(better, candidate, old);
    store_bits(key + j, now);
    store_bits(from + j, select_bits(better, r, load_bits(from + j)));
    const auto lower = now < low;
    low = select_bits(lower, now, low);
    low_at = select_bits(lower, at, low_at);
  }
  alignas(64) int32_t l[2][kWidth];
  store_bits(l[0], low);
  store_bits(l[1], low_at);
  int best = 0;
  for (int i = 1; i < kWidth; i++)
    if (l[0][i] < l[0][best] || (l[0][i] == l[0][best] && l[1][i] < l[1][best])) best = i;
  out[0] = l[0][best];
  out[1] = l[1][best];
}

}  // namespace
