// Layer norm over the columns of each row (Ba, Kiros, Hinton 2016) and its gradient; two passes for the variance.
namespace {

// Calls each(block, offset in the row, part, how many of its lanes are columns) for every vector of 16-lane groups in a row.
template <class Each>
FLOW_INLINE void each_vector(int cols, Each each) {
  for (int c = 0; c < cols; c += kVirtualLanes)
#pragma GCC unroll 4
    for (int j = 0; j < kParts; j++) {
      const int left = cols - c - j * kWidth;
      each(c / kLanes, c % kLanes + j * kWidth, j, left < 0 ? 0 : left < kWidth ? left : kWidth);
    }
}
FLOW_INLINE F only(F x, int lanes) { return lanes == kWidth ? x : first_lanes(x, lanes); }

FLOW_INLINE void clear_rest(const Blocked& y, int r) {  // the upper half of the last block, when no column reaches it
  if (y.cols < 1 || (y.cols - 1) % kLanes >= kVirtualLanes) return;
  float* rest = y.data + (y.cols - 1) / kLanes * y.block + static_cast<int64_t>(r) * kLanes + kVirtualLanes;
  for (int j = 0; j < kParts; j++) store(rest + j * kWidth, F{});
}

void layer_norm(ConstBlocked x, const float* gamma, const float* beta, float epsilon, Blocked y, float* mean, float* rstd) {
  const float n = static_cast<float>(x.cols);
  for (int r = 0; r < x.rows; r++) {
    const int64_t row = static_cast<int64_t>(r) * kLanes;
    Lanes sum = {}, squares = {};
    each_vector(x.cols, [&](int b, int o, int j, int lanes) { sum.part[j] = sum.part[j] + only(load(x.data + b * x.block + row + o), lanes); });
    const float m = tree(sum) / n;
    const F vm = splat(m);
    each_vector(x.cols, [&](int b, int o, int j, int lanes) {
      const F d = only(load(x.data + b * x.block + row + o) - vm, lanes);
      squares.part[j] = fma(d, d, squares.part[j]);
    });
    const float s = 1.0f / __builtin_sqrtf(tree(squares) / n + epsilon);
    mean[r] = m;
    rstd[r] = s;
    const F vs = splat(s);
    each_vector(x.cols, [&](int b, int o, int, int lanes) {
      const F xhat = (load(x.data + b * x.block + row + o) - vm) * vs;
      store(y.data + b * y.block + row + o, only(fma(xhat, load(gamma + b * kLanes + o), load(beta + b * kLanes + o)), lanes));
    });
    clear_rest(y, r);
  }
}

// dx = rstd (dxhat - mean(dxhat) - xhat mean(dxhat xhat)), dxhat = dy gamma
void layer_norm_grad(ConstBlocked x, ConstBlocked dy, const float* gamma, const float* mean, const float* rstd, bool accumulate_dx, Blocked dx,
                     bool accumulate_params, float* dgamma, float* dbeta) {
  for (int c = 0; dgamma && c < x.cols; c += kWidth) {  // parameters first: dx may overwrite dy
    const int64_t at = static_cast<int64_t>(c / kLanes), o = c % kLanes;
    const int left = x.cols - c;
    for (int first = 0; first < x.rows || first == 0; first += kSumBlock) {
      F g = {}, b = {};
      for (int r = first; r < x.rows && r < first + kSumBlock; r++) {
        const F d = load(dy.data + at * dy.block + r * kLanes + o);
        const F xhat = (load(x.data + at * x.block + r * kLanes + o) - splat(mean[r])) * splat(rstd[r]);
        g = fma(d, xhat, g);
        b = b + d;
      }
      if (accumulate_params || first > 0) {
        g = load(dgamma + c) + g;
        b = load(dbeta + c) + b;
      }
      store(dgamma + c, left < kWidth ? first_lanes(g, left) : g);
      store(dbeta + c, left < kWidth ? first_lanes(b, left) : b);
    }
  }
  const float n = static_cast<float>(x.cols);
  for (int r = 0; dx.data && r < x.rows; r++) {
    const int64_t row = static_cast<int64_t>(r) * kLanes;
    const F vm = splat(mean[r]), vs = splat(rstd[r]);
    Lanes sum = {}, products = {};
    each_vector(x.cols, [&](int b, int o, int j, int lanes) {
      const F d = only(load(dy.data + b * dy.block + row + o) * load(gamma + b * kLanes + o), lanes);
      const F xhat = only((load(x.data + b * x.block + row + o) - vm) * vs, lanes);
      sum.part[j] = sum.part[j] + d;
      products.part[j] = fma(d, xhat, products.part[j]);
    });
    const F m1 = splat(tree(sum) / n), m2 = splat(tree(products) / n);
    each_vector(x.cols, [&](int b, int o, int, int lanes) {
      const F d = load(dy.data + b * dy.block + row + o) * load(gamma + b * kLanes + o), xhat = (load(x.data + b * x.block + row + o) - vm) * vs;
      float* to = dx.data + b * dx.block + row + o;
      const F value = only(vs * fma(-xhat, m2, d - m1), lanes);
      store(to, accumulate_dx ? only(load(to) + value, lanes) : value);
    });
    clear_rest(dx, r);
  }
}

}  // namespace
