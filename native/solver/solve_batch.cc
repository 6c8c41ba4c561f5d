// One step for all rows: every row is tried over the same interval, and the RMS of the error over all rows and columns decides. A sum per row in f32, added
// in double in the order of the rows, so that tiles and threads do not matter; the rows of a call do. Between steps the states stand row-major.
#include <atomic>
#include <cmath>
#include <new>

#include "core/pool.h"
#include "solver/controller.h"
#include "solver/row_tile.h"
#include "solver/rows.h"
#include "solver/solve_rows.h"

namespace flow {

namespace {

class Batch {
 public:
  Batch(const RowField& field, const SampleOptions& options, const StopFlag* stop, int32_t dimension, int32_t capacity, float* x)
      : field_(field), options_(options), stop_(stop), span_(options), dimension_(dimension), capacity_(capacity), sink_(options, dimension, x) {
    tiles_ = (options.n + capacity - 1) / capacity;
    const int32_t most = resolve_threads(options.threads);
    threads_ = static_cast<int32_t>(tiles_ < most ? tiles_ : most);
  }
  ~Batch() { delete[] runners_; }

  Status run(SampleReport* report) {
    FLOW_TRY(init());
    const RowStatus status = solve();
    const int64_t nfe = nfe_ < INT32_MAX ? nfe_ : INT32_MAX;
    for (int64_t r = 0; r < options_.n; ++r) {
      if (options_.adaptive->row_nfe != nullptr) options_.adaptive->row_nfe[r] = static_cast<int32_t>(nfe);
      if (options_.adaptive->row_status != nullptr) options_.adaptive->row_status[r] = static_cast<uint8_t>(status);
    }
    report->nfe = nfe_;
    report->stopped = stopped_;
    report->nonfinite_row = sink_.nonfinite_row();
    return {};
  }

 private:
  Status init() {
    const int64_t values = checked_product(options_.n, dimension_);
    for (Buffer<float>* b : {&x_, &slope_, &x1_, &slope1_}) FLOW_TRY(b->allocate(values));
    FLOW_TRY(sums_.allocate(options_.n));
    FLOW_TRY(more_.allocate(options_.n));
    FLOW_TRY(field_.open(field_.self, threads_, capacity_));
    runners_ = new (std::nothrow) RowTile[static_cast<size_t>(threads_)];
    if (runners_ == nullptr) return out_of_memory();
    for (int32_t i = 0; i < threads_; ++i) FLOW_TRY(runners_[i].init(options_, dimension_, capacity_, options_.stages));
    return {};
  }

  // Calls fn(tile, slot, first row, rows) with the states loaded and every row at time t with step h.
  template <class F>
  void each(double t, double h, double next, F&& fn) {
    parallel_for(tiles_, threads_, [&](int64_t index, int32_t slot) {
      RowTile& tile = runners_[slot];
      const int64_t first = index * capacity_;
      const int32_t rows = static_cast<int32_t>(options_.n - first < capacity_ ? options_.n - first : capacity_);
      kernels().to_blocked(&x_[first * dimension_], dimension_, tile.state(rows));
      kernels().to_blocked(&slope_[first * dimension_], dimension_, tile.slope(0, rows));
      for (int32_t r = 0; r < rows; ++r) {
        field_.enter(field_.self, slot, r, first + r);
        tile.t()[r] = t;
        tile.step()[r] = h;
        tile.next()[r] = next;
      }
      fn(tile, slot, first, rows);
    });
  }

  // RMS over all rows and columns.
  double norm(const Buffer<float>& sums) const {
    double sum = 0;
    for (int64_t r = 0; r < options_.n; ++r) sum += sums[r];
    return std::sqrt(sum / (static_cast<double>(options_.n) * (dimension_ - options_.adaptive->silent)));
  }

  void store(const Buffer<float>& x) {
    for (int64_t r = 0; r < options_.n; ++r) {
      std::memcpy(sink_.at(saved_, r), &x[r * dimension_], static_cast<size_t>(dimension_) * sizeof(float));
      sink_.finish(saved_, r);
    }
    ++saved_;
  }

  bool interrupted() {
    stopped_ = stop_ != nullptr && stop_->requested();
    return stopped_;
  }

  int64_t cost(double t) const { return field_.cost == nullptr ? 1 : field_.cost(field_.self, t); }

