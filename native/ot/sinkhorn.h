// The entropic plan between n and n rows of weight 1/n, by Sinkhorn's iteration in the log domain (arXiv 1306.0895):
//   P_ij = exp(phi_i + psi_j - c_ij) / n^2,  c = cost / reg,  phi_i = -kappa (ln sum_j exp(psi_j - c_ij) - ln n), psi likewise,
// kappa = 1 where marginals are held; where leaving them costs reg_m KL, kappa = 1 / (1 + rho), rho = reg / reg_m (arXiv 1607.05816).
// The matrix holds phi + psi - c and takes in what the potentials have moved by, so that what matters in it is near 0 and f32 is enough.
#pragma once
#include "core/buffer.h"
#include "core/stop.h"
#include "kernels/kernels.h"

namespace flow {

class Sinkhorn {
 public:
  Status init(int64_t rows);
  // matrix (n, stride), stride = n rounded up to 16: -c_ij, and -1e30 from column n on; it is worked in. Stops when the rows' masses are off by less than
  // `tolerance` in all (L1, of a plan of mass 1), those of the columns being exact. A pure function of the matrix. false: stopped on the way.
  bool solve(const Kernels& k, int32_t n, int64_t stride, float* matrix, double rho, int32_t iterations, double tolerance, int32_t threads,
             const StopFlag* stop);
  // Of the plan found: out[i] ~ P_ij over i, their sum near 1; aligned, `stride` values.
  void column(const Kernels& k, int32_t j, float* out) const;
  const float* masses() const { return mass_.data(); }  // of the columns, up to one factor; the largest is 1
  int32_t iterations() const { return iterations_; }

 private:
  struct Side {           // of the rows, of the columns
    Buffer<double> base;  // the potential that the matrix has taken in
    Buffer<float> step;   // and what it has moved by since
    Buffer<float> sum;    // ln of the row's (column's) sum, at its last turn
    float largest = 0;    // of |step|
  };
  bool turn(const Kernels& k, const float* matrix, Side& own, const Side& other, int32_t threads, const StopFlag* stop);
  void raise(Side& own, double rho);
  double wish(const Side& own, double rho);
  double excess(const Kernels& k, double rho);
  void take_in(float* matrix, int32_t threads);

  int32_t n_ = 0, iterations_ = 0;
  int64_t stride_ = 0;
  float log_n_ = 0;
  Side row_, column_;
  Buffer<float> turned_;                // the matrix, transposed
  Buffer<float> mass_, wanted_, zero_;  // wanted: logarithms of the masses that the potentials ask for
};

}  // namespace flow
