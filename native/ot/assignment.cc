#include "ot/assignment.h"

namespace flow {

namespace {
constexpr int32_t kCoarsest = 32;
}

Status Assignment::init(int64_t most_rows) {
  const int64_t n = round_up(most_rows, 16);
  for (Buffer<int32_t>* b : {&price_, &key_, &closed_, &from_, &distance_, &scanned_, &row_of_, &free_, &times_}) FLOW_TRY(b->allocate(n));
  return {};
}

bool Assignment::solve(const Kernels& k, int32_t n, const int32_t* cost, int64_t stride, const StopFlag* stop, int32_t* column_of) {
  cost_ = cost;
  stride_ = stride;
  if (n == 1) column_of[0] = 0;
  return n <= 1 || level(k, n, stop, column_of);
}

bool Assignment::level(const Kernels& k, int32_t n, const StopFlag* stop, int32_t* column_of) {
  const int32_t coarse = n / 32 * 16;
  if (coarse >= kCoarsest && !level(k, coarse, stop, column_of)) return false;
  padded_ = static_cast<int32_t>(round_up(n, 16));
  if (coarse >= kCoarsest) carry_over(k, n, coarse, column_of);
  else reduce_columns(k, n, column_of);
  int32_t free = 0;
  for (int32_t i = 0; i < n; ++i)
    if (column_of[i] < 0) free_[free++] = i;
  for (int pass = 0; pass < 2 && free > 0; ++pass) {
    if (stop != nullptr && stop->requested()) return false;
    free = reduce_rows(k, n, free, column_of);
  }
  for (int32_t f = 0; f < free; ++f) {
    if (stop != nullptr && stop->requested()) return false;
    augment(k, n, free_[f], column_of);
  }
  return true;
}

// The prices that the rows of a coarser level allow, v_j = min_i (c_ij - u_i), the largest moved to 0; all rows are free again.
void Assignment::carry_over(const Kernels& k, int32_t n, int32_t coarse, int32_t* column_of) {
  int32_t out[2], most = INT32_MIN;
  for (int32_t i = 0; i < coarse; ++i) times_[i] = price_[column_of[i]] - row(i)[column_of[i]];  // -u_i
  for (int32_t j = 0; j < padded_; ++j) {
    key_[j] = INT32_MAX;
    price_[j] = closed_[j] = 0;
    row_of_[j] = -1;
  }
  for (int32_t i = 0; i < coarse; ++i) k.relax(padded_, row(i), price_.data(), times_[i], i, closed_.data(), key_.data(), from_.data(), out);
  for (int32_t j = 0; j < n; ++j) most = key_[j] > most ? key_[j] : most;
  for (int32_t j = 0; j < n; ++j) price_[j] = key_[j] - most;
  for (int32_t i = 0; i < n; ++i) column_of[i] = -1;
}

// Price of a column = its cheapest row, which takes it if it is the row's first; a row that is the cheapest of one column only lowers that column's price
// to where its second choice stands.
void Assignment::reduce_columns(const Kernels& k, int32_t n, int32_t* column_of) {
  int32_t out[4];
  for (int32_t j = 0; j < padded_; ++j) {
    key_[j] = INT32_MAX;
    price_[j] = closed_[j] = 0;
    row_of_[j] = -1;
  }
  for (int32_t i = 0; i < n; ++i) k.relax(padded_, row(i), price_.data(), 0, i, closed_.data(), key_.data(), from_.data(), out);
  for (int32_t i = 0; i < n; ++i) {
    column_of[i] = -1;
    times_[i] = 0;
  }
  for (int32_t j = n - 1; j >= 0; --j) {
    price_[j] = key_[j];
    const int32_t i = from_[j];
    if (times_[i]++ > 0) continue;
    column_of[i] = j;
    row_of_[j] = i;
  }
  for (int32_t i = 0; i < n; ++i) {
    if (times_[i] != 1) continue;
    const int32_t j = column_of[i];
    k.cheapest_two(padded_, row(i), price_.data(), out);
    price_[j] -= out[1] == j ? out[2] : out[0];
  }
}

// Each free row takes its cheapest column at the price where the second cheapest is as good; whom it drives out bids next. Bidding wars with small
// increments are cut off: what is left is for augment(). Returns how many rows are still free.
int32_t Assignment::reduce_rows(const Kernels& k, int32_t n, int32_t free, int32_t* column_of) {
  int32_t next = 0, left = 0, bids = 0;
  while (next < free) {
    const int32_t i = free_[next++];
    int32_t out[4];
    k.cheapest_two(padded_, row(i), price_.data(), out);
    int32_t j = out[1];
    const bool strict = out[0] < out[2];
    if (strict) price_[j] -= out[2] - out[0];
    else if (row_of_[j] >= 0) j = out[3];
    const int32_t driven_out = row_of_[j];
    column_of[i] = j;
    row_of_[j] = i;
    if (driven_out < 0) continue;
    column_of[driven_out] = -1;
    if (strict && ++bids < n) free_[--next] = driven_out;
    else free_[left++] = driven_out;
  }
  return left;
}

// Dijkstra from a free row over reduced costs to the nearest free column, then prices along the tree and the path turned over.
void Assignment::augment(const Kernels& k, int32_t n, int32_t start, int32_t* column_of) {
  for (int32_t j = 0; j < padded_; ++j) {
    key_[j] = INT32_MAX;
    closed_[j] = j < n ? 0 : INT32_MAX;
  }
  int32_t i = start, base = 0, count = 0, found[2];
  for (;;) {
    k.relax(padded_, row(i), price_.data(), base, i, closed_.data(), key_.data(), from_.data(), found);
    const int32_t j = found[1];
    if (row_of_[j] < 0) break;
    closed_[j] = key_[j] = INT32_MAX;
    distance_[j] = found[0];
    scanned_[count++] = j;
    i = row_of_[j];
    base = found[0] - (row(i)[j] - price_[j]);
  }
  for (int32_t s = 0; s < count; ++s) price_[scanned_[s]] += distance_[scanned_[s]] - found[0];
  for (int32_t j = found[1];;) {
    const int32_t r = from_[j], previous = column_of[r];
    row_of_[j] = r;
    column_of[r] = j;
    if (r == start) return;
    j = previous;
  }
}

}  // namespace flow
