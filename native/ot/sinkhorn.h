// The entropic plan between n rows of noise and n of data, each of weight 1/n, by Sinkhorn's iteration (arXiv 1306.0895):
//   P_ij = exp(phi_i + psi_j - c_ij) / n^2,  c = cost / reg,  phi_i = -kappa (ln sum_j exp(psi_j - c_ij) - ln n), psi likewise,
// kappa = 1 where marginals are held; where leaving them costs reg_m KL, kappa = 1 / (1 + rho), rho = reg / reg_m (arXiv 1607.05816).
//   Stabilised scaling (arXiv 1610.06519): the matrix exp(phi + psi - c) is kept and a turn multiplies it by what the potentials have moved since, from both
// sides in one reading; where they have moved far, its logarithm takes that in and exponentials are taken anew. A row whose sum is too small for f32 beside its
// columns is summed by logarithms. phi moves with momentum (ot/momentum.h); psi is exact in every turn.
//   To 1e-3, AVX2, one thread, costs and draws included, against sums of exponentials in every turn without momentum; before: means of 10 batches in wall time,
// after: of the first 6 of them in processor time, as the machine had become busy. ms and turns of 512 rows at an absolute regularisation of 2, 8 gaussians to
// moons (costs to hundreds) 190, 417 -> 5.2, 42, back 225, 493 -> 5.7, 43, N to 8 gaussians 9.9, 17 -> 2.6, 12; of 256 rows at .05 of the mean cost 8.3, 63 ->
// .61, 20, N to moons at .01 31, 272 -> 2.0, 45, unbalanced 6.1, 55 -> .62, 17.
#pragma once
#include "core/buffer.h"
#include "core/stop.h"
#include "kernels/kernels.h"
#include "ot/momentum.h"

namespace flow {

class Sinkhorn {
 public:
  Status init(int64_t rows);
  struct Options {
    double rho = 0;
    int32_t turns = 1000;
    double tolerance = 1e-3;
  };
  // costs (n, stride): c_ij >= 0, stride = n rounded up to 16; the memory is used until the next call. Ends when the masses of the rows of noise are off by
  // less than `tolerance` in all (L1, of a plan of mass 1; unbalanced, of the larger of both masses), those of data being exact, or after `turns`. A pure
  // function of the costs. false: stopped on the way.
  bool solve(const Kernels& k, int32_t n, int64_t stride, float* costs, const Options& options, int32_t threads, const StopFlag* stop);
  // Of the plan found: out[i - first] ~ P_ij for i in [first, first + count), multiples of 16; aligned. One factor for a whole j.
  void weights(const Kernels& k, int32_t j, int32_t first, int32_t count, float* out) const;
  // The i where a share u in (0, 1) of the weights of j has passed.
  int32_t draw(const Kernels& k, int32_t j, float u) const;
  const float* masses() const { return mass_.data(); }  // of the rows of data, up to one factor; the largest is 1
  int32_t turns() const { return turns_; }
  double error() const { return error_; }  // what `tolerance` is held against

 private:
  struct Side {           // noise, data
    Buffer<double> base;  // the potential that the matrix has taken in
    Buffer<float> step;   // and what it has moved by since
    Buffer<float> scale;  // e^step
    Buffer<float> sum;    // ln of the row's (column's) sum, at its last turn
    float largest = 0;    // of |step|
  };
  void begin(const Kernels& k, const float* costs, int32_t threads);
  void turn(const Kernels& k, double rho, int32_t threads, const StopFlag* stop);
  void take_in(const Kernels& k, int32_t threads);
  void sum_columns(const Kernels& k, int32_t threads);
  void move_noise(const Kernels& k, double rho);
  double wish(const Side& own, double rho);
  double excess(const Kernels& k, double rho);

  int32_t n_ = 0, turns_ = 0;
  int64_t stride_ = 0;
  float log_n_ = 0;
  double error_ = 0;
  float* plan_ = nullptr;  // (data, noise): e^log_
  Buffer<float> log_;      // (data, noise): phi + psi - c of the bases
  Side noise_, data_;
  Momentum momentum_;
  Buffer<double> before_;                     // phi, a turn ago
  Buffer<float> part_;                        // (tasks, noise): column sums of 16 rows each
  Buffer<float> mass_, wanted_, zero_, one_;  // wanted: logarithms of the masses that the potentials ask for
};

}  // namespace flow
