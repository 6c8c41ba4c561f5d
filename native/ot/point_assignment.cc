#include "ot/point_assignment.h"

#include "core/pool.h"

namespace flow {

namespace {

constexpr int32_t kCoarsest = 256, kCoarser = 4;
constexpr int32_t kPatience = 256;  // rows read without finding a free column before a search is closed
constexpr int32_t kCarryColumns = 512;

}  // namespace

Status PointAssignment::init(int32_t n, int32_t depth, const double* x, const double* y, int32_t power, int32_t threads) {
  threads_ = threads;
  FLOW_TRY(costs_.init(n, depth, x, y, power));
  FLOW_TRY(lists_.init(&costs_, threads));
  FLOW_TRY(heap_.init(2 * n));
  const int64_t padded = round_up(n, kCarryColumns);
  for (Buffer<int64_t>* b : {&price_, &distance_, &base_}) FLOW_TRY(b->allocate(n));
  for (Buffer<int32_t>* b : {&row_of_, &column_of_, &free_, &from_, &closed_, &sink_, &root_}) FLOW_TRY(b->allocate(n));
  FLOW_TRY(close_.allocate(padded));
  FLOW_TRY(open_.allocate(padded));
  FLOW_TRY(seen_.allocate(n));
  return depth_.allocate(n);
}

bool PointAssignment::solve(const Kernels& k, const StopFlag* stop, int32_t* partner, double* mean) {
  const int32_t n = costs_.size();
  int32_t sizes[16], levels = 0;
  for (int32_t m = n; levels == 0 || m >= kCoarsest; m /= kCoarser) sizes[levels++] = m;
  for (int32_t l = levels - 1, coarse = 0; l >= 0; coarse = sizes[l--])
    if (!level(k, sizes[l], coarse, stop)) return false;
  for (int32_t i = 0; i < n; ++i) partner[costs_.x_index(i)] = static_cast<int32_t>(costs_.y_index(column_of_[i]));
  *mean = costs_.mean(column_of_.data());
  return true;
}

bool PointAssignment::level(const Kernels& k, int32_t m, int32_t coarse, const StopFlag* stop) {
  carry_over(k, m, coarse);
  for (int32_t i = 0; i < m; ++i) {
    row_of_[i] = column_of_[i] = -1;
    free_[i] = i;
  }
  free_count_ = m;
  if (!lists_.start(k, m, price_.data(), close_.data(), threads_, stop)) return false;
  for (int pass = 0; pass < 2; ++pass) bid(k, m);
  while (free_count_ > 0) {
    if (stop != nullptr && stop->requested()) return false;
    search(k, m);
  }
  return true;
}

void PointAssignment::set_price(int32_t j, int64_t value) {
  price_[j] = value;
  close_[j] = open_[j] = static_cast<float>(static_cast<double>(value) * (1.0 / static_cast<double>(int64_t{1} << kCostBits)));
}

// v_j = min_i (c_ij - u_i) over the rows solved so far, or the least cost over all rows where none are.
void PointAssignment::carry_over(const Kernels& k, int32_t m, int32_t coarse) {
  constexpr double kUnit = 1.0 / static_cast<double>(int64_t{1} << kCostBits);
  const int32_t rows = coarse > 0 ? coarse : m;
  for (int32_t i = 0; i < rows; ++i) base_[i] = coarse > 0 ? costs_.exact(i, column_of_[i]) - price_[column_of_[i]] : 0;
  parallel_for((m + kCarryColumns - 1) / kCarryColumns, threads_, [&](int64_t task, int32_t) {
    const int32_t first = static_cast<int32_t>(task) * kCarryColumns, last = first + kCarryColumns < m ? first + kCarryColumns : m;
    alignas(64) float cost[kCarryColumns], least[kCarryColumns];
    for (float& v : least) v = 1e30f;
    for (int32_t i = 0; i < rows; ++i) {
      costs_.row(k, i, first, last, cost);
      const float u = static_cast<float>(static_cast<double>(base_[i]) * kUnit);
      for (int32_t j = 0; j < kCarryColumns; ++j) least[j] = cost[j] - u < least[j] ? cost[j] - u : least[j];
    }
    for (int32_t j = first; j < last; ++j) close_[j] = least[j - first];
  });
  for (int32_t j = 0; j < m; ++j) set_price(j, static_cast<int64_t>(static_cast<double>(close_[j]) / kUnit));
}

// The two cheapest columns of a row; false where its list is too short to tell.
bool PointAssignment::cheapest_two(const Kernels& k, int32_t i, int64_t* low, int32_t* first, int64_t* next, int32_t* second) {
  for (int attempt = 0;; ++attempt) {
    const Arcs arcs = lists_.short_list(i);
    *low = *next = Shortlists::kNoBound;
    *first = *second = -1;
    for (int32_t s = 0; s < arcs.count; ++s) {
      const int32_t j = arcs.column[s];
      const int64_t reduced = arcs.cost[s] - price_[j];
      if (reduced < *low) {
        *next = *low;
        *second = *first;
        *low = reduced;
        *first = j;
      } else if (reduced < *next) {
        *next = reduced;
        *second = j;
      }
    }
    if (*next <= arcs.bound) return true;
    if (attempt == 2) return false;
    if (attempt == 1) lists_.renew_long(k, i, price_.data(), close_.data());
    lists_.renew_short(i, price_.data());
  }
}

// Each free row takes its cheapest column at the price where the second cheapest is as good; whom it drives out bids next. Bidding wars with small
// increments are cut off.
void PointAssignment::bid(const Kernels& k, int32_t m) {
  int32_t next = 0, left = 0, bids = 0;
  const int32_t count = free_count_;
  while (next < count) {
    const int32_t i = free_[next++];
    int64_t low, high;
    int32_t j, other;
    if (m < 2 || !cheapest_two(k, i, &low, &j, &high, &other)) {
      free_[left++] = i;
      continue;
    }
    const bool strict = low < high;
    if (strict) set_price(j, price_[j] - (high - low));
    else if (row_of_[j] >= 0) j = other;
    const int32_t driven_out = row_of_[j];
    column_of_[i] = j;
    row_of_[j] = i;
    if (driven_out < 0) continue;
    column_of_[driven_out] = -1;
    if (strict && ++bids < 2 * m) free_[--next] = driven_out;
    else free_[left++] = driven_out;
  }
  free_count_ = left;
}

void PointAssignment::reach(int32_t row, const Arcs& arcs) {
  ++scans_;
  const int64_t base = base_[row];
  for (int32_t s = 0; s < arcs.count; ++s) {
    const int32_t j = arcs.column[s];
    const int64_t distance = base + arcs.cost[s] - price_[j];
    if (seen_[j] == 2 * search_ + 1 || (seen_[j] == 2 * search_ && distance_[j] <= distance)) continue;
    seen_[j] = 2 * search_;
    distance_[j] = distance;
    from_[j] = row;
    heap_.put(j, distance);
  }
  if (arcs.bound < Shortlists::kNoBound) heap_.put(costs_.size() + row, base + arcs.bound);
}

// The search has come to where columns outside the row's list may matter.
void PointAssignment::look_further(const Kernels& k, int32_t row, int32_t m) {
  switch (depth_[row]++) {
    case 0:
      lists_.renew_short(row, price_.data());
      return reach(row, lists_.short_list(row));
    case 1:
      return reach(row, lists_.long_list(row));
    case 2:
      lists_.renew_long(k, row, price_.data(), close_.data());
      return reach(row, lists_.long_list(row));
    case 3:
    case 4:
    case 5:
      return reach(row, lists_.among(k, row, price_.data(), open_.data()));
    default:  // many at the same distance
      for (int32_t j = 0; j < m; ++j) {
        const int64_t cost = costs_.exact(row, j);
        reach(row, {&j, &cost, 1, Shortlists::kNoBound});
      }
  }
}

// Dijkstra from all free rows to the nearest free columns, prices along the trees, and of each tree that found one its path turned over.
void PointAssignment::search(const Kernels& k, int32_t m) {
  ++search_;
  heap_.clear();
  for (int32_t f = 0; f < free_count_; ++f) {
    const int32_t i = free_[f];
    const Arcs arcs = lists_.short_list(i);
    int64_t low = Shortlists::kNoBound;
    for (int32_t s = 0; s < arcs.count; ++s) {
      const int64_t reduced = arcs.cost[s] - price_[arcs.column[s]];
      low = reduced < low ? reduced : low;
    }
    base_[i] = -low;
    root_[i] = i;
    sink_[i] = -1;
    depth_[i] = 0;
    reach(i, arcs);
  }
  const int32_t n = costs_.size();
  int32_t found = 0, closed = 0;
  int64_t last = 0;
  scans_ = 0;
  int32_t before = 0;
  while (found < free_count_ && !heap_.empty() && (found == 0 || scans_ < kPatience || scans_ < before / 4)) {
    const int64_t key = heap_.least_key();
    const int32_t id = heap_.take();
    if (id >= n) {
      look_further(k, id - n, m);
      continue;
    }
    last = key;
    seen_[id] = 2 * search_ + 1;
    closed_[closed++] = id;
    open_[id] = Shortlists::kHidden;
    const int32_t root = root_[from_[id]], row = row_of_[id];
    if (row < 0) {
      if (sink_[root] < 0) {
        sink_[root] = id;
        ++found;
        before += scans_;
        scans_ = 0;
      }
      continue;
    }
    base_[row] = key - (costs_.exact(row, id) - price_[id]);
    root_[row] = root;
    depth_[row] = 0;
    reach(row, lists_.short_list(row));
  }
  for (int32_t c = 0; c < closed; ++c) set_price(closed_[c], price_[closed_[c]] + distance_[closed_[c]] - last);
  int32_t left = 0;
  for (int32_t f = 0; f < free_count_; ++f) {
    const int32_t root = free_[f];
    if (sink_[root] < 0) free_[left++] = root;
    for (int32_t j = sink_[root]; j >= 0;) {
      const int32_t row = from_[j], previous = column_of_[row];
      row_of_[j] = row;
      column_of_[row] = j;
      j = row == root ? -1 : previous;
    }
  }
  free_count_ = left;
}

}  // namespace flow
