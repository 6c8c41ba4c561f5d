// For each row of an assignment the columns that look cheapest, so that a search reads dozens of columns and not all n. Prices only ever fall, so a column
// left out when a list was made stays at least as dear as it was: every list carries a bound that no column outside it undercuts, and a search that gets
// there asks for more. Two lists: a short one, sorted out of a longer one at current prices; the longer one sorted out of all columns.
#pragma once
#include "ot/point_costs.h"

namespace flow {

struct Arcs {  // columns of one row and what they cost
  const int32_t* column;
  const int64_t* cost;
  int32_t count;
  int64_t bound;  // cost - price of every other column is at least this
};

class Shortlists {
 public:
  static constexpr int32_t kShort = 20, kLong = 256;
  static constexpr int64_t kNoBound = INT64_MAX / 4;
  static constexpr float kHidden = -1e30f;

  Status init(const PointCosts* costs, int32_t runners);
  // The problem is the first m rows and columns: all lists anew. false: stopped.
  bool start(const Kernels& k, int32_t m, const int64_t* price, const float* close, int32_t threads, const class StopFlag* stop);

  Arcs short_list(int32_t i) const { return arcs(short_column_, short_cost_, i, kShort, short_count_[i], short_bound_[i]); }
  Arcs long_list(int32_t i) const { return arcs(long_column_, long_cost_, i, kLong, long_count_[i], long_bound_[i]); }
  void renew_short(int32_t i, const int64_t* price);                                                           // out of the long list
  void renew_long(const Kernels& k, int32_t i, const int64_t* price, const float* close, int32_t runner = 0);  // out of all columns
  // A list for once, where columns whose price is kHidden are left out. Valid until the next call.
  Arcs among(const Kernels& k, int32_t i, const int64_t* price, const float* close);

 private:
  struct Entry {  // a column and its cost less its price
    float key;
    int32_t column;
  };
  static Arcs arcs(const Buffer<int32_t>& column, const Buffer<int64_t>& cost, int64_t i, int32_t stride, int32_t count, int64_t bound) {
    return {column.data() + i * stride, cost.data() + i * stride, count, bound};
  }
  int32_t cheapest(const Kernels& k, int32_t i, const int64_t* price, const float* close, int32_t runner, int32_t* column, int64_t* cost, int64_t* bound);
  int64_t bound_of_the_rest(const Kernels& k, int32_t i, const int64_t* price, const float* close, Entry limit, float* row);

  const PointCosts* costs_ = nullptr;
  int32_t m_ = 0, runners_ = 1;
  Buffer<int32_t> short_column_, short_count_, long_column_, long_count_;
  Buffer<int64_t> short_cost_, long_cost_, short_bound_, long_bound_;
  Buffer<int32_t> once_column_;
  Buffer<int64_t> once_cost_;
  Buffer<float> row_;   // (runners, kBlock)
  Buffer<Entry> kept_;  // (runners, kKept)
};

}  // namespace flow
