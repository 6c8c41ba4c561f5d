#include "ot/sinkhorn.h"

#include "ot/over_rows.h"

namespace flow {

namespace {
constexpr float kNothing = -1e30f;
constexpr float kFar = 4;  // potentials that moved so far are taken into the matrix: f32 keeps sums below 8 to 2^-22
}  // namespace

Status Sinkhorn::init(int64_t rows) {
  const int64_t stride = round_up(rows, 16);
  for (Side* side : {&row_, &column_}) {
    FLOW_TRY(side->base.allocate(rows));
    FLOW_TRY(side->step.allocate(stride));
    FLOW_TRY(side->sum.allocate(stride));
  }
  for (Buffer<float>* b : {&mass_, &wanted_, &zero_}) FLOW_TRY(b->allocate(stride));
  return turned_.allocate(checked_product(rows, stride));
}

bool Sinkhorn::solve(const Kernels& k, int32_t n, int64_t stride, float* matrix, double rho, int32_t iterations, double tolerance, int32_t threads,
                     const StopFlag* stop) {
  n_ = n;
  stride_ = stride;
  for (Side* side : {&row_, &column_}) {
    for (int64_t i = 0; i < stride; ++i) side->step[i] = 0, side->sum[i] = kNothing;
    for (int32_t i = 0; i < n; ++i) side->base[i] = 0;
    side->largest = 0;
  }
  for (int64_t i = 0; i < stride; ++i) mass_[i] = i < n ? 0 : kNothing;
  log_n_ = k.log_sum_exp(static_cast<int32_t>(stride), zero_.data(), mass_.data());
  over_rows(n, threads, stop, [&](int32_t j) {
    for (int32_t i = 0; i < n; ++i) turned_[j * stride + i] = matrix[i * stride + j];
    for (int64_t i = n; i < stride; ++i) turned_[j * stride + i] = kNothing;
  });
  for (iterations_ = 0; iterations_ < iterations; ++iterations_) {
    if (row_.largest > kFar || column_.largest > kFar) take_in(matrix, threads);
    if (!turn(k, matrix, row_, column_, threads, stop)) return false;
    if (iterations_ > 0 && excess(k, rho) < tolerance) break;
    raise(row_, rho);
    if (!turn(k, turned_.data(), column_, row_, threads, stop)) return false;
    raise(column_, rho);
  }
  const double most = wish(column_, rho);
  k.exponentials(static_cast<int32_t>(stride), wanted_.data(), zero_.data(), static_cast<float>(most), mass_.data());
  return true;
}

bool Sinkhorn::turn(const Kernels& k, const float* matrix, Side& own, const Side& other, int32_t threads, const StopFlag* stop) {
  over_rows(n_, threads, stop, [&](int32_t i) { own.sum[i] = k.log_sum_exp(static_cast<int32_t>(stride_), other.step.data(), matrix + i * stride_) - log_n_; });
  return stop == nullptr || !stop->requested();
}

// The sums hold the own potential as far as the matrix has taken it in.
void Sinkhorn::raise(Side& own, double rho) {
  own.largest = 0;
  for (int32_t i = 0; i < n_; ++i) {
    const double potential = (own.base[i] - static_cast<double>(own.sum[i])) / (1 + rho), step = potential - own.base[i];
    own.step[i] = static_cast<float>(step);
    own.largest = __builtin_fabsf(own.step[i]) > own.largest ? __builtin_fabsf(own.step[i]) : own.largest;
  }
}

// wanted_ = -rho potential, and the largest of it.
double Sinkhorn::wish(const Side& own, double rho) {
  double most = 0;
  for (int32_t i = 0; i < n_; ++i) {
    const double potential = -rho * (own.base[i] + static_cast<double>(own.step[i]));
    wanted_[i] = static_cast<float>(potential);
    most = i == 0 || potential > most ? potential : most;
  }
  for (int64_t i = n_; i < stride_; ++i) wanted_[i] = kNothing;
  return most;
}

// sum_i |mass of row i - exp(-rho phi_i)| over the sum of the latter, which is what the masses come to: 1 / n where marginals are held.
double Sinkhorn::excess(const Kernels& k, double rho) {
  const double most = wish(row_, rho);
  k.exponentials(static_cast<int32_t>(stride_), row_.step.data(), row_.sum.data(), static_cast<float>(most), mass_.data());
  k.exponentials(static_cast<int32_t>(stride_), wanted_.data(), zero_.data(), static_cast<float>(most), wanted_.data());
  double off = 0, all = 0;
  for (int32_t i = 0; i < n_; ++i) {
    const double difference = static_cast<double>(mass_[i]) - static_cast<double>(wanted_[i]);
    off += difference < 0 ? -difference : difference;
    all += static_cast<double>(wanted_[i]);
  }
  return off / all;
}

void Sinkhorn::take_in(float* matrix, int32_t threads) {
  over_rows(n_, threads, nullptr, [&](int32_t i) {
    float *m = matrix + i * stride_, *t = turned_.data() + i * stride_;
    const float row = row_.step[i], column = column_.step[i];
    for (int64_t j = 0; j < stride_; ++j) m[j] = (m[j] + row) + column_.step[j];
    for (int64_t j = 0; j < stride_; ++j) t[j] = (t[j] + row_.step[j]) + column;
  });
  for (int32_t i = 0; i < n_; ++i) column_.sum[i] += column_.step[i];  // as column() needs it
  for (Side* side : {&row_, &column_}) {
    for (int32_t i = 0; i < n_; ++i) {
      side->base[i] += static_cast<double>(side->step[i]);
      side->step[i] = 0;
    }
    side->largest = 0;
  }
}

void Sinkhorn::column(const Kernels& k, int32_t j, float* out) const {
  k.exponentials(static_cast<int32_t>(stride_), row_.step.data(), turned_.data() + j * stride_, column_.sum[j] + log_n_, out);
}

}  // namespace flow
