// Exact optimal transport between two sets of n points, n up to tens of thousands: the permutation of least sum_i |x_i - y_p(i)|^p, without a matrix of costs.
//   Coarse to fine: a sample of n / 4^l points is solved first and its prices are carried over, v_j = min_i (c_ij - u_i).
//   Each level: rows bid for their cheapest columns, then the Hungarian method by phases: one Dijkstra search from all free rows at once over reduced costs
//   c_ij - u_i - v_j (Jonker and Volgenant 1987; several disjoint shortest paths are turned over per search), reading the columns that the shortlists name.
// The bounds of the shortlists make every search as good as one over all columns: the answer is optimal for costs rounded to 2^-46 of the largest possible.
#pragma once
#include "core/stop.h"
#include "ot/ordered_heap.h"
#include "ot/shortlists.h"

namespace flow {

constexpr int64_t kMostMatchedPoints = 1 << 16;

class PointAssignment {
 public:
  // x, y (n, depth) row-major and finite, 1 <= n <= kMostMatchedPoints; power 1 or 2.
  Status init(int32_t n, int32_t depth, const double* x, const double* y, int32_t power, int32_t threads);
  // partner[i] is the y of x i; *mean is sum |x_i - y_partner(i)|^p / n. false: stopped on the way.
  bool solve(const Kernels& k, const StopFlag* stop, int32_t* partner, double* mean);

 private:
  bool level(const Kernels& k, int32_t m, int32_t coarse, const StopFlag* stop);
  void carry_over(const Kernels& k, int32_t m, int32_t coarse);
  void bid(const Kernels& k, int32_t m);
  bool cheapest_two(const Kernels& k, int32_t i, int64_t* low, int32_t* first, int64_t* next, int32_t* second);
  void search(const Kernels& k, int32_t m);
  void reach(int32_t row, const Arcs& arcs);
  void look_further(const Kernels& k, int32_t row, int32_t m);
  void set_price(int32_t j, int64_t value);

  int32_t threads_ = 1, free_count_ = 0, scans_ = 0;
  uint32_t search_ = 0;
  PointCosts costs_;
  Shortlists lists_;
  OrderedHeap heap_;            // ids: columns, then n + row where a row's list ends
  Buffer<int64_t> price_;       // of columns
  Buffer<float> close_, open_;  // the same in f32; in open_ columns that the search has closed are hidden
  Buffer<int32_t> row_of_, column_of_, free_;
  // of one search
  Buffer<int64_t> distance_, base_;       // of a column; of a row: distance = base + cost - price
  Buffer<int32_t> from_, closed_, sink_;  // column -> row; columns in order; root -> free column
  Buffer<int32_t> root_;                  // of a row
  Buffer<uint32_t> seen_;                 // column: 2 search_ = reached, 2 search_ + 1 = closed
  Buffer<uint8_t> depth_;                 // of a row: how far its lists are read
};

}  // namespace flow
