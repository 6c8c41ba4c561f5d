// Log-densities with error control: the integral of the divergence is one more component of the state, f32 like the others,
//   d(x, w l)/dt = (v, w div v),   w = its share in the error norm,
// so that steps and statuses are those of solve_rows.h. w is at least 2^-60, so that f32 keeps it; without a share the mean is over d columns: the steps of x
// alone to the bit.
#include "core/buffer.h"
#include "network/packed.h"
#include "solver/density_parts.h"
#include "solver/solve_rows.h"

namespace flow {

namespace {

class DensityField {
 public:
  DensityField(const NetworkData& network, const DensityOptions& options)
      : network_(network, options.solve),
        options_(options),
        dimension_(network.program.dimension),
        columns_(options.columns != nullptr && options.probes == 0 ? options.column_count : 1),
        length_(counted(options, network.program.dimension)) {
    network_.trace();
  }
  double weight() const { return options_.weight > 0x1p-60 ? options_.weight : 0x1p-60; }
  void probe(int64_t index) { probe_ = index; }

  RowField field() {
    RowField field{this, [](void* self, int32_t slots, int32_t capacity) { return static_cast<DensityField*>(self)->open(slots, capacity); },
                   [](void* self, int32_t slot, int32_t at, int64_t row) { static_cast<DensityField*>(self)->enter(slot, at, row); },
                   [](void* self, int32_t slot, const double* t, Blocked x, Blocked v) { static_cast<DensityField*>(self)->evaluate(slot, t, x, v); }};
    if (options_.solve.guidance.null_condition != nullptr) field.cost = [](void* self, double t) { return static_cast<DensityField*>(self)->network_.cost(t); };
    return field;
  }

 private:
  Status open(int32_t slots, int32_t capacity) {
    if (capacity_ > 0) return {};  // of an earlier pass, as large
    capacity_ = capacity;
    FLOW_TRY(seeds_.allocate(checked_product(slots, dimension_)));
    FLOW_TRY(traces_.allocate(int64_t{slots} * capacity));
    FLOW_TRY(kept_.allocate(int64_t{slots} * capacity));
    return network_.open(slots, capacity);
  }

  void enter(int32_t slot, int32_t at, int64_t row) {
    network_.enter(slot, at, row);
    network_.seed(slot, at, seeds_.data() + int64_t{slot} * dimension_,
                  [&](int32_t copy, float* z) { fill_seeds(options_, dimension_, row, 1, probe_ + copy, z); });
  }

  // The network sees d columns and zeros behind them: the last component steps aside meanwhile.
  void evaluate(int32_t slot, const double* t, Blocked x, Blocked v) {
    const int64_t last = (dimension_ / kLanes) * x.block + dimension_ % kLanes;
    float* const kept = kept_.data() + int64_t{slot} * capacity_;
    double* const trace = traces_.data() + int64_t{slot} * capacity_;
    for (int32_t r = 0; r < x.rows; ++r) {
      kept[r] = x.data[last + int64_t{r} * kLanes];
      x.data[last + int64_t{r} * kLanes] = 0;
    }
    network_.evaluate(slot, t, {x.data, x.block, x.rows, dimension_}, {v.data, v.block, v.rows, dimension_});
    network_.divergence(slot, t, x.rows, columns_, length_, trace);
    for (int32_t r = 0; r < x.rows; ++r) {
      x.data[last + int64_t{r} * kLanes] = kept[r];
      v.data[last + int64_t{r} * kLanes] = static_cast<float>(weight() * trace[r]);
    }
  }

  NetworkRows network_;
  const DensityOptions& options_;
  int32_t dimension_, columns_, length_, capacity_ = 0;
  int64_t probe_ = 0;
  Buffer<float> seeds_, kept_;
  Buffer<double> traces_;
};

}  // namespace

Status density_rows(const NetworkData& network, const DensityOptions& options, int32_t capacity, const StopFlag* stop, double* log_density, double* error,
                    SampleReport* report) {
  const int64_t n = options.solve.n, d = network.program.dimension, width = d + 1, passes = options.probes > 0 ? options.probes : 1;
  *report = {};
  if (n == 0) return {};
  Buffer<float> start, end;
  Buffer<int32_t> nfe;
  Buffer<uint8_t> status;
  Buffer<uint8_t> early;  // the first status that is not kDone
  Buffer<Estimates> estimates;
  FLOW_TRY(start.allocate(checked_product(n, width)));
  FLOW_TRY(end.allocate(checked_product(n, width)));
  FLOW_TRY(nfe.allocate(n));
  FLOW_TRY(status.allocate(n));
  FLOW_TRY(early.allocate(n));
  FLOW_TRY(estimates.allocate(n));
  for (int64_t r = 0; r < n; ++r) std::memcpy(&start[r * width], options.solve.initial + r * d, static_cast<size_t>(d) * sizeof(float));
  AdaptiveOptions control = *options.solve.adaptive;
  control.silent = options.weight > 0 ? 0 : 1;
  control.row_nfe = nfe.data();
  control.row_status = status.data();
  const int32_t save = static_cast<int32_t>(options.solve.steps);
  SampleOptions solve = options.solve;
  solve.initial = start.data();
  solve.save = &save;
  solve.saves = 1;
  solve.shift = solve.scale = nullptr;
  solve.adaptive = &control;
  const AdaptiveOptions& told = *options.solve.adaptive;
  for (int64_t r = 0; r < n && told.row_nfe != nullptr; ++r) told.row_nfe[r] = 0;
  for (int64_t r = 0; r < n && told.row_status != nullptr; ++r) told.row_status[r] = 0;
  DensitySink sink(options, static_cast<int32_t>(d), log_density, error);
  DensityField field(network, options);
  for (int64_t pass = 0; pass < passes; ++pass) {
    SampleReport of;
    field.probe(pass);
    FLOW_TRY(solve_rows(field.field(), static_cast<int32_t>(width), capacity, solve, stop, end.data(), &of));
    report->nfe = of.nfe > report->nfe ? of.nfe : report->nfe;
    report->stopped = of.stopped;
    if (of.stopped) return {};
    for (int64_t r = 0; r < n; ++r) {
      estimates[r].add(end[r * width + d] / field.weight(), pass, false);
      if (early[r] == 0) early[r] = status[r];
      if (told.row_nfe != nullptr && nfe[r] > told.row_nfe[r]) told.row_nfe[r] = nfe[r];
    }
  }
  for (int64_t r = 0; r < n; ++r) {
    if (told.row_status != nullptr) told.row_status[r] = early[r];
    if (early[r] == 0) sink.finish(r, &end[r * width], estimates[r]);
    else log_density[r] = error[r] = __builtin_nan("");
  }
  report->nonfinite_row = sink.bad.row();
  return {};
}

}  // namespace flow
