// The kernel table: plain structs over plain pointers; no kernel allocates, spawns or throws.
//
// One layout, on every ISA:
//   blocked matrix (rows, cols): [ceil(cols/32)][row capacity][32]; element (r, c) stands at
//     data[(c / 32) * block + r * 32 + c % 32], where `block` = capacity * 32 floats. Lanes past `cols` are zero.
//   panels of a weight W (out, in): [ceil(out/32)][in][32]; element (o, i) at data[((o/32)*in + i)*32 + o%32], lanes past `out` zero.
//   bias and other vectors: padded with zeros to a multiple of 32.
// All pointers are 64-byte aligned; no kernel reads or writes past the padded extent.
//
// Bits (f32): every output element accumulates its products with fma over k in order, from zero, in blocks of kSumBlock;
// block sums are added in order; bias last. A dense layer of few outputs sums by lanes instead (DenseArgs::by_lanes). Reductions over a row or a buffer use 16
// virtual lanes and a fixed tree. AVX2, AVX-512 and NEON give the same bits; the x86-64-v2 baseline has no fma and need not.
#pragma once
#include <cstdint>
#include <utility>

#include "kernels/feistel.h"

namespace flow {

constexpr int32_t kLanes = 32;      // width of a panel and of a feature block
constexpr int32_t kSumBlock = 128;  // products summed from zero before they join the total
constexpr int32_t kVirtualLanes = 16;
constexpr int32_t kFewOutputs = 4, kFewInputs = 2048;
// Whether a dense layer of this shape has few outputs, and sums by lanes in f32 forward.
constexpr bool few_outputs(int32_t out, int32_t in) { return out > 0 && out <= kFewOutputs && in >= kVirtualLanes && in <= kFewInputs; }

enum class Activation : int32_t { kIdentity = 0, kSilu, kGelu, kSelu, kElu, kRelu, kTanh };

struct Blocked {  // a blocked matrix as seen by a kernel
  float* data;
  int64_t block;  // floats between feature blocks (row capacity * 32)
  int32_t rows, cols;
};
struct ConstBlocked {
  const float* data;
  int64_t block;
  int32_t rows, cols;
  ConstBlocked(const float* d, int64_t b, int32_t r, int32_t c) : data(d), block(b), rows(r), cols(c) {}
  ConstBlocked(const Blocked& m) : data(m.data), block(m.block), rows(m.rows), cols(m.cols) {}
};

// y = f(x W): the dense layer forward, and backward-data with transposed panels.
//   z = x W + bias (bias may be null);  slope = act'(z) where slope.data != null;  r = act(z)
//   if accumulate: r += y;   if mul.data: r *= mul;   y = r
struct DenseArgs {
  ConstBlocked x;       // (rows, in)
  const float* panels;  // [ceil(out/32)][in][32]
  const float* bias;    // [ceil(out/32)*32] or null
  Activation activation;
  Blocked y;         // (rows, out)
  Blocked slope;     // (rows, out) or data == null
  ConstBlocked mul;  // (rows, out) or data == null
  bool accumulate;
  // Every output element is a reduction over k (16 virtual lanes, fixed tree) instead of blocks of k. Only for a whole layer forward where
  // few_outputs(out, in) holds: a part of a layer would sum in another order than the whole. Reads the lanes past the columns of x, zeros as everywhere.
  // `transposed` are the panels of W^T, where somebody has them: they are made in every call otherwise.
  bool by_lanes = false;
  const float* transposed = nullptr;
};

// dW (+)= x^T g in panels of W (out, in), db (+)= column sums of g. Rows are summed from zero in blocks of kSumBlock, then added
// to what is there when `accumulate`. Only panels [panel_begin, panel_end) are touched, and of their rows only the features [feature_begin, feature_end) of
// x (feature_begin a multiple of 32); db belongs to the part whose feature_begin is 0.
struct WeightGradArgs {
  ConstBlocked x;  // (rows, in)
  ConstBlocked g;  // (rows, out)
  float* panels;   // [ceil(out/32)][in][32]
  float* bias;     // [ceil(out/32)*32] or null
  int32_t panel_begin, panel_end;
  bool accumulate;
  int32_t feature_begin = 0, feature_end = INT32_MAX;
};

struct AdamArgs {  // one pass over n (multiple of 32) values: m, v (subnormal moments become zero), decoupled decay, update, EMA
  int64_t n;
  float* p;
  const float* g;
  float* m;
  float* v;
  float* ema;        // ema may be null
  float grad_scale;  // clip scale, applied to g first
  float lr;
  double beta1, beta2;  // double: 1 - beta is formed before rounding (1 - 0.999f is wrong by 1.3e-5)
  float epsilon, weight_decay;
  double correction1, correction2;  // 1 - beta^step (computed in double by the caller)
  double ema_decay;                 // ema = ema_decay * ema + (1 - ema_decay) * p
};

// y[r y_row] = sum over copies, then columns, of a b: 16 virtual lanes through all of them, then the fixed tree. Padding lanes of a must be zero.
struct TraceArgs {
  int32_t rows, copies, blocks;  // blocks of 32 columns
  const float* a;                // copy k, block j, row r at a + k a_copy + j a_block + r 32
  int64_t a_copy, a_block;
  const float* b;  // ... and r b_row: 32, or 0 = one row for all
  int64_t b_copy, b_block, b_row;
  float* y;
  int64_t y_row;
};

struct PhiloxKey {
  uint32_t lo, hi;
};  // 64-bit seed

struct Kernels {
  const char* isa;  // "reference", "baseline", "avx2", "avx512", "neon"
  void (*dense)(const DenseArgs&);
  void (*weight_grad)(const WeightGradArgs&);
  // panels of W (out, in) -> panels of W^T (in, out)
  void (*transpose_panels)(const float* panels, int32_t out, int32_t in, float* transposed);
  // blocked <-> row-major (rows, cols), row stride in floats
  void (*to_blocked)(const float* rows, int64_t stride, Blocked y);
  void (*from_blocked)(ConstBlocked x, float* rows, int64_t stride);
  // r = act(z), slope = act'(z) where slope != null; r may be z; n floats, multiple of 32 unless stated
  void (*activate)(Activation act, int64_t n, const float* z, float* r, float* slope);
  void (*multiply)(int64_t n, const float* a, const float* b, float* y);  // y = a * b
  void (*add)(int64_t n, const float* a, const float* b, float* y);       // y = a + b
  void (*scale)(int64_t n, float s, const float* a, float* y);            // y = s * a
  // y = x + sum_j c[j] k[j] (fma in order of j): a Runge-Kutta stage
  void (*combine)(int64_t n, const float* x, int32_t terms, const float* c, const float* const* k, float* y);
  // y[r] = a[r] x1[r] + s[r] x0[r] + g[r] eps[r] per row of row-major (rows, cols) with equal strides; eps may be null
  void (*mix)(int32_t rows, int32_t cols, const float* a, const float* x1, const float* s, const float* x0, const float* g, const float* eps, float* y);
  // loss[r] = sum over a row of (v - u)^2 (16 virtual lanes, fixed tree; `weight` does not enter); g = weight[r] * factor * (v - u).
  // g.data may be null, then weight and factor are not read.
  void (*squared_error)(ConstBlocked v, ConstBlocked u, const float* weight, float factor, Blocked g, float* loss);
  double (*sum_squares)(int64_t n, const float* x, bool* finite);  // n multiple of 16; fixed tree; finite is cleared when any value is not
  void (*adam)(const AdamArgs&);
  // Layer norm over cols of each row: xhat = (x - mean) * rstd; y = xhat * gamma + beta. mean and rstd (rows) are written for backward.
  void (*layer_norm)(ConstBlocked x, const float* gamma, const float* beta, float epsilon, Blocked y, float* mean, float* rstd);
  // dx (+)= ..., dgamma/dbeta (+)= sums over rows (in blocks of kSumBlock); dgamma null: dx only; dx.data null: the sums only, of any range of columns
  void (*layer_norm_grad)(ConstBlocked x, ConstBlocked dy, const float* gamma, const float* mean, const float* rstd, bool accumulate_dx, Blocked dx,
                          bool accumulate_params, float* dgamma, float* dbeta);
  void (*sincos)(int64_t n, const float* x, float* s, float* c);  // any n
  // Philox4x32-10. Counter words: {row lo, row hi, stream, group}; group g gives columns 4g .. 4g+3 of that row.
  void (*random_uniform)(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, int32_t cols, float* y,
                         int64_t stride);  // in (0, 1): (k + 0.5) 2^-23 with k the upper 23 bits, exact in f32
  void (*random_normal)(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, int32_t cols, float* y,
                        int64_t stride);  // Box-Muller on pairs of words
  // y[r] = floor(w n / 2^64), w the first two words of row first_row + r (the upper first), group 0
  void (*random_below)(PhiloxKey key, uint32_t stream, uint64_t first_row, int32_t rows, uint32_t n, uint32_t* y);
  void (*feistel)(const FeistelArgs& rounds, int32_t n, uint32_t* l, uint32_t* r);  // feistel_cell for n cells, a multiple of 32, in place
  // Linear assignment; n a multiple of 16, rows aligned, ties to the lowest column.
  // y[r y_stride + j] = sum_k (a[r depth + k] - b[k stride + j])^2, fma in order of k
  void (*distances)(int32_t rows, int32_t n, int32_t depth, const float* a, const float* b, int64_t stride, float* y, int64_t y_stride);
  // The smallest cost - price and its column, then the second smallest and its column.
  void (*cheapest_two)(int32_t n, const int32_t* cost, const int32_t* price, int32_t* out);
  // key = min(key, (cost - price + base) | closed), from = row where that is new; the least key and its column. closed is 0 or INT32_MAX.
  void (*relax)(int32_t n, const int32_t* cost, const int32_t* price, int32_t base, int32_t row, const int32_t* closed, int32_t* key, int32_t* from,
                int32_t* out);
  float (*largest)(int32_t n, const float* x);  // of n floats >= 0, 0 without any; any n
  // y = min(round(min(x, most) factor), limit), halves up; any n
  void (*quantise)(int32_t n, const float* x, float most, float factor, int32_t limit, int32_t* y);
  // Forward derivatives.
  void (*scale_rows)(ConstBlocked a, const float* w, int64_t w_block, Blocked y);  // y[r][c] = a[r][c] w[c]; block j of w at w + j w_block
  void (*trace)(const TraceArgs&);
  // The derivative of layer_norm along `along`, given its mean and rstd.
  void (*layer_norm_tangent)(ConstBlocked x, ConstBlocked along, const float* gamma, const float* mean, const float* rstd, Blocked y);
  // Steps of a size of their own per row; x, y and the k_j are blocked (rows, cols) with one `block`, lanes past the last column zero.
  // y[r] = x[r] + h[r] sum_j c[j] k_j[r] (fma in order of j); lanes past the last column keep their zeros
  void (*advance_rows)(int32_t rows, int32_t cols, int64_t block, const float* h, const float* x, int32_t terms, const float* c, const float* const* k,
                       float* y);
  // out[r] = sum over the row of q^2 (16 virtual lanes, fixed tree), q = h[r] sum_j c[j] k_j[r] / (atol + rtol max(|x|, |y|)); not finite where y is not.
  // atol > 0.
  void (*error_rows)(int32_t rows, int32_t cols, int64_t block, const float* h, const float* x, const float* y, int32_t terms, const float* c,
                     const float* const* k, float atol, float rtol, float* out);
  // Entropic transport; n a multiple of 16, rows aligned, columns that count for nothing at -1e30; exponentials below e^-87 are 0.
  float (*log_sum_exp)(int32_t n, const float* a, const float* b);                         // ln sum_j e^(a_j + b_j): less the largest, 16 virtual lanes
  void (*exponentials)(int32_t n, const float* a, const float* b, float shift, float* y);  // y_j = e^(a_j + b_j - shift)
  void (*logarithms)(int32_t n, const float* x, float* y);                                 // y_j = ln x_j, x_j normal and > 0
  // m (rows, n), row r at m + r stride. y[r] = sum_j m[r][j] v[j]: 16 virtual lanes, fixed tree
  void (*row_products)(int32_t rows, int32_t n, const float* m, int64_t stride, const float* v, float* y);
  // y[j] = sum_r w[r] m[r][j]: fma in order of r, from zero
  void (*weighted_rows)(int32_t rows, int32_t n, const float* m, int64_t stride, const float* w, float* y);
};

const Kernels& reference_kernels();            // plain loops, the oracle
const Kernels* kernels_for(const char* isa);   // null where this CPU, OS or build lacks it
const Kernels& kernels();                      // chosen once: best available, or FLOWMATCH_ISA (then see kernels_error)
const char* kernels_error();                   // null, or why FLOWMATCH_ISA could not be obeyed and what is available; check it at load
int32_t available_isas(const char* names[8]);  // best first, "reference" last; returns how many

}  // namespace flow
