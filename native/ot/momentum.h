// Heavy ball (Polyak 1964) for a fixed-point iteration x <- F(x) whose error shrinks by l_i in [0, q) along the eigenvectors of F':
//   x_k+1 = x_k + a (F(x_k) - x_k) + b (x_k - x_k-1),   a = 4 / (1 + s)^2,  b = ((1 - s) / (1 + s))^2,  s = sqrt(1 - q),
// shrinks every error by (1 - s) / (1 + s) a step. q is measured: over kWindow steps the residual shrank by r a step, and the slowest error by r = root of
// r^2 - (1 + b - a (1 - q)) r + b. What is measured early is too small a q, which is safe. Where the residual grew, momentum is let go.
// Turns to 1e-3 in a float64 trial of single batches, plain -> heavy ball (Anderson's mixing of 5 residuals): 322 -> 43 (35), 63 -> 21 (13), 184 -> 49 (51),
// 1344 -> 114 (174). Of windows of 2, 3, 4, 5, 6, 8 and 16 steps short ones mostly need least, but 3 and 6 took over twice as many as 4 on one batch each of
// about 80. With 4 none of them needed more turns than plain iteration.
#pragma once

namespace flow {

class Momentum {
 public:
  void reset() { *this = {}; }
  // After a step: sum of the residuals there.
  void observe(double residual) {
    if (seen_++ == 0) since_ = residual;
    if (seen_ <= kWindow) return;
    const double rate = __builtin_sqrt(__builtin_sqrt(residual / since_));
    if (!(rate < 1)) {
      pull_ = 1;
      push_ /= 4;
    } else if (rate * rate > push_) {
      const double left = (1 + push_ - rate - push_ / rate) / pull_, s = __builtin_sqrt(left < kLeast ? kLeast : left < 1 ? left : 1);
      pull_ = 4 / ((1 + s) * (1 + s));
      push_ = (1 - s) / (1 + s) * ((1 - s) / (1 + s));
    }
    since_ = residual;
    seen_ = 1;
  }
  double next(double x, double f, double before) const { return x + pull_ * (f - x) + push_ * (x - before); }

 private:
  static constexpr int kWindow = 4;         // the fourth root above
  static constexpr double kLeast = 1e-5;    // of 1 - q
  double pull_ = 1, push_ = 0, since_ = 0;  // a, b, the residual at the start of the window
  int seen_ = 0;
};

}  // namespace flow
