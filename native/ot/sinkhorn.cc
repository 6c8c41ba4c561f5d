#include "ot/sinkhorn.h"

#include "ot/over_rows.h"
#include "ot/plan.h"

namespace flow {

namespace {
constexpr float kNothing = -1e30f;
constexpr float kFar = 8;        // potentials that moved so far are taken into the matrix: below, f32 keeps them to 2^-22
constexpr float kFaint = -32;    // ln of a sum beside which what is 0 in the matrix, below e^-87, might count though moved by e^8 at most
constexpr float kMostStep = 40;  // of a scale; one beyond is taken in before it is used
constexpr float kVast = 1e30f;   // of a sum: none is so large, as potentials keep near those of a plain turn; one that were is summed by logarithms too
constexpr int32_t kGroup = 16;   // rows whose column sums are added up first
constexpr int32_t kPiece = 64;   // weights that draw() passes over at once

float within(float sum) { return sum > 1e-30f && sum < kVast ? sum : 1e-30f; }  // what is not, NaN as well, becomes a faint sum
}  // namespace

Status Sinkhorn::init(int64_t rows) {
  const int64_t stride = round_up(rows, kGroup);
  for (Side* side : {&noise_, &data_}) {
    FLOW_TRY(side->base.allocate(rows));
    for (Buffer<float>* b : {&side->step, &side->scale, &side->sum}) FLOW_TRY(b->allocate(stride));
  }
  FLOW_TRY(before_.allocate(rows));
  for (Buffer<float>* b : {&mass_, &wanted_, &zero_, &one_}) FLOW_TRY(b->allocate(stride));
  for (float& x : one_) x = 1;
  FLOW_TRY(part_.allocate(checked_product(stride / kGroup, stride)));
  return log_.allocate(checked_product(rows, stride));
}

bool Sinkhorn::solve(const Kernels& k, int32_t n, int64_t stride, float* costs, const Options& options, int32_t threads, const StopFlag* stop) {
  n_ = n;
  stride_ = stride;
  plan_ = costs;
  begin(k, costs, threads);
  for (turns_ = 1;; ++turns_) {
    turn(k, options.rho, threads, stop);
    if (stop != nullptr && stop->requested()) return false;
    error_ = excess(k, options.rho);
    if (error_ < options.tolerance || turns_ >= options.turns) break;
    momentum_.observe(error_);
    move_noise(k, options.rho);
  }
  const double most = wish(data_, options.rho);
  k.exponentials(static_cast<int32_t>(stride), wanted_.data(), zero_.data(), static_cast<float>(most), mass_.data());
  return true;
}

// phi is the least cost of the row, so that no column of the matrix vanishes.
void Sinkhorn::begin(const Kernels& k, const float* costs, int32_t threads) {
  for (Side* side : {&noise_, &data_}) {
    for (int64_t i = 0; i < stride_; ++i) side->step[i] = side->sum[i] = 0, side->scale[i] = 1;
    for (int32_t i = 0; i < n_; ++i) side->base[i] = 0;
    side->largest = 0;
  }
  momentum_.reset();
  for (int64_t i = 0; i < stride_; ++i) mass_[i] = i < n_ ? 0 : kNothing;
  log_n_ = k.log_sum_exp(static_cast<int32_t>(stride_), zero_.data(), mass_.data());
  over_rows(n_, threads, nullptr, [&](int32_t i) {
    const float* c = costs + i * stride_;
    float least = c[0];
    for (int32_t j = 1; j < n_; ++j) least = c[j] < least ? c[j] : least;
    noise_.base[i] = before_[i] = static_cast<double>(least);
  });
  over_rows(n_, threads, nullptr, [&](int32_t j) {
    float* to = log_.data() + j * stride_;
    for (int32_t i = 0; i < n_; ++i) to[i] = static_cast<float>(noise_.base[i]) - costs[i * stride_ + j];
    for (int64_t i = n_; i < stride_; ++i) to[i] = kNothing;
  });
}

// psi of this phi, then the sums of the rows of noise.
void Sinkhorn::turn(const Kernels& k, double rho, int32_t threads, const StopFlag* stop) {
  const bool first = turns_ == 1;
  const auto width = static_cast<int32_t>(stride_);
  if (noise_.largest > kFar) take_in(k, threads);
  parallel_for(stride_ / kGroup, threads, [&](int64_t task, int32_t) {
    if (stop != nullptr && stop->requested()) return;
    const int64_t at = task * kGroup;
    const int32_t rows = n_ - at < kGroup ? static_cast<int32_t>(n_ - at) : kGroup;
    float *sum = data_.sum.data() + at, *step = data_.step.data() + at;
    if (!first) {
      k.row_products(rows, width, plan_ + at * stride_, stride_, noise_.scale.data(), sum);
      for (int32_t r = 0; r < kGroup; ++r) sum[r] = r < rows ? within(sum[r]) : 1e-30f;
      k.logarithms(kGroup, sum, sum);
    }
    for (int32_t r = 0; r < rows; ++r) {
      if (first || sum[r] < kFaint) sum[r] = k.log_sum_exp(width, noise_.step.data(), log_.data() + (at + r) * stride_);
      const double base = data_.base[at + r], potential = (base - static_cast<double>(sum[r] - log_n_)) / (1 + rho);
      step[r] = static_cast<float>(potential - base);
    }
    if (first) return;
    alignas(64) float most[kGroup];
    for (int32_t r = 0; r < kGroup; ++r) most[r] = step[r] < kMostStep ? step[r] : kMostStep;
    k.exponentials(kGroup, most, zero_.data(), 0, data_.scale.data() + at);
    k.weighted_rows(rows, width, plan_ + at * stride_, stride_, data_.scale.data() + at, part_.data() + task * stride_);
  });
  if (stop != nullptr && stop->requested()) return;
  data_.largest = 0;
  for (int32_t j = 0; j < n_; ++j) data_.largest = __builtin_fabsf(data_.step[j]) > data_.largest ? __builtin_fabsf(data_.step[j]) : data_.largest;
  if (first || data_.largest > kFar) take_in(k, threads);
  sum_columns(k, threads);
}

// The sums of the columns of the matrix, from those of 16 rows each.
void Sinkhorn::sum_columns(const Kernels& k, int32_t threads) {
  const auto groups = static_cast<int32_t>(stride_ / kGroup);
  parallel_for(groups, threads, [&](int64_t task, int32_t) {
    const int64_t at = task * kGroup;
    float* sum = noise_.sum.data() + at;
    k.weighted_rows(groups, kGroup, part_.data() + at, stride_, one_.data(), sum);
    for (int32_t r = 0; r < kGroup; ++r) sum[r] = within(sum[r]);
    k.logarithms(kGroup, sum, sum);
    for (int32_t r = 0; r < kGroup && at + r < n_; ++r) {
      if (sum[r] < kFaint) {
        alignas(64) float column[kMostCoupledRows];
        for (int64_t j = 0; j < stride_; ++j) column[j] = j < n_ ? log_[j * stride_ + at + r] : kNothing;
        sum[r] = k.log_sum_exp(static_cast<int32_t>(stride_), data_.step.data(), column);
      }
      sum[r] -= log_n_;
    }
  });
}

// The sums hold the own potential as far as the matrix has taken it in. Momentum keeps within kFar of the plain turn, after which no entry of the matrix is
// above n: none overflows.
void Sinkhorn::move_noise(const Kernels& k, double rho) {
  noise_.largest = 0;
  for (int32_t i = 0; i < n_; ++i) {
    const double base = noise_.base[i], now = base + static_cast<double>(noise_.step[i]);
    const double plain = (base - static_cast<double>(noise_.sum[i])) / (1 + rho), far = static_cast<double>(kFar);
    const double next = momentum_.next(now, plain, before_[i]), kept = next > plain + far ? plain + far : next < plain - far ? plain - far : next;
    before_[i] = now;
    noise_.step[i] = static_cast<float>(kept - base);
    noise_.largest = __builtin_fabsf(noise_.step[i]) > noise_.largest ? __builtin_fabsf(noise_.step[i]) : noise_.largest;
  }
  if (noise_.largest <= kFar) k.exponentials(static_cast<int32_t>(stride_), noise_.step.data(), zero_.data(), 0, noise_.scale.data());
}

// All that the potentials have moved by goes into the logarithms; the matrix and the column sums of its groups are made anew.
void Sinkhorn::take_in(const Kernels& k, int32_t threads) {
  parallel_for(stride_ / kGroup, threads, [&](int64_t task, int32_t) {
    const int64_t at = task * kGroup;
    const int32_t rows = n_ - at < kGroup ? static_cast<int32_t>(n_ - at) : kGroup;
    for (int64_t j = at; j < at + rows; ++j) {
      float* __restrict log = log_.data() + j * stride_;
      const float* __restrict column = noise_.step.data();
      const float row = data_.step[j];
      const int64_t width = stride_;
      for (int64_t i = 0; i < width; ++i) log[i] = (log[i] + row) + column[i];
      k.exponentials(static_cast<int32_t>(stride_), log, zero_.data(), 0, plan_ + j * stride_);
      data_.sum[j] += row;
    }
    k.weighted_rows(rows, static_cast<int32_t>(stride_), plan_ + at * stride_, stride_, one_.data(), part_.data() + task * stride_);
  });
  for (Side* side : {&noise_, &data_}) {
    for (int32_t i = 0; i < n_; ++i) side->base[i] += static_cast<double>(side->step[i]);
    for (int64_t i = 0; i < stride_; ++i) side->step[i] = 0, side->scale[i] = 1;
    side->largest = 0;
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

// sum_i |mass of row i - exp(-rho phi_i)| over the larger of the sums of both, so at most 2; the latter is what the masses come to: 1 / n where marginals are
// held.
double Sinkhorn::excess(const Kernels& k, double rho) {
  auto most = static_cast<float>(wish(noise_, rho));
  for (int32_t i = 0; i < n_; ++i) most = noise_.step[i] + noise_.sum[i] > most ? noise_.step[i] + noise_.sum[i] : most;
  k.exponentials(static_cast<int32_t>(stride_), noise_.step.data(), noise_.sum.data(), most, mass_.data());
  k.exponentials(static_cast<int32_t>(stride_), wanted_.data(), zero_.data(), most, wanted_.data());
  double off = 0, mass = 0, wanted = 0;
  for (int32_t i = 0; i < n_; ++i) {
    const double difference = static_cast<double>(mass_[i]) - static_cast<double>(wanted_[i]);
    off += difference < 0 ? -difference : difference;
    mass += static_cast<double>(mass_[i]);
    wanted += static_cast<double>(wanted_[i]);
  }
  return off / (mass > wanted ? mass : wanted);
}

void Sinkhorn::weights(const Kernels& k, int32_t j, int32_t first, int32_t count, float* out) const {
  const int64_t at = j * stride_ + first;
  if (data_.sum[j] < kFaint) k.exponentials(count, noise_.step.data() + first, log_.data() + at, data_.sum[j], out);
  else
    for (int32_t i = 0; i < count; ++i) out[i] = plan_[at + i] * noise_.scale[first + i];
}

int32_t Sinkhorn::draw(const Kernels& k, int32_t j, float u) const {
  alignas(64) float weight[kPiece];
  float piece[kMostCoupledRows / kPiece];
  const auto width = static_cast<int32_t>(stride_);
  const auto count = [&](int32_t first) { return width - first < kPiece ? width - first : kPiece; };
  double all = 0, passed = 0;
  for (int32_t first = 0; first < width; first += kPiece) {
    float* sum = piece + first / kPiece;
    if (data_.sum[j] < kFaint) {
      weights(k, j, first, count(first), weight);
      k.row_products(1, count(first), weight, kPiece, one_.data(), sum);
    } else k.row_products(1, count(first), plan_ + j * stride_ + first, stride_, noise_.scale.data() + first, sum);
    all += static_cast<double>(*sum);
  }
  const double at = static_cast<double>(u) * all;
  int32_t first = 0, last = 0;
  while (first + kPiece < width && passed + static_cast<double>(piece[first / kPiece]) <= at)
    passed += static_cast<double>(piece[first / kPiece]), first += kPiece;
  weights(k, j, first, count(first), weight);
  for (int32_t i = 0; i < count(first) && first + i < n_; ++i) {
    if (weight[i] > 0) last = first + i;
    passed += static_cast<double>(weight[i]);
    if (passed > at) return first + i;
  }
  return last;
}

}  // namespace flow
