#include "solver/solve_rows.h"

#include <atomic>
#include <cmath>
#include <new>

#include "core/pool.h"
#include "solver/controller.h"
#include "solver/row_tile.h"
#include "solver/rows.h"

namespace flow {

Span::Span(const SampleOptions& o) : last(o.steps - (o.adaptive->closing != nullptr && o.steps > 0 ? 1 : 0)), from(o.grid[0]), to(o.grid[last]) {
  direction = to < from ? -1 : 1;
  const double a = std::fabs(from), b = std::fabs(to), units = 10 * 0x1p-52 * (a > b ? a : b);
  shortest = o.adaptive->min_step > units ? o.adaptive->min_step : units;
}

void Span::cut(double t, double h, double* step, double* next) const {
  // Steps are f32 numbers, so that state and time move by the same; what is left at the end is taken whole.
  const double f = static_cast<float>(h), left = (to - t) * direction;
  const bool ends = !(left > f * (1 + 1e-6));
  *step = ends ? to - t : f * direction;
  *next = ends ? to : t + *step;
}

namespace {

struct Row {  // of a place in a tile
  int64_t id, saved;
  int64_t tries, nfe;
  double h, before;  // length of the next step; log2 of the last accepted error
  bool rejected;
};

struct Shared {
  const RowField& field;
  const SampleOptions& options;
  const Controller controller;
  const Span span;
  Interruption interruption;
  int32_t dimension, capacity, threads;
  RowSink sink;
  std::atomic<int64_t> queue{0}, most_nfe{0};
};

// One thread's share: a tile in flight, and a tile of rows that have had their first slopes and wait for a place.
class Runner {
 public:
  Status init(Shared& shared, int32_t slot) {
    shared_ = &shared;
    slot_ = 2 * slot;
    FLOW_TRY(active_.init(shared.options, shared.dimension, shared.capacity, shared.options.stages));
    FLOW_TRY(fresh_.init(shared.options, shared.dimension, shared.capacity, 2));
    FLOW_TRY(rows_.allocate(shared.capacity));
    FLOW_TRY(waiting_.allocate(shared.capacity));
    FLOW_TRY(scratch_.allocate(checked_product(shared.capacity, shared.dimension)));
    return sums_.allocate(2 * int64_t{shared.capacity});
  }

  void run() {
    int32_t active = 0;
    for (;;) {
      while (active < shared_->capacity && (ready_ < waiting_count_ || refill())) enter(active++);
      if (active == 0 || shared_->interruption.requested()) return;
      for (int32_t r = 0; r < active; ++r) shared_->span.cut(active_.t()[r], rows_[r].h, &active_.step()[r], &active_.next()[r]);
      active_.attempt(shared_->field, slot_, active);
      for (int32_t r = 0; r < active; ++r) judge(r);
      for (int32_t r = 0; r < active;) {
        if (rows_[r].id >= 0) {
          ++r;
        } else if (ready_ < waiting_count_ || refill()) {
          enter(r++);
        } else if (--active > r) {
          move(active, r);
        }
      }
    }
  }

 private:
  // Takes rows from the queue, computes their first slope and first step. Rows without an interval are done at once.
  bool refill() {
    const SampleOptions& o = shared_->options;
    ready_ = waiting_count_ = 0;
    while (waiting_count_ == 0) {
      if (shared_->interruption.requested()) return false;
      // A full tile, but near the end of the queue a fair share.
      const int64_t left = o.n - shared_->queue.load(std::memory_order_relaxed);
      int64_t want = round_up((left + 2 * shared_->threads - 1) / (2 * shared_->threads), 12);
      if (want > shared_->capacity || shared_->threads == 1) want = shared_->capacity;
      const int64_t first = shared_->queue.fetch_add(want, std::memory_order_relaxed);
      if (first >= o.n) return false;
      const int32_t count = static_cast<int32_t>(o.n - first < want ? o.n - first : want);
      prepare(first, count);
      waiting_count_ = shared_->span.from == shared_->span.to ? 0 : count;
    }
    return true;
  }

