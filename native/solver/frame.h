// The frame v(t, x) = b x + c net(tau, a x) as a function of t: piecewise cubics, made by lib/paths/frame-table.ts.
#pragma once
#include <cstdint>

namespace flow {

struct FrameRow {
  double a = 1, tau = 0, b = 0, c = 1;
};

struct FrameTable {                      // the caller's memory; times == nullptr = the identity
  const double* times = nullptr;         // (intervals + 1), rising
  const double* coefficients = nullptr;  // (intervals, 16): four of each of a, tau, b, c
  int64_t intervals = 0;
};

// The row at t, held to the ends of the table.
inline FrameRow frame_at(const FrameTable& table, double t) {
  if (table.times == nullptr) return {1, t, 0, 1};
  int64_t low = 0, high = table.intervals - 1;
  while (low < high) {
    const int64_t middle = (low + high + 1) / 2;
    if (table.times[middle] <= t) low = middle;
    else high = middle - 1;
  }
  const double left = table.times[low], right = table.times[low + 1];
  double s = (t - left) / (right - left);
  s = s < 0 ? 0 : s > 1 ? 1 : s;
  const double* k = table.coefficients + 16 * low;
  const auto cubic = [&](int32_t j) { return k[4 * j] + s * (k[4 * j + 1] + s * (k[4 * j + 2] + s * k[4 * j + 3])); };
  return {cubic(0), cubic(1), cubic(2), cubic(3)};
}

}  // namespace flow
