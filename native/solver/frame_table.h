// The frame v(t, x) = b x + c net(tau, a x) as a function of t: cubic Hermite between equidistant nodes.
#pragma once
#include "solver/integrate.h"

namespace flow {

// value: [a, tau, b, c] at t; times beyond the table read its nearer end.
void read_frame(const AdaptiveOptions& options, double t, double value[4]);

}  // namespace flow
