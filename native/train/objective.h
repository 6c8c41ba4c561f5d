// What a row adds to the loss. With q = |v - target|^2, w(t) from a table and d columns, the loss of a batch of B rows is the mean over rows of
//   squares        w q / d                      (the mean squared error per element)
//   pseudo-Huber   w (sqrt(q + c^2) - c)        (arXiv 2310.14189)
//   adaptive       w q / sg(q + c)^p            (sg: no gradient through it; arXiv 2505.13447)
#pragma once
#include <cstdint>

namespace flow {

enum class Target : int32_t { kVelocity = 0, kX1, kNoise };
enum class LossKind : int32_t { kSquares = 0, kPseudoHuber, kAdaptive };

struct ObjectiveOptions {
  Target target = Target::kVelocity;  // what the network is to say: u_t, x1 or x0
  LossKind loss = LossKind::kSquares;
  double c = 0, power = 0;
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

// x^p for x > 0 by additions, multiplications and divisions only: the same bits everywhere. Relative error below 1e-14 for |p log2 x| < 1000.
double power_of(double x, double p);

}  // namespace flow
