// The rows of a batch, each a pure function of (seed, step, row): x1 drawn from the data, x0 from its source, t from its law, then the bridge
//   x_t = alpha x1 + sigma x0 + gamma eps,   u_t = dAlpha x1 + dSigma x0 + dGamma eps.
#pragma once
#include <memory>

#include "core/buffer.h"
#include "kernels/kernels.h"
#include "rng/streams.h"
#include "train/trainer.h"

namespace flow {

struct BatchScratch {  // of one runner, for tiles of up to `rows` rows
  Status init(int64_t rows, int32_t dimension, int32_t condition_width, bool bridge, bool score = false);
  Buffer<uint32_t> index, source_index;
  Buffer<int64_t> pair;                          // of validation
  Buffer<float> x1, x0, eps, xt, ut, condition;  // row-major
  Buffer<float> t, uniform, weight;              // per row; weight is w(t), 1 unless weighted()
  Buffer<float> joint, gain;                     // of score and flow: [u, -eps] (rows, 2 d), and lambda of each row
  Buffer<float> coefficient;                     // six rows of coefficients
  Buffer<float> span, span_uniform;              // of average velocities: r - t of each row, and the numbers it is drawn from
  int64_t capacity = 0;
};

struct BatchTarget {  // blocked, where the network reads
  Blocked x, t, condition, u;
};

struct Pairs {  // row i joins the x0 of row from[i] to the x1 of row to[i]; null: its own. Counted from the batch's first row, they may lie in another step.
  const int32_t *from = nullptr, *to = nullptr;
  const float* x0 = nullptr;  // x0 rows that are drawn already, counted alike: to draw 256 of them one by one takes 20 us
};

class Batch {
 public:
  // Copies what it needs but the datasets, which must outlive it.
  Status init(const TrainerOptions& options, int32_t dimension, int32_t condition_width);

  bool bridge() const { return bridge_; }
  bool score() const { return target_ == Target::kScoreAndFlow; }
  bool weighted() const { return weighted_; }
  bool spans() const { return spans_; }
  int64_t size() const { return batch_; }
  // Rows [first, first + rows) of the batch of `step`.
  void draw(uint64_t step, int64_t first, int32_t rows, Pairs pairs, BatchScratch& s) const;  // x1, x0, condition
  void fill(uint64_t step, int64_t first, int32_t rows, Pairs pairs, BatchScratch& s, const BatchTarget& target) const;
  // Validation pair p is row p / draws of the validation rows with its draw p % draws; `partners` says whose x0 and x1 it has instead.
  void draw_validation(uint64_t seed, int64_t draws, const int64_t* pair, Pairs partners, int32_t rows, BatchScratch& s) const;  // x1, x0, condition
  // Validation pairs [first, first + rows).
  void fill_validation(uint64_t seed, int64_t draws, int64_t first, int32_t rows, Pairs partners, BatchScratch& s, const BatchTarget& target) const;

 private:
  void drop(PhiloxKey key, Stream stream, uint64_t row, int32_t rows, BatchScratch& s) const;
  void gather(const Dataset& from, const uint32_t* index, int32_t rows, float* to) const;
  void join(int32_t rows, BatchScratch& s, const BatchTarget& target) const;
  void draw_spans(PhiloxKey key, Stream stream, uint64_t row, int32_t rows, BatchScratch& s) const;
  float time(double u) const;
  float weight(double u, float t) const;  // the table at t, times dt/du over the range of t
  void draw_shortcuts(PhiloxKey key, Stream stream, uint64_t row, int32_t rows, BatchScratch& s) const;
  void path(int32_t rows, BatchScratch& s) const;

  const Dataset *data_ = nullptr, *source_ = nullptr, *condition_ = nullptr;
  bool paired_ = false, replacement_ = false, bridge_ = false, table_ = false, stratified_ = false, weighted_ = false, importance_ = false, spans_ = false;
  int32_t dimension_ = 0, condition_width_ = 0;
  int64_t batch_ = 0;
  PhiloxKey key_{};
  double sigma_min_ = 0, path_min_ = 0, path_max_ = 1, time_min_ = 0, time_max_ = 1;
  Buffer<uint32_t> train_, validation_;
  Target target_ = Target::kVelocity;
  Buffer<double> nodes_, quantiles_, weights_;
  double score_sigma_ = 0;
  bool score_varies_ = false;
  float drop_ = 0, instant_ = 0;
  int32_t levels_ = 0;  // of a shortcut: how many lengths its spans have
  Buffer<float> null_;  // the condition row that stands for none
};

}  // namespace flow
