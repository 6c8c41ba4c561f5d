// What a row adds to the loss. With q = |v - target|^2, w(t) from a table and d columns, the loss of a batch of B rows is the mean over rows of
//   squares        w q / d                      (the mean squared error per element)
//   pseudo-Huber   w (sqrt(q + c^2) - c)        (arXiv 2310.14189)
//   adaptive       w q / sg(q + c)^p            (sg: no gradient through it; arXiv 2505.13447)
// Score and flow (arXiv 2307.03672): a network of two heads v and s, q = |v - u|^2 + |lambda s + eps|^2 with lambda = 2 gamma_t / sigma(t)^2, so that s
// learns sigma(t)^2 / 2 grad log p_t.
#pragma once
#include <cstdint>

#include "kernels/kernels.h"

namespace flow {

enum class Target : int32_t { kVelocity = 0, kX1, kNoise, kScoreAndFlow };
enum class LossKind : int32_t { kSquares = 0, kPseudoHuber, kAdaptive };

struct ObjectiveOptions {
  Target target = Target::kVelocity;  // what the network is to say: u_t, x1 or x0
  LossKind loss = LossKind::kSquares;
  double c = 0, power = 0;
  double sigma = 0;                 // of score and flow: sigma(t)^2 is sigma^2,
  bool varies = false;              // or sigma^2 dAlpha, the diffusion of a bridge of any sigma(t)
  const double* weights = nullptr;  // at equidistant t in [times.t_min, times.t_max], linear between; null = 1
  int64_t weight_count = 0;
  bool importance = false;  // w(t) is divided by the density of t, relative to the uniform one
};

class RowLoss {
 public:
  RowLoss() = default;
  RowLoss(const ObjectiveOptions& o, int32_t dimension) : kind_(o.loss), c_(o.c), power_(o.power), d_(dimension) {}
  bool squares() const { return kind_ == LossKind::kSquares; }
  // In: `loss` holds q, `weight` w(t). Out: `loss` times 1 / (B d), summed over rows, is the loss; weight * 2 / (B d) * (v - target) its gradient in v.
  void apply(int32_t rows, float* loss, float* weight) const;

 private:
  LossKind kind_ = LossKind::kSquares;
  double c_ = 0, power_ = 0;
  int32_t d_ = 1;
};

// m[r, first ..) *= by[r], by null = 1: the score head before its error is taken, and its gradient after.
void scale_columns(Blocked m, int32_t first, const float* by);

// x^p for x > 0 by additions, multiplications and divisions only: the same bits everywhere. Relative error below 1e-14 for |p log2 x| < 1000.
double power_of(double x, double p);

}  // namespace flow
