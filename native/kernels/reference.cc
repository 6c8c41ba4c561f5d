// The oracle: every entry of the table as plain loops over single elements, in the order that kernels.h promises. The elementary functions are the
// shared ones with vectors of one lane. Slow; nothing here should need a second look to be believed.
#include "kernels/kernels.h"
#include "kernels/narrow.h"
#include "kernels/philox.h"

namespace flow {
namespace reference {

#define FLOW_LANES 1
// clang-format off: the order matters
#include "kernels/simd.h"
#include "kernels/math-inl.h"
#include "kernels/narrow-inl.h"
// clang-format on
#undef FLOW_LANES

namespace {

float at(ConstBlocked m, int r, int c) { return m.data[c / kLanes * m.block + r * kLanes + c % kLanes]; }
float& at(const Blocked& m, int r, int c) { return m.data[c / kLanes * m.block + r * kLanes + c % kLanes]; }
int padded(int n) { return (n + kLanes - 1) / kLanes * kLanes; }

// Sum of n terms: lane l adds terms l, l + 16, ... in order; then the tree l + (l + 8), + 4, + 2, + 1.
template <class T, class Add>
T lanes_sum(int64_t n, Add add) {
  T lanes[kVirtualLanes] = {};
  for (int64_t i = 0; i < n; i++) lanes[i % kVirtualLanes] = add(lanes[i % kVirtualLanes], i);
  for (int width = kVirtualLanes / 2; width > 0; width /= 2)
    for (int l = 0; l < width; l++) lanes[l] += lanes[l + width];
  return lanes[0];
}

// Sum of n terms in order, from zero in blocks of kSumBlock; `total` is what is there already, or null.
template <class Add>
float blocks_sum(int n, const float* total, Add add) {
  float sum = total ? *total : 0.0f;
  for (int first = 0; first < n; first += kSumBlock) {
    float block = 0.0f;
    for (int i = first; i < n && i < first + kSumBlock; i++) block = add(block, i);
    sum = first == 0 && !total ? block : sum + block;
  }
  return sum;
}

float act(Activation activation, float z, float* slope) {
  float r = 0.0f, s = 0.0f;
  switch (activation) {
    case Activation::kIdentity:
      Identity::apply(z, r, s);
      break;
    case Activation::kSilu:
      Silu::apply(z, r, s);
      break;
    case Activation::kGelu:
      Gelu::apply(z, r, s);
      break;
    case Activation::kSelu:
      Selu::apply(z, r, s);
      break;
    case Activation::kElu:
      Elu::apply(z, r, s);
      break;
    case Activation::kRelu:
      Relu::apply(z, r, s);
      break;
    case Activation::kTanh:
      Tanh::apply(z, r, s);
      break;
  }
  if (slope) *slope = s;
  return r;
}

void dense(const DenseArgs& d) {
  for (int r = 0; r < d.y.rows; r++) {
    for (int o = 0; o < padded(d.y.cols); o++) {
      if (o >= d.y.cols) {
        at(d.y, r, o) = 0.0f;
        if (d.slope.data) at(d.slope, r, o) = 0.0f;
        continue;
      }
      const float* w = d.panels + static_cast<int64_t>(o / kLanes) * d.x.cols * kLanes + o % kLanes;
      const auto add = [&](float sum, int64_t i) { return fma(at(d.x, r, static_cast<int>(i)), w[i * kLanes], sum); };
      float z = d.by_lanes ? lanes_sum<float>(d.x.cols, add) : blocks_sum(d.x.cols, nullptr, add);
      if (d.bias) z += d.bias[o];
      float y = act(d.activation, z, d.slope.data ? &at(d.slope, r, o) : nullptr);
      if (d.accumulate) y += at(d.y, r, o);
      if (d.mul.data) y *= at(d.mul, r, o);
      at(d.y, r, o) = y;
    }
  }
}

void weight_grad(const WeightGradArgs& a) {
  for (int o = a.panel_begin * kLanes; o < a.panel_end * kLanes; o++) {
    for (int i = a.feature_begin; i < a.x.cols && i < a.feature_end; i++) {
      float& w = a.panels[(static_cast<int64_t>(o / kLanes) * a.x.cols + i) * kLanes + o % kLanes];
      w = blocks_sum(a.x.rows, a.accumulate ? &w : nullptr, [&](float sum, int r) { return fma(at(a.x, r, i), at(a.g, r, o), sum); });
    }
    if (a.bias && a.feature_begin == 0)
      a.bias[o] = blocks_sum(a.x.rows, a.accumulate ? &a.bias[o] : nullptr, [&](float sum, int r) { return sum + at(a.g, r, o); });
  }
}

void transpose_panels(const float* panels, int32_t out, int32_t in, float* transposed) {
  for (int i = 0; i < padded(in); i++) {
    for (int o = 0; o < out; o++) {
      float& t = transposed[(static_cast<int64_t>(i / kLanes) * out + o) * kLanes + i % kLanes];
      t = i < in ? panels[(static_cast<int64_t>(o / kLanes) * in + i) * kLanes + o % kLanes] : 0.0f;
    }
  }
}

void to_blocked(const float* rows, int64_t stride, Blocked y) {
  for (int r = 0; r < y.rows; r++)
    for (int c = 0; c < padded(y.cols); c++) at(y, r, c) = c < y.cols ? rows[r * stride + c] : 0.0f;
}

void from_blocked(ConstBlocked x, float* rows, int64_t stride) {
  for (int r = 0; r < x.rows; r++)
    for (int c = 0; c < x.cols; c++) rows[r * stride + c] = at(x, r, c);
}

void activate(Activation activation, int64_t n, const float* z, float* r, float* slope) {
  for (int64_t i = 0; i < n; i++) r[i] = act(activation, z[i], slope ? slope + i : nullptr);
}
void multiply(int64_t n, const float* a, const float* b, float* y) {
  for (int64_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}
void add(int64_t n, const float* a, const float* b, float* y) {
  for (int64_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}
void scale(int64_t n, float s, const float* a, float* y) {
  for (int64_t i = 0; i < n; i++) y[i] = s * a[i];
}
void combine(int64_t n, const float* x, int32_t terms, const float* c, const float* const* k, float* y) {
  for (int64_t i = 0; i < n; i++) {
    float sum = x[i];
    for (int j = 0; j < terms; j++) sum = fma(c[j], k[j][i], sum);
    y[i] = sum;
  }
}
float stage_sum(int32_t terms, const float* c, const float* const* k, int64_t at) {
  float sum = terms > 0 ? c[0] * k[0][at] : 0.0f;
  for (int j = 1; j < terms; j++) sum = __builtin_fmaf(c[j], k[j][at], sum);
  return sum;
}
void advance_rows(int32_t rows, int32_t cols, int64_t block, const float* h, const float* x, int32_t terms, const float* c, const float* const* k, float* y) {
  for (int r = 0; r < rows; r++)
    for (int l = 0; l < cols; l++) {
      const int64_t at = l / kLanes * block + r * kLanes + l % kLanes;
      y[at] = __builtin_fmaf(h[r], stage_sum(terms, c, k, at), x[at]);
    }
}
void error_rows(int32_t rows, int32_t cols, int64_t block, const float* h, const float* x, const float* y, int32_t terms, const float* c, const float* const* k,
                float atol, float rtol, float* out) {
  for (int r = 0; r < rows; r++)
    out[r] = lanes_sum<float>(cols, [&](float sum, int64_t l) {
      const int64_t at = l / kLanes * block + r * kLanes + l % kLanes;
      const float before = __builtin_fabsf(x[at]), after = __builtin_fabsf(y[at]);
      const float q = h[r] * stage_sum(terms, c, k, at) / __builtin_fmaf(rtol, before > after ? before : after, atol) + (y[at] - y[at]);
      return __builtin_fmaf(q, q, sum);
    });
}
void mix(int32_t rows, int32_t cols, const float* a, const float* x1, const float* s, const float* x0, const float* g, const float* eps, float* y) {
  for (int r = 0; r < rows; r++) {
    for (int64_t i = static_cast<int64_t>(r) * cols; i < static_cast<int64_t>(r + 1) * cols; i++) {
      const float bridge = fma(a[r], x1[i], s[r] * x0[i]);
      y[i] = eps ? fma(g[r], eps[i], bridge) : bridge;
    }
  }
}

void squared_error(ConstBlocked v, ConstBlocked u, const float* weight, float factor, Blocked g, float* loss) {
  for (int r = 0; r < v.rows; r++) {
    loss[r] = lanes_sum<float>(v.cols, [&](float sum, int64_t c) {
      const float d = at(v, r, static_cast<int>(c)) - at(u, r, static_cast<int>(c));
      return fma(d, d, sum);
    });
    if (!g.data) continue;
    for (int c = 0; c < padded(v.cols); c++) at(g, r, c) = c < v.cols ? weight[r] * factor * (at(v, r, c) - at(u, r, c)) : 0.0f;
  }
}

double sum_squares(int64_t n, const float* x, bool* finite) {
  for (int64_t i = 0; i < n; i++)
    if (!(x[i] - x[i] == 0.0f)) *finite = false;
  return lanes_sum<double>(n, [&](double sum, int64_t i) { return sum + static_cast<double>(x[i]) * static_cast<double>(x[i]); });
}

// Loshchilov, Hutter: Decoupled weight decay regularization, algorithm 2; bias corrections folded into the step and the denominator.
float normal_or_zero(float x) { return __builtin_fabsf(x) < 0x1p-126f ? 0.0f : x; }

void adam(const AdamArgs& a) {
  const float beta1 = static_cast<float>(a.beta1), rest1 = static_cast<float>(1.0 - a.beta1), beta2 = static_cast<float>(a.beta2),
              rest2 = static_cast<float>(1.0 - a.beta2);
  const float step = static_cast<float>(a.lr / a.correction1), keep = 1.0f - a.lr * a.weight_decay, ema_rest = static_cast<float>(1.0 - a.ema_decay);
  const float root = square_root(static_cast<float>(1.0 / a.correction2));
  for (int64_t i = 0; i < a.n; i++) {
    const float g = a.g[i] * a.grad_scale;
    a.m[i] = normal_or_zero(fma(beta1, a.m[i], rest1 * g));
    a.v[i] = normal_or_zero(fma(beta2, a.v[i], rest2 * g * g));
    a.p[i] = fma(-step, a.m[i] / fma(square_root(a.v[i]), root, a.epsilon), a.p[i] * keep);
    if (a.ema) a.ema[i] = fma(ema_rest, a.p[i] - a.ema[i], a.ema[i]);
  }
}

void layer_norm(ConstBlocked x, const float* gamma, const float* beta, float epsilon, Blocked y, float* mean, float* rstd) {
  const float n = static_cast<float>(x.cols);
  for (int r = 0; r < x.rows; r++) {
    mean[r] = lanes_sum<float>(x.cols, [&](float sum, int64_t c) { return sum + at(x, r, static_cast<int>(c)); }) / n;
    const float variance = lanes_sum<float>(x.cols,
                                            [&](float sum, int64_t c) {
                                              const float d = at(x, r, static_cast<int>(c)) - mean[r];
                                              return fma(d, d, sum);
                                            }) /
                           n;
    rstd[r] = 1.0f / square_root(variance + epsilon);
    for (int c = 0; c < padded(x.cols); c++) at(y, r, c) = c < x.cols ? fma((at(x, r, c) - mean[r]) * rstd[r], gamma[c], beta[c]) : 0.0f;
  }
}

void layer_norm_grad(ConstBlocked x, ConstBlocked dy, const float* gamma, const float* mean, const float* rstd, bool accumulate_dx, Blocked dx,
                     bool accumulate_params, float* dgamma, float* dbeta) {
  const float n = static_cast<float>(x.cols);
  auto xhat = [&](int r, int c) { return (at(x, r, c) - mean[r]) * rstd[r]; };
  for (int c = 0; dgamma && c < x.cols; c++) {
    dgamma[c] = blocks_sum(x.rows, accumulate_params ? &dgamma[c] : nullptr, [&](float sum, int r) { return fma(at(dy, r, c), xhat(r, c), sum); });
    dbeta[c] = blocks_sum(x.rows, accumulate_params ? &dbeta[c] : nullptr, [&](float sum, int r) { return sum + at(dy, r, c); });
  }
  for (int r = 0; dx.data && r < x.rows; r++) {
    const float m1 = lanes_sum<float>(x.cols, [&](float sum, int64_t c) { return sum + at(dy, r, static_cast<int>(c)) * gamma[c]; }) / n;
    const float m2 = lanes_sum<float>(x.cols,
                                      [&](float sum, int64_t c) {
                                        const int i = static_cast<int>(c);
                                        return fma(at(dy, r, i) * gamma[c], xhat(r, i), sum);
                                      }) /
                     n;
    for (int c = 0; c < padded(x.cols); c++) {
      const float d = c < x.cols ? rstd[r] * fma(-xhat(r, c), m2, at(dy, r, c) * gamma[c] - m1) : 0.0f;
      at(dx, r, c) = accumulate_dx && c < x.cols ? at(dx, r, c) + d : d;
    }
  }
}

void scale_rows(ConstBlocked a, const float* w, int64_t w_block, Blocked y) {
  for (int r = 0; r < y.rows; r++)
    for (int c = 0; c < padded(y.cols); c++) at(y, r, c) = at(a, r, c) * w[c / kLanes * w_block + c % kLanes];
}

void trace(const TraceArgs& t) {
  const int64_t cols = int64_t{t.blocks} * kLanes;
  for (int64_t r = 0; r < t.rows; r++)
    t.y[r * t.y_row] = lanes_sum<float>(t.copies * cols, [&](float sum, int64_t i) {
      const int64_t copy = i / cols, block = i % cols / kLanes, lane = i % kLanes;
      return fma(t.a[copy * t.a_copy + block * t.a_block + r * kLanes + lane], t.b[copy * t.b_copy + block * t.b_block + r * t.b_row + lane], sum);
    });
}

void layer_norm_tangent(ConstBlocked x, ConstBlocked along, const float* gamma, const float* mean, const float* rstd, Blocked y) {
  const float n = static_cast<float>(x.cols);
  auto xhat = [&](int r, int c) { return (at(x, r, c) - mean[r]) * rstd[r]; };
  for (int r = 0; r < x.rows; r++) {
    const float m1 = lanes_sum<float>(x.cols, [&](float sum, int64_t c) { return sum + at(along, r, static_cast<int>(c)); }) / n;
    const float m2 = lanes_sum<float>(x.cols,
                                      [&](float sum, int64_t c) {
                                        const int i = static_cast<int>(c);
                                        return fma(at(along, r, i), xhat(r, i), sum);
                                      }) /
                     n;
    for (int c = 0; c < padded(x.cols); c++) at(y, r, c) = c < x.cols ? rstd[r] * fma(-xhat(r, c), m2, at(along, r, c) - m1) * gamma[c] : 0.0f;
  }
}

void sincos(int64_t n, const float* x, float* s, float* c) {
  for (int64_t i = 0; i < n; i++) {
    if (magnitude(x[i]) <= 8192.0f) sine_cosine(x[i], s[i], c[i]);
    else sine_cosine_large(x[i], s[i], c[i]);
  }
}

template <class Write>
void draw(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, int32_t cols, Write write) {
  for (int r = 0; r < rows; r++) {
    const uint64_t row = first_row + static_cast<uint64_t>(r);
    for (int c = 0; c < cols; c += 4) {
      const uint32_t counter[4] = {static_cast<uint32_t>(row), static_cast<uint32_t>(row >> 32), stream, static_cast<uint32_t>(c / 4)};
      uint32_t words[4];
      philox(counter, key.lo, key.hi, words);
      for (int j = 0; j < 4 && c + j < cols; j++) write(r, c + j, j, words);
    }
  }
}

void random_uniform(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, int32_t cols, float* y, int64_t stride) {
  draw(key, stream, first_row, rows, cols,
       [&](int r, int c, int j, const uint32_t* words) { y[r * stride + c] = static_cast<float>((words[j] >> 9) * 2 + 1) * 0x1p-24f; });
}

// Box, Muller 1958: sqrt(-2 ln u) (cos, sin)(2 pi t), u = (k + 0.5) 2^-24 from 24 bits of the even word, t a signed fraction of a turn from the odd word.
void random_normal(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, int32_t cols, float* y, int64_t stride) {
  draw(key, stream, first_row, rows, cols, [&](int r, int c, int j, const uint32_t* words) {
    const uint32_t a = words[j & 2], b = words[(j & 2) + 1];
    const float u = fma(static_cast<float>(a >> 8), 0x1p-24f, 0x1p-25f), radius = square_root(-2.0f * logarithm(u));
    const float quarters = static_cast<float>(static_cast<int32_t>(b)) * 0x1p-30f;
    int32_t q;
    float sine, cosine;
    const float nearest_q = nearest(quarters, q);
    quarter_turns((quarters - nearest_q) * 1.57079633f, q, sine, cosine);
    y[r * stride + c] = radius * (j & 1 ? sine : cosine);
  });
}

void random_below(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, uint32_t n, uint32_t* y) {
  for (int32_t r = 0; r < rows; r++) {
    const uint64_t row = first_row + static_cast<uint64_t>(r);
    const uint32_t counter[4] = {static_cast<uint32_t>(row), static_cast<uint32_t>(row >> 32), stream, 0};
    uint32_t w[4];
    philox(counter, key.lo, key.hi, w);
    y[r] = static_cast<uint32_t>((static_cast<unsigned __int128>(uint64_t{w[0]} << 32 | w[1]) * n) >> 64);
  }
}

void feistel(const FeistelArgs& rounds, int32_t n, uint32_t* l, uint32_t* r) {
  for (int32_t i = 0; i < n; i++) feistel_cell(rounds, l[i], r[i]);
}

void distances(int32_t rows, int32_t n, int32_t depth, const float* a, const float* b, int64_t stride, float* y, int64_t y_stride) {
  for (int32_t r = 0; r < rows; r++, a += depth, y += y_stride)
    for (int32_t j = 0; j < n; j++) {
      y[j] = 0;
      for (int32_t k = 0; k < depth; k++) y[j] = fma(a[k] - b[k * stride + j], a[k] - b[k * stride + j], y[j]);
    }
}

void cheapest_two(int32_t n, const int32_t* cost, const int32_t* price, int32_t* out) {
  out[0] = out[2] = INT32_MAX;
  out[1] = out[3] = 0;
  for (int32_t j = 0; j < n; j++) {
    const int32_t r = cost[j] - price[j];
    if (r < out[0]) {
      out[2] = out[0];
      out[3] = out[1];
      out[0] = r;
      out[1] = j;
    } else if (r < out[2]) {
      out[2] = r;
      out[3] = j;
    }
  }
}

void relax(int32_t n, const int32_t* cost, const int32_t* price, int32_t base, int32_t row, const int32_t* closed, int32_t* key, int32_t* from, int32_t* out) {
  out[0] = INT32_MAX;
  out[1] = 0;
  for (int32_t j = 0; j < n; j++) {
    const int32_t candidate = (cost[j] - price[j] + base) | closed[j];
    if (candidate < key[j]) {
      key[j] = candidate;
      from[j] = row;
    }
    if (key[j] < out[0]) {
      out[0] = key[j];
      out[1] = j;
    }
  }
}

float largest(int32_t n, const float* x) {
  float top = 0;
  for (int32_t j = 0; j < n; j++) top = x[j] > top ? x[j] : top;
  return top;
}

void quantise(int32_t n, const float* x, float most, float factor, int32_t limit, int32_t* y) {
  for (int32_t j = 0; j < n; j++) {
    const float q = (x[j] < most ? x[j] : most) * factor + 0.5f;
    y[j] = q < static_cast<float>(limit) ? static_cast<int32_t>(q) : limit;
  }
}

float plan_exponential(float x) { return x < -87.0f ? 0.0f : exponential(x); }

float log_sum_exp(int32_t n, const float* a, const float* b) {
  float most = -3.4e38f;
  for (int32_t j = 0; j < n; j++) most = a[j] + b[j] > most ? a[j] + b[j] : most;
  return most + logarithm(lanes_sum<float>(n, [&](float sum, int64_t j) { return sum + plan_exponential((a[j] + b[j]) - most); }));
}

void exponentials(int32_t n, const float* a, const float* b, float shift, float* y) {
  for (int32_t j = 0; j < n; j++) y[j] = plan_exponential((a[j] + b[j]) - shift);
}

void logarithms(int32_t n, const float* x, float* y) {
  for (int32_t j = 0; j < n; j++) y[j] = logarithm(x[j]);
}

void row_products(int32_t rows, int32_t n, const float* m, int64_t stride, const float* v, float* y) {
  for (int32_t r = 0; r < rows; r++) y[r] = lanes_sum<float>(n, [&](float sum, int64_t j) { return fma(m[r * stride + j], v[j], sum); });
}

void weighted_rows(int32_t rows, int32_t n, const float* m, int64_t stride, const float* w, float* y) {
  for (int32_t j = 0; j < n; j++) {
    y[j] = 0;
    for (int32_t r = 0; r < rows; r++) y[j] = fma(w[r], m[r * stride + j], y[j]);
  }
}

}  // namespace
}  // namespace reference

const NarrowKernels& reference_narrow() {
  using namespace reference;
  static const NarrowKernels table = FLOW_NARROW_TABLE("fallback", false);
  return table;
}

const Kernels& reference_kernels() {
  using namespace reference;
  static const Kernels table = {"reference",
                                dense,
                                weight_grad,
                                transpose_panels,
                                to_blocked,
                                from_blocked,
                                activate,
                                multiply,
                                add,
                                scale,
                                combine,
                                mix,
                                squared_error,
                                sum_squares,
                                adam,
                                layer_norm,
                                layer_norm_grad,
                                sincos,
                                random_uniform,
                                random_normal,
                                random_below,
                                feistel,
                                distances,
                                cheapest_two,
                                relax,
                                largest,
                                quantise,
                                scale_rows,
                                trace,
                                layer_norm_tangent,
                                advance_rows,
                                error_rows,
                                log_sum_exp,
                                exponentials,
                                logarithms,
                                row_products,
                                weighted_rows};
  return table;
}

}  // namespace flow
