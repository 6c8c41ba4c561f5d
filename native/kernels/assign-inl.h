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

// The least of all lanes and, where it stands, the least of `at`: by halves of the vector, without branches, which a search from lane to lane would guess
// wrong.
template <int W, int... J>
FLOW_INLINE I rotated(I x, std::integer_sequence<int, J...>) {
  return __builtin_shufflevector(x, x, ((J + W) % kWidth)...);
}
template <int W = kWidth / 2>
FLOW_INLINE I least(I x) {  // in every lane
  if constexpr (W == 0) {
    return x;
  } else {
    const I other = rotated<W>(x, std::make_integer_sequence<int, kWidth>());
    return least<W / 2>(minimum(x, other));
  }
}
FLOW_INLINE I least_at(I x, I lowest, I at) { return least(select_bits(x == lowest, at, splat_bits(INT32_MAX))); }

// R rows of a, which share what is read of b: its columns do not fit into the first-level cache.
template <int R, int V>
FLOW_INLINE void distances_of(int32_t depth, const float* a, const float* b, int64_t stride, float* y, int64_t y_stride) {
  F sum[R][V] = {};
  for (int32_t k = 0; k < depth; k++, b += stride) {
    F c[V];
    FLOW_EACH(v, V) c[v] = load(b + v * kWidth);
    FLOW_EACH(r, R) {
      const F from = splat(a[r * depth + k]);
      FLOW_EACH(v, V) {
        const F d = from - c[v];
        sum[r][v] = fma(d, d, sum[r][v]);
      }
    }
  }
  FLOW_EACH(r, R) FLOW_EACH(v, V) store(y + r * y_stride + v * kWidth, sum[r][v]);
}
template <int R>
FLOW_INLINE void distances_rows(int32_t n, int32_t depth, const float* a, const float* b, int64_t stride, float* y, int64_t y_stride) {
  constexpr int V = 16 / kWidth;  // of 16 columns; two such groups side by side where there are as many
  int32_t j = 0;
  for (; j + 32 <= n; j += 32) distances_of<R, 2 * V>(depth, a, b + j, stride, y + j, y_stride);
  for (; j < n; j += 16) distances_of<R, V>(depth, a, b + j, stride, y + j, y_stride);
}

void distances(int32_t rows, int32_t n, int32_t depth, const float* a, const float* b, int64_t stride, float* y, int64_t y_stride) {
  constexpr int R = kWidth == 16 ? 8 : kWidth == 8 ? 2 : 1;
  int32_t r = 0;
  for (; r + R <= rows; r += R) distances_rows<R>(n, depth, a + int64_t{r} * depth, b, stride, y + r * y_stride, y_stride);
  for (; r < rows; r++) distances_rows<1>(n, depth, a + int64_t{r} * depth, b, stride, y + r * y_stride, y_stride);
}

void cheapest_two(int32_t n, const int32_t* cost, const int32_t* price, int32_t* out) {
  I low = splat_bits(INT32_MAX), next = low, low_at = {}, next_at = {}, at = first_columns();
  for (int32_t j = 0; j < n; j += kWidth, at += kWidth) {
    const I r = load_bits(cost + j) - load_bits(price + j);
    const auto first = r < low, second = r < next;
    next = minimum(next, maximum(low, r));
    next_at = select_bits(first, low_at, select_bits(second, at, next_at));
    low = minimum(low, r);
    low_at = select_bits(first, at, low_at);
  }
  const I first = least(low), first_at = least_at(low, first, low_at);
  const auto taken = (low_at == first_at) & (low == first);
  const I left = select_bits(taken, next, low), left_at = select_bits(taken, next_at, low_at), second = least(left),
          second_at = least_at(left, second, left_at);
  out[0] = first[0];
  out[1] = first_at[0];
  out[2] = second[0];
  out[3] = second_at[0];
}

void relax(int32_t n, const int32_t* cost, const int32_t* price, int32_t base, int32_t row, const int32_t* closed, int32_t* key, int32_t* from, int32_t* out) {
  const I b = splat_bits(base), r = splat_bits(row);
  I low = splat_bits(INT32_MAX), low_at = {}, at = first_columns();
  for (int32_t j = 0; j < n; j += kWidth, at += kWidth) {
    const I candidate = (load_bits(cost + j) - load_bits(price + j) + b) | load_bits(closed + j), old = load_bits(key + j);
    const auto better = candidate < old;
    const I now = minimum(candidate, old);
    store_bits(key + j, now);
    store_bits(from + j, select_bits(better, r, load_bits(from + j)));
    const auto lower = now < low;
    low = minimum(now, low);
    low_at = select_bits(lower, at, low_at);
  }
  const I lowest = least(low);
  out[0] = lowest[0];
  out[1] = least_at(low, lowest, low_at)[0];
}

// The largest of n floats >= 0, 0 without any; any n.
float largest(int32_t n, const float* x) {
  constexpr int V = 4;
  F most[V] = {};
  int32_t j = 0;
  for (; j + V * kWidth <= n; j += V * kWidth) FLOW_EACH(v, V) {
      const F y = load(x + j + v * kWidth);
      most[v] = select(y > most[v], y, most[v]);
    }
  float top = 0;
  FLOW_EACH(v, V) for (int i = 0; i < kWidth; i++) top = most[v][i] > top ? most[v][i] : top;
  for (; j < n; j++) top = x[j] > top ? x[j] : top;
  return top;
}

void quantise(int32_t n, const float* x, float most, float factor, int32_t limit, int32_t* y) {
  const F m = splat(most), f = splat(factor), half = splat(0.5f), end = splat(static_cast<float>(limit));
  const I last = splat_bits(limit);
  int32_t j = 0;
  for (; j + kWidth <= n; j += kWidth) {
    const F d = load(x + j), q = select(d < m, d, m) * f + half;
    store_bits(y + j, select_bits(q < end, __builtin_convertvector(q, I), last));
  }
  for (; j < n; j++) {
    const float q = (x[j] < most ? x[j] : most) * factor + 0.5f;
    y[j] = q < static_cast<float>(limit) ? static_cast<int32_t>(q) : limit;
  }
}

}  // namespace
