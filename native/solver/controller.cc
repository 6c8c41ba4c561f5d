#include "solver/controller.h"

#include <bit>

namespace flow {

namespace {
constexpr double kLog2E = 1.4426950408889634, kLn2 = 0.6931471805599453;
constexpr double kSafety = 0.9, kLeast = 0.2, kMost = 10;
const double kErrorFloor = -13.287712379549449;  // log2(1e-4): what `pi` takes for an error that is next to nothing

bool finite(double x) { return x - x == 0; }
double clip(double factor) { return factor < kLeast ? kLeast : factor > kMost ? kMost : factor; }
}  // namespace

// x = 2^n m with m in [sqrt(1/2), sqrt(2));  ln m = 2 (s + s^3/3 + s^5/5 ...), s = (m - 1) / (m + 1), |s| < 0.172
double log2_of(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int64_t n = static_cast<int64_t>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++n;
  }
  const double s = (m - 1) / (m + 1), q = s * s;
  double sum = 0;
  for (int k = 19; k >= 1; k -= 2) sum = sum * q + 1.0 / k;
  return static_cast<double>(n) + 2 * s * sum * kLog2E;
}

// 2^y = 2^n e^r with |r| <= ln 2 / 2
double exp2_of(double y) {
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding and subtracting rounds to an integer
  const double n = (y + kRound) - kRound, r = (y - n) * kLn2;
  double sum = 1;
  for (int k = 13; k >= 1; --k) sum = 1 + sum * r / k;
  return sum * std::bit_cast<double>(static_cast<uint64_t>(static_cast<int64_t>(n) + 1023) << 52);
}

double Controller::after_rejection(double error) const {
  if (!finite(error)) return kLeast;
  const double factor = kSafety * exp2_of(-log2_of(error) / p_);
  return factor > kLeast ? factor : kLeast;
}

double Controller::after_acceptance(double error, bool rejected_before, double* before) const {
  double factor = kMost;
  const double last = *before, now = error > 0 ? log2_of(error) : kErrorFloor;
  if (error > 0) factor = clip(kSafety * exp2_of(pi_ ? (-0.7 * now + 0.4 * last) / p_ : -now / p_));
  *before = now > kErrorFloor ? now : kErrorFloor;
  return rejected_before && factor > 1 ? 1 : factor;
}

double probe_length(double d0, double d1) { return d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1; }

double Controller::first_step(double h0, double d1, double d2) const {
  const double most = d1 > d2 ? d1 : d2;
  const double h1 = most <= 1e-15 ? (1e-3 * h0 > 1e-6 ? 1e-3 * h0 : 1e-6) : exp2_of(log2_of(0.01 / most) / p_);
  return 100 * h0 < h1 ? 100 * h0 : h1;
}

}  // namespace flow