  // Evaluates the first slopes and chooses the first step.
  double start(const Controller& controller) {
    each(span_.from, 0, 0, [&](RowTile& tile, int32_t slot, int64_t first, int32_t rows) {
      tile.start(field_, slot, rows, &sums_[first], &more_[first]);
      kernels().from_blocked(tile.slope(0, rows), &slope_[first * dimension_], dimension_);
    });
    nfe_ = cost(span_.from);
    const double interval = std::fabs(span_.to - span_.from), d1 = norm(more_), probe = probe_length(norm(sums_), d1);
    if (interval == 0) return 0;
    const double h0 = probe < interval ? probe : interval;
    each(span_.from, h0 * span_.direction, 0, [&](RowTile& tile, int32_t slot, int64_t first, int32_t rows) {
      tile.probe(field_, slot, rows);
      std::memcpy(&sums_[first], tile.sums(), static_cast<size_t>(rows) * sizeof(float));
    });
    nfe_ += cost(span_.from + h0 * span_.direction);
    const double h = controller.first_step(h0, d1, norm(sums_) / h0), least = span_.shortest < interval ? span_.shortest : interval;
    return h >= span_.shortest ? (h < interval ? h : interval) : least;
  }

  void attempt(double t, double h, double next) {
    each(t, h, next, [&](RowTile& tile, int32_t slot, int64_t first, int32_t rows) {
      tile.attempt(field_, slot, rows);
      std::memcpy(&sums_[first], tile.sums(), static_cast<size_t>(rows) * sizeof(float));
      kernels().from_blocked(tile.end(rows), &x1_[first * dimension_], dimension_);
      kernels().from_blocked(tile.slope(tile.last_stage(), rows), &slope1_[first * dimension_], dimension_);
      // Times to save within the step are read while the stages are at hand; a step that is rejected will be written over.
      for (int64_t s = saved_; s < options_.saves && options_.save[s] < span_.last; ++s) {
        const double time = options_.grid[options_.save[s]];
        if ((time - next) * span_.direction >= 0) break;
        for (int32_t r = 0; r < rows; ++r) tile.dense(r, time, sink_.at(s, first + r));
      }
    });
    for (int32_t i = 1; i < options_.stages; ++i) nfe_ += cost(options_.c[i] == 1 ? next : t + options_.c[i] * h);
  }

  void save_until(double next) {
    for (; saved_ < options_.saves && options_.save[saved_] < span_.last;) {
      const double time = options_.grid[options_.save[saved_]];
      if ((time - next) * span_.direction > 0) return;
      if (time == next) {
        store(x1_);
        continue;
      }
      for (int64_t r = 0; r < options_.n; ++r) sink_.finish(saved_, r);
      ++saved_;
    }
  }

  RowStatus solve() {
    const SampleOptions& o = options_;
    const AdaptiveOptions& a = *o.adaptive;
    const Controller controller(a.error_order, a.pi);
    for (int64_t first = 0; first < o.n; first += capacity_)
      start_rows(o, first, static_cast<int32_t>(o.n - first < capacity_ ? o.n - first : capacity_), dimension_, &x_[first * dimension_]);
    if (o.save[0] == 0) store(x_);
    double t = span_.from, before = 0;
    RowStatus status = RowStatus::kDone;
    if (t != span_.to || a.closing != nullptr) {
      double h = start(controller);
      bool rejected = false;
      for (int64_t tries = 0; t != span_.to; ++tries) {
        if (interrupted()) return status;
        if (tries == a.max_steps) {
          status = RowStatus::kMaxSteps;
          break;
        }
        double step, next;
        span_.cut(t, h, &step, &next);
        attempt(t, step, next);
        const double error = norm(sums_), tried = std::fabs(step);
        if (!(error <= 1)) {
          rejected = true;
          h = tried * controller.after_rejection(error);
          if (h >= span_.shortest) continue;
          status = error - error == 0 ? RowStatus::kMinStep : RowStatus::kNonfinite;
          break;
        }
        save_until(next);
        h = tried * controller.after_acceptance(error, rejected, &before);
        if (h < span_.shortest) h = span_.shortest;
        rejected = false;
        t = next;
        std::swap(x_, x1_);
        std::swap(slope_, slope1_);
      }
    }
    while (saved_ < o.saves && o.save[saved_] <= span_.last) store(x_);
    if (a.closing != nullptr && o.steps > 0 && status == RowStatus::kDone) {
      const float cx = static_cast<float>(a.closing[0]), cv = static_cast<float>(a.closing[1]);
      for (int64_t i = 0; i < x_.size(); ++i) x_[i] = cx * x_[i] + cv * slope_[i];
    }
    while (saved_ < o.saves) store(x_);
    return status;
  }

  const RowField& field_;
  const SampleOptions& options_;
  const StopFlag* stop_;
  const Span span_;
  int32_t dimension_, capacity_, threads_ = 1;
  int64_t tiles_ = 0, saved_ = 0, nfe_ = 0;
  bool stopped_ = false;
  RowSink sink_;
  RowTile* runners_ = nullptr;
  Buffer<float> x_, slope_, x1_, slope1_, sums_, more_;  // (n, d), and (n)
};

}  // namespace

Status solve_batch(const RowField& field, int32_t dimension, int32_t capacity, const SampleOptions& options, const StopFlag* stop, float* x,
                   SampleReport* report) {
  return Batch(field, options, stop, dimension, capacity, x).run(report);
}

}  // namespace flow
