// Costs |x_i - y_j|^p, p = 1 or 2, between two sets of n points, never stored: exactly as integers, one at a time, or a row at a time in f32.
// The points are shifted and scaled by a power of two so that no cost exceeds 1; an integer cost is the nearest multiple of 2^-kCostBits.
// They stand in a drawn order, so that the first m of them are a fair sample.
#pragma once
#include "core/buffer.h"
#include "kernels/kernels.h"

namespace flow {

constexpr int kCostBits = 46;  // sums along a path of costs and prices stay below 2^50

class PointCosts {
 public:
  // x, y (n, depth) row-major and finite.
  Status init(int32_t n, int32_t depth, const double* x, const double* y, int32_t power);

  int32_t size() const { return n_; }
  int64_t exact(int32_t i, int32_t j) const;
  // out[j] = cost (i, j) for j in [first, last) and up to 15 columns on, off by less than margin(); first is a multiple of 16, out of 64 bytes.
  void row(const Kernels& k, int32_t i, int32_t first, int32_t last, float* out) const;
  // Also covers a price of at most 3 in f32 and its subtraction.
  float margin() const { return margin_; }
  uint32_t x_index(int32_t i) const { return x_order_[i]; }  // where the caller keeps point i
  uint32_t y_index(int32_t j) const { return y_order_[j]; }
  // sum_i |x_i - y_at(i)|^p / n in the caller's unit.
  double mean(const int32_t* column_of) const;

 private:
  double cost(int32_t i, int32_t j) const;
  Status place(const double* points, const double* centre, uint64_t stream, Buffer<uint32_t>* order, Buffer<double>* to) const;

  int32_t n_ = 0, depth_ = 0, power_ = 2;
  int64_t stride_ = 0;
  double scale_ = 1;  // caller's unit -> ours
  float margin_ = 0;
  Buffer<uint32_t> x_order_, y_order_;
  Buffer<double> x_, y_;     // (n, depth)
  Buffer<float> from_, to_;  // (n, depth), (depth, stride)
};

}  // namespace flow
