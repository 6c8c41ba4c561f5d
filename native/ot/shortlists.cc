#include "ot/shortlists.h"

#include <algorithm>

#include "core/pool.h"
#include "core/stop.h"

namespace flow {

namespace {
constexpr int32_t kBlock = 1024;  // columns whose costs are worked out at once
constexpr int32_t kSample = 512, kAim = 160;
constexpr int32_t kKept = 2 * kSample;  // entries between two cuts
constexpr int32_t kTaskRows = 32;
constexpr float kFar = 1e29f;  // above any cost, below a hidden one
constexpr int32_t kTies = 8;

int64_t to_cost(float x) { return static_cast<int64_t>(static_cast<double>(x) * static_cast<double>(int64_t{1} << kCostBits)); }
}  // namespace

Status Shortlists::init(const PointCosts* costs, int32_t runners) {
  costs_ = costs;
  runners_ = runners;
  const int64_t n = costs->size();
  FLOW_TRY(short_column_.allocate(n * kShort));
  FLOW_TRY(short_cost_.allocate(n * kShort));
  FLOW_TRY(long_column_.allocate(n * kLong));
  FLOW_TRY(long_cost_.allocate(n * kLong));
  FLOW_TRY(short_bound_.allocate(n));
  FLOW_TRY(long_bound_.allocate(n));
  FLOW_TRY(short_count_.allocate(n));
  FLOW_TRY(long_count_.allocate(n));
  FLOW_TRY(row_.allocate(int64_t{runners} * kBlock));
  FLOW_TRY(once_column_.allocate(kLong));
  FLOW_TRY(once_cost_.allocate(kLong));
  return kept_.allocate(int64_t{runners} * kKept);
}

bool Shortlists::start(const Kernels& k, int32_t m, const int64_t* price, const float* close, int32_t threads, const StopFlag* stop) {
  m_ = m;
  parallel_for((m + kTaskRows - 1) / kTaskRows, threads < runners_ ? threads : runners_, [&](int64_t task, int32_t runner) {
    if (stop != nullptr && stop->requested()) return;
    const int32_t end = std::min(static_cast<int32_t>(task + 1) * kTaskRows, m);
    for (int32_t i = static_cast<int32_t>(task) * kTaskRows; i < end; ++i) {
      renew_long(k, i, price, close, runner);
      renew_short(i, price);
    }
  });
  return stop == nullptr || !stop->requested();
}

// Up to kLong columns, about kAim: a sample of the columns tells below which limit so many of all lie; then one pass keeps those below it.
int32_t Shortlists::cheapest(const Kernels& k, int32_t i, const int64_t* price, const float* close, int32_t runner, int32_t* column, int64_t* cost,
                             int64_t* bound) {
  const auto cheaper = [](const Entry& a, const Entry& b) { return a.key < b.key || (a.key == b.key && a.column < b.column); };
  float* row = row_.data() + int64_t{runner} * kBlock;
  Entry* kept = kept_.data() + int64_t{runner} * kKept;
  float limit = kFar;
  int32_t count = 0, at_limit = 0;  // kept are the columns before (limit, at_limit)
  const auto cut = [&](int32_t rank) {
    std::nth_element(kept, kept + rank, kept + count, cheaper);
    limit = kept[rank].key;
    at_limit = kept[rank].column;
    count = rank;
  };
  for (int32_t first = 0; first < m_; first += kBlock) {
    const int32_t size = std::min(kBlock, m_ - first);
    costs_->row(k, i, first, first + size, row);
    for (int32_t j = 0; j < size; ++j) row[j] -= close[first + j];
    const int32_t sample = first == 0 && m_ > kLong ? std::min(kSample, size) : 0;
    for (int32_t j = 0; j < sample; ++j) kept[count] = {row[j], j}, count += row[j] < kFar;
    const int32_t rank = std::max(2, static_cast<int32_t>(int64_t{kAim} * sample / m_));
    if (sample > 0 && count > rank) cut(rank);
    for (int32_t b = sample; b < size; b += 16) {
      const int32_t end = std::min(b + 16, size);
      if (end - b == 16) {
        int32_t below = 0;
        for (int32_t j = 0; j < 16; ++j) below |= row[b + j] < limit ? -1 : 0;
        if (below == 0) continue;
      }
      for (int32_t j = b; j < end; ++j) {
        kept[count] = {row[j], first + j};
        count += row[j] < limit;
      }
      if (count > kKept - 17) cut(kLong);
    }
  }
  if (count > kLong) cut(kLong);
  for (int32_t s = 0; s < count; ++s) {
    column[s] = kept[s].column;
    cost[s] = costs_->exact(i, kept[s].column);
  }
  const float margin = costs_->margin();
  int32_t near = 0;
  for (int32_t s = 0; s < count; ++s) near += kept[s].key > limit - 4 * margin;
  *bound = limit >= kFar ? kNoBound : near < kTies ? to_cost(limit - margin) : bound_of_the_rest(k, i, price, close, {limit, at_limit}, row);
  return count;
}

// Many columns tie, or nearly: what f32 cannot tell apart is compared exactly, or no search would get past them.
int64_t Shortlists::bound_of_the_rest(const Kernels& k, int32_t i, const int64_t* price, const float* close, Entry limit, float* row) {
  const float above = limit.key + 2 * costs_->margin();
  int64_t bound = to_cost(limit.key + costs_->margin());
  for (int32_t first = 0; first < m_; first += kBlock) {
    const int32_t size = std::min(kBlock, m_ - first);
    costs_->row(k, i, first, first + size, row);
    for (int32_t j = 0; j < size; ++j) {
      const float key = row[j] - close[first + j];
      if (key < limit.key || (key == limit.key && first + j < limit.column) || key >= above) continue;
      bound = std::min(bound, costs_->exact(i, first + j) - price[first + j]);
    }
  }
  return bound;
}

void Shortlists::renew_long(const Kernels& k, int32_t i, const int64_t* price, const float* close, int32_t runner) {
  const int64_t at = int64_t{i} * kLong;
  long_count_[i] = cheapest(k, i, price, close, runner, long_column_.data() + at, long_cost_.data() + at, &long_bound_[i]);
}

Arcs Shortlists::among(const Kernels& k, int32_t i, const int64_t* price, const float* close) {
  int64_t bound;
  const int32_t count = cheapest(k, i, price, close, 0, once_column_.data(), once_cost_.data(), &bound);
  return {once_column_.data(), once_cost_.data(), count, bound};
}

void Shortlists::renew_short(int32_t i, const int64_t* price) {
  const Arcs from = long_list(i);
  struct Pick {
    int64_t reduced;
    int32_t at;
  } picks[kLong];
  for (int32_t s = 0; s < from.count; ++s) picks[s] = {from.cost[s] - price[from.column[s]], s};
  const int32_t count = std::min(kShort, from.count);
  int64_t bound = from.bound;
  if (count < from.count) {
    std::nth_element(picks, picks + count, picks + from.count,
                     [](const Pick& a, const Pick& b) { return a.reduced < b.reduced || (a.reduced == b.reduced && a.at < b.at); });
    bound = std::min(bound, picks[count].reduced);
  }
  for (int32_t s = 0; s < count; ++s) {
    short_column_[int64_t{i} * kShort + s] = from.column[picks[s].at];
    short_cost_[int64_t{i} * kShort + s] = from.cost[picks[s].at];
  }
  short_count_[i] = count;
  short_bound_[i] = bound;
}

}  // namespace flow
