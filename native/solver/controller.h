// How long the next step is, in double. Elementary functions are written out, so that every machine takes the same steps.
//   integral: h <- h clip(0.9 e^(-1/p), 0.2, 10);  pi, after an accepted step: h clip(0.9 e^(-0.7/p) before^(0.4/p), 0.2, 10);  p = errorOrder + 1
// No growth right after a rejection. Sources: Hairer, Norsett, Wanner I, section II.4; Gustafsson, ACM TOMS 17 (1991).
#pragma once
#include <cstdint>

namespace flow {

// For x in [2^-1022, 2^1023] and |y| < 1022; within 1e-14.
double log2_of(double x);
double exp2_of(double y);

class Controller {
 public:
  Controller(int32_t error_order, bool pi) : p_(error_order + 1), pi_(pi) {}
  // Of a rejected step; an error that is not finite shrinks most.
  double after_rejection(double error) const;
  // Of an accepted step; `before`: log2 of the last accepted error, updated.
  double after_acceptance(double error, bool rejected_before, double* before) const;
  // From d1 = |slope| and d2 = |second derivative| in units of the tolerance, h0 the probe's length.
  double first_step(double h0, double d1, double d2) const;

 private:
  double p_;
  bool pi_;
};

// h0 of the probe, before it is cut to the interval.
double probe_length(double d0, double d1);

}  // namespace flow