  void prepare(int64_t first, int32_t count) {
    const SampleOptions& o = shared_->options;
    const RowField& field = shared_->field;
    const Span& span = shared_->span;
    const int32_t slot = slot_ + 1, d = shared_->dimension;
    start_rows(o, first, count, d, scratch_.data());
    kernels().to_blocked(scratch_.data(), d, fresh_.state(count));
    for (int32_t r = 0; r < count; ++r) {
      field.enter(field.self, slot, r, first + r);
      fresh_.t()[r] = span.from;
      Row& row = waiting_[r] = {first + r, 0, 0, 0, 0, 0, false};
      if (o.saves > 0 && o.save[0] == 0) store(r, row, fresh_.state(count));
    }
    float *const size = sums_.data(), *const speed = size + shared_->capacity;
    const bool still = span.from == span.to;
    if (still && o.adaptive->closing == nullptr) {  // nothing to integrate
      for (int32_t r = 0; r < count; ++r) finish(fresh_, r, waiting_[r], RowStatus::kDone, fresh_.state(count));
      return;
    }
    fresh_.start(field, slot, count, size, speed);
    for (int32_t r = 0; r < count; ++r) waiting_[r].nfe = cost(span.from);
    if (still) {
      for (int32_t r = 0; r < count; ++r) finish(fresh_, r, waiting_[r], RowStatus::kDone, fresh_.state(count));
      return;
    }
    const double interval = std::fabs(span.to - span.from), columns = fresh_.measured();
    for (int32_t r = 0; r < count; ++r) {
      const double h0 = probe_length(std::sqrt(size[r] / columns), std::sqrt(speed[r] / columns));
      fresh_.step()[r] = (h0 < interval ? h0 : interval) * span.direction;
    }
    fresh_.probe(field, slot, count);
    for (int32_t r = 0; r < count; ++r) {
      const double h0 = std::fabs(fresh_.step()[r]);
      waiting_[r].nfe += cost(span.from + fresh_.step()[r]);
      const double h = shared_->controller.first_step(h0, std::sqrt(speed[r] / columns), std::sqrt(fresh_.sums()[r] / columns) / h0);
      waiting_[r].h = h >= span.shortest ? (h < interval ? h : interval) : (span.shortest < interval ? span.shortest : interval);
    }
  }

  int64_t cost(double t) const { return shared_->field.cost == nullptr ? 1 : shared_->field.cost(shared_->field.self, t); }

  // Of the step just tried.
  int64_t evaluations(int32_t r) {
    const SampleOptions& o = shared_->options;
    if (shared_->field.cost == nullptr) return o.stages - 1;
    int64_t count = 0;
    for (int32_t i = 1; i < o.stages; ++i) count += cost(o.c[i] == 1 ? active_.next()[r] : active_.t()[r] + o.c[i] * active_.step()[r]);
    return count;
  }

  void enter(int32_t at) {
    active_.copy_row(at, fresh_, ready_);
    rows_[at] = waiting_[ready_++];
    shared_->field.enter(shared_->field.self, slot_, at, rows_[at].id);
  }

  void move(int32_t from, int32_t to) {
    active_.copy_row(to, active_, from);
    rows_[to] = rows_[from];
    rows_[from].id = -1;
    if (rows_[to].id >= 0) shared_->field.enter(shared_->field.self, slot_, to, rows_[to].id);
  }

  // Accepts or rejects the step just tried, and chooses the next.
  void judge(int32_t r) {
    Row& row = rows_[r];
    const Span& span = shared_->span;
    const AdaptiveOptions& a = *shared_->options.adaptive;
    const double error = std::sqrt(active_.sums()[r] / static_cast<double>(active_.measured())), tried = std::fabs(active_.step()[r]);
    row.nfe += evaluations(r);
    ++row.tries;
    const Blocked state = active_.state(shared_->capacity);
    if (!(error <= 1)) {
      row.rejected = true;
      row.h = tried * shared_->controller.after_rejection(error);
      if (row.h < span.shortest) return finish(active_, r, row, error - error == 0 ? RowStatus::kMinStep : RowStatus::kNonfinite, state);
    } else {
      save_until(r, row);
      active_.accept(r);
      if (active_.t()[r] == span.to) return finish(active_, r, row, RowStatus::kDone, state);
      row.h = tried * shared_->controller.after_acceptance(error, row.rejected, &row.before);
      if (row.h < span.shortest) row.h = span.shortest;
      row.rejected = false;
    }
    if (row.tries >= a.max_steps) finish(active_, r, row, RowStatus::kMaxSteps, state);
  }

