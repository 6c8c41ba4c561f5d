#include "solver/frame_table.h"

namespace flow {

void read_frame(const AdaptiveOptions& o, double t, double value[4]) {
  const double h = (o.frame_to - o.frame_from) / static_cast<double>(o.frame_nodes - 1);
  double at = (t - o.frame_from) / h;
  const double last = static_cast<double>(o.frame_nodes - 1);
  at = at > 0 ? (at < last ? at : last) : 0;
  int64_t k = static_cast<int64_t>(at);
  if (k > o.frame_nodes - 2) k = o.frame_nodes - 2;
  const double s = at - static_cast<double>(k), r = 1 - s;
  const double* left = o.frame + 8 * k;
  const double* right = left + 8;
  for (int32_t i = 0; i < 4; ++i)
    value[i] = r * r * (1 + 2 * s) * left[i] + s * r * r * h * left[4 + i] + s * s * (1 + 2 * r) * right[i] - s * s * r * h * right[4 + i];
}

}  // namespace flow