  // Stores what was asked for within the step; its end is the state, except the very last time, which finish() stores.
  void save_until(int32_t r, Row& row) {
    const SampleOptions& o = shared_->options;
    const double next = active_.next()[r];
    while (row.saved < o.saves && o.save[row.saved] < shared_->span.last) {
      const double time = o.grid[o.save[row.saved]];
      if ((time - next) * shared_->span.direction > 0) return;
      if (time == next) {
        store(r, row, active_.end(shared_->capacity));
        continue;
      }
      active_.dense(r, time, shared_->sink.at(row.saved, row.id));
      shared_->sink.finish(row.saved++, row.id);
    }
  }

  void store(int32_t r, Row& row, const Blocked& from) {
    float* out = shared_->sink.at(row.saved, row.id);
    for (int32_t c = 0; c < shared_->dimension; ++c) out[c] = from.data[(c / kLanes) * from.block + int64_t{r} * kLanes + c % kLanes];
    shared_->sink.finish(row.saved++, row.id);
  }

  // The closing step, if the row came to the end, and everything that has not been stored.
  void finish(RowTile& tile, int32_t r, Row& row, RowStatus status, const Blocked& state) {
    const SampleOptions& o = shared_->options;
    const AdaptiveOptions& a = *o.adaptive;
    while (row.saved < o.saves && o.save[row.saved] <= shared_->span.last) store(r, row, state);
    if (a.closing != nullptr && o.steps > 0 && status == RowStatus::kDone) {
      const float* const k = tile.slope(0, shared_->capacity).data;  // the slope at the end is known already
      const float cx = static_cast<float>(a.closing[0]), cv = static_cast<float>(a.closing[1]);
      for (int32_t c = 0; c < shared_->dimension; ++c) {
        const int64_t at = (c / kLanes) * state.block + int64_t{r} * kLanes + c % kLanes;
        state.data[at] = cx * state.data[at] + cv * k[at];
      }
    }
    while (row.saved < o.saves) store(r, row, state);
    if (a.row_nfe != nullptr) a.row_nfe[row.id] = static_cast<int32_t>(row.nfe < INT32_MAX ? row.nfe : INT32_MAX);
    if (a.row_status != nullptr) a.row_status[row.id] = static_cast<uint8_t>(status);
    int64_t most = shared_->most_nfe.load(std::memory_order_relaxed);
    while (row.nfe > most && !shared_->most_nfe.compare_exchange_weak(most, row.nfe, std::memory_order_relaxed)) {
    }
    row.id = -1;
  }

  Shared* shared_ = nullptr;
  int32_t slot_ = 0;  // of the field: ours, and the next for the tile that waits
  RowTile active_, fresh_;
  Buffer<Row> rows_, waiting_;
  int32_t ready_ = 0, waiting_count_ = 0;
  Buffer<float> scratch_, sums_;
};

struct Runners {
  Runner* all;
  ~Runners() { delete[] all; }
};

}  // namespace

Status solve_rows(const RowField& field, int32_t dimension, int32_t capacity, const SampleOptions& options, const StopFlag* stop, float* x,
                  SampleReport* report) {
  *report = {};
  if (options.n == 0 || options.saves == 0) return {};
  if (capacity > options.n) capacity = static_cast<int32_t>(options.n);
  if (options.adaptive->batch) return solve_batch(field, dimension, capacity, options, stop, x, report);
  const int64_t wanted = (options.n + 11) / 12;
  const int32_t most = resolve_threads(options.threads), threads = static_cast<int32_t>(wanted < most ? wanted : most);
  Shared shared{field,
                options,
                Controller(options.adaptive->error_order, options.adaptive->pi),
                Span(options),
                Interruption(stop),
                dimension,
                capacity,
                threads,
                RowSink(options, dimension, x)};
  FLOW_TRY(field.open(field.self, 2 * threads, capacity));
  const Runners runners{new (std::nothrow) Runner[static_cast<size_t>(threads)]};
  if (runners.all == nullptr) return out_of_memory();
  for (int32_t i = 0; i < threads; ++i) FLOW_TRY(runners.all[i].init(shared, i));
  parallel_for(threads, threads, [&](int64_t task, int32_t) { runners.all[task].run(); });
  report->nfe = shared.most_nfe.load();
  report->stopped = shared.interruption.seen();
  report->nonfinite_row = shared.sink.nonfinite_row();
  return {};
}

}  // namespace flow
