// Read this first: a step is  coupling, if any -> gradient of a batch -> sums and norm -> AdamW, EMA, transposes.  Nothing is written before the norm is
// known to be finite.
#include "train/trainer.h"

#include <chrono>
#include <new>

#include "core/pool.h"
#include "network/packed.h"
#include "optimiser/optimiser.h"
#include "train/batch.h"
#include "train/pairing.h"
#include "train/spans.h"
#include "train/step.h"

namespace flow {

namespace {

constexpr int32_t kMostShortcutSteps = 1024;

bool finite(double x) { return x - x == 0; }

double milliseconds() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Status check_rows(const uint32_t* rows, int64_t count, int64_t available, const char* what) {
  for (int64_t i = 0; i < count; ++i)
    if (rows[i] >= available) return fail(Code::kArgument, what, i);
  return {};
}

// Columns of the condition that is given: of average velocities the last one is the span.
int32_t given_width(const TrainerOptions& o, const Program& program) { return program.condition_width - (o.span.active() ? 1 : 0); }

Status check(const TrainerOptions& o, const Program& program) {
  const auto bad = [](const char* what) { return fail(Code::kArgument, what); };
  if (!o.data || o.data->rows() < 1) return fail(Code::kState, "training needs data");
  if (o.data->columns() != program.dimension) return bad("the data is not as wide as the network's x");
  if (o.source && (o.source->columns() != program.dimension || o.source->rows() < 1)) return bad("the source must have rows as wide as the data");
  if (o.source && o.source_paired && o.source->rows() != o.data->rows()) return bad("a paired source must have as many rows as the data");
  const int32_t width = given_width(o, program);
  if ((o.condition != nullptr) != (width > 0)) return bad("a condition must be given exactly when the network has one");
  if (!(o.span.instant >= 0 && o.span.instant <= 1)) return bad("the share of rows without a span must lie in [0, 1]");
  const int32_t most = o.span.most_steps;
  if (most < 0 || most > kMostShortcutSteps || (most & (most - 1)) != 0 || (most > 0 && o.span.program != nullptr))
    return bad("the most steps of a shortcut must be a power of two up to 1024, and there is no derivative beside them");
  if (!finite(o.span.limit) || o.span.limit < 0) return bad("the limit of a target must be finite and not negative");
  if (o.span.active() && (o.objective.target != Target::kVelocity || o.objective.weights != nullptr || o.objective.importance))
    return bad("average velocities have no weights and no other target");
  if (o.condition && (o.condition->columns() != width || o.condition->rows() != o.data->rows()))
    return bad("the condition must have the network's width and as many rows as the data");
  if (o.train_count < 1) return fail(Code::kState, "training needs at least one row");
  FLOW_TRY(check_rows(o.train_rows, o.train_count, o.data->rows(), "a training row is past the last row"));
  FLOW_TRY(check_rows(o.validation_rows, o.validation_count, o.data->rows(), "a validation row is past the last row"));
  if (o.batch_size < 1 || o.batch_size > (int64_t{1} << 24)) return bad("the batch size must lie in [1, 2^24]");
  if (!(o.drop.probability >= 0 && o.drop.probability < 1)) return bad("the probability of dropping a condition must lie in [0, 1)");
  if (o.drop.probability > 0 && (o.drop.row == nullptr || !o.condition)) return bad("dropping needs a condition and its null row");
  if (!(o.beta1 >= 0 && o.beta1 < 1) || !(o.beta2 >= 0 && o.beta2 < 1)) return bad("beta1 and beta2 must lie in [0, 1)");
  if (!finite(o.epsilon) || !(static_cast<float>(o.epsilon) > 0)) return bad("epsilon must be above 0");
  if (!finite(o.weight_decay) || o.weight_decay < 0) return bad("the weight decay must be finite and not negative");
  if (!(o.ema_decay >= 0 && o.ema_decay < 1)) return bad("the EMA decay must lie in [0, 1)");
  if (o.precision != Precision::kF32 && o.precision != Precision::kBf16) return bad("training runs in f32 or bf16");
  if (!finite(o.clip) || o.clip < 0) return bad("clip must be finite and not negative");
  if (!finite(o.times.t_min) || !finite(o.times.t_max) || o.times.t_min > o.times.t_max) return bad("the times must satisfy tMin <= tMax");
  if (o.times.quantiles != nullptr && o.times.quantile_count < 2) return bad("a quantile table needs at least two values");
  for (int64_t i = 0; o.times.quantiles != nullptr && i < o.times.quantile_count; ++i)
    if (!finite(o.times.quantiles[i])) return fail(Code::kArgument, "a quantile is not finite", i);
  const ObjectiveOptions& g = o.objective;
  const bool score = g.target == Target::kScoreAndFlow;
  if (program.heads() != (score ? 2 : 1)) return bad("score and flow need a network of two heads, everything else one of one");
  if (score && (!finite(g.sigma) || !(g.sigma > 0) || !o.path.table)) return bad("score and flow need a bridge and its sigma");
  if (!finite(g.c) || g.c < 0 || !finite(g.power) || g.power < 0) return bad("c and the power of a loss must be finite and not negative");
  if (g.weights != nullptr && g.weight_count < 2) return bad("a table of weights needs at least two values");
  for (int64_t i = 0; g.weights != nullptr && i < g.weight_count; ++i)
    if (!finite(g.weights[i]) || g.weights[i] < 0) return fail(Code::kArgument, "a weight is negative or not finite", i);
  if (!o.path.table) return finite(o.path.sigma_min) ? Status{} : bad("sigmaMin must be finite");
  if (!finite(o.path.t_min) || !finite(o.path.t_max) || !(o.path.t_min < o.path.t_max)) return bad("the path must satisfy tMin < tMax");
  if (o.path.node_count < 2) return bad("a path table needs at least two nodes");
  for (int64_t i = 0; i < 12 * o.path.node_count; ++i)
    if (!finite(o.path.nodes[i])) return fail(Code::kArgument, "a node of the path is not finite", i / 12, i % 12);
  for (int64_t k = 0; score && g.varies && k < o.path.node_count; ++k)
    if (!(o.path.nodes[12 * k + 3] > 0)) return fail(Code::kArgument, "a diffusion that varies as dAlpha needs dAlpha > 0", k);
  return {};
}

}  // namespace

struct TrainerImpl {
  ~TrainerImpl() {
    for (const auto& set : pinned)
      if (set) set->unpin();
  }
  std::shared_ptr<Dataset> pinned[3];
  Program program;
  Plan train, forward;
  NarrowPlan narrow;
  Batch batch;
  Spans spans;
  int32_t given = 0;  // columns of the condition without the span
  Pairing pairing;
  double tolerance = 0;  // of its plan
  GradientPass pass;
  RowLoss loss;
  Optimiser optimiser;
  int32_t threads = 1;
  int64_t validation_rows = 0;
  std::atomic<int64_t> step{0};
  Buffer<double> squares;   // per chunk of the optimiser
  Buffer<uint8_t> regular;  // per chunk: no gradient is NaN or infinite

  // The weights that make the targets of average velocities where the network has `parameters`.
  const float* teacher(const float* parameters) { return spans.by_ema() && optimiser.ema() != nullptr ? optimiser.ema() : parameters; }
  SliceEnd one_step(double lr, Pairs pairs, const StopFlag* stop, double* loss, double* norm);
  SliceEnd descend(int64_t k, double lr, Pairs pairs, const StopFlag* stop, double* loss, double* norm);
};

// kDone, or why the step left no trace.
SliceEnd TrainerImpl::one_step(double lr, Pairs pairs, const StopFlag* stop, double* loss, double* norm) {
  const int64_t k = step.load(std::memory_order_relaxed);
  if (pairs.from != nullptr || !pairing.active()) return descend(k, lr, pairs, stop, loss, norm);
  if (!pairing.of_step(static_cast<uint64_t>(k), stop, &pairs)) return SliceEnd::kStopped;
  SliceEnd end = SliceEnd::kStopped;
  pairing.beside(static_cast<uint64_t>(k), stop, [&] { end = descend(k, lr, pairs, stop, loss, norm); });
  return end;
}

SliceEnd TrainerImpl::descend(int64_t k, double lr, Pairs pairs, const StopFlag* stop, double* loss, double* norm) {
  if (!pass.run(static_cast<uint64_t>(k), pairs, optimiser.parameters(), teacher(optimiser.parameters()), optimiser.transposed(), stop, loss))
    return SliceEnd::kStopped;
  parallel_for(optimiser.chunks(), threads, [&](int64_t chunk, int32_t) {
    bool good = true;
    squares[chunk] = pass.reduce(optimiser.begin(chunk), optimiser.end(chunk), &good);
    regular[chunk] = good;
  });
  double sum = 0;
  bool good = finite(*loss);
  for (int64_t i = 0; i < squares.size(); ++i) {
    sum += squares[i];
    good = good && regular[i];
  }
  if (!good || !finite(lr)) return SliceEnd::kNonfinite;
  if (stop != nullptr && stop->requested()) return SliceEnd::kStopped;
  *norm = __builtin_sqrt(sum);
  const OptimiserStep update = optimiser.plan_step(k + 1, lr, *norm);
  parallel_for(optimiser.chunks(), threads, [&](int64_t chunk, int32_t) { optimiser.update(chunk, update, pass.gradients()); });
  step.store(k + 1, std::memory_order_relaxed);
  return SliceEnd::kDone;
}

Trainer::Trainer() = default;
Trainer::~Trainer() = default;

Status Trainer::init(const TrainerOptions& o) {
  impl_.reset(new (std::nothrow) TrainerImpl);
  if (!impl_) return out_of_memory();
  TrainerImpl& t = *impl_;
  FLOW_TRY(t.program.parse(o.program, o.program_words, o.constants, o.constant_count));
  if (t.program.tangent >= 0) return fail(Code::kProgram, "a program with tangents is not one to train", 10);
  FLOW_TRY(check(o, t.program));
  if (o.parameter_count != t.program.parameter_count) return fail(Code::kArgument, "the number of parameters does not match the program");
  for (int64_t i = 0; i < o.parameter_count; ++i)
    if (!finite(o.parameters[i])) return fail(Code::kNonfinite, "a parameter is not finite", i);
  FLOW_TRY(t.train.build(t.program, Pass::kTrain));
  FLOW_TRY(t.forward.build(t.program, Pass::kForward));
  t.given = given_width(o, t.program);
  FLOW_TRY(t.spans.init(o.span, t.program));
  FLOW_TRY(t.batch.init(o, t.program.dimension, t.given));
  t.threads = resolve_threads(o.threads);
  t.validation_rows = o.validation_count;
  t.tolerance = o.coupling.plan.tolerance;
  FLOW_TRY(t.pairing.init(o, t.batch, t.program.dimension, t.given, t.threads));
  const NarrowPlan* narrow = o.precision == Precision::kBf16 ? &t.narrow : nullptr;
  if (narrow != nullptr) FLOW_TRY(t.narrow.build(t.program, t.train, 1));
  Buffer<float> packed;
  FLOW_TRY(packed.allocate(t.program.packed_count));
  t.program.pack(o.parameters, packed.data());
  FLOW_TRY(t.optimiser.init(t.program, t.train, {o.beta1, o.beta2, o.epsilon, o.weight_decay, o.ema_decay, o.clip, o.ema_warmup}, packed.data(), narrow));
  t.loss = RowLoss(o.objective, t.program.dimension);
  FLOW_TRY(t.pass.init(t.program, t.train, t.batch, t.threads, t.loss, t.spans, narrow, t.optimiser.narrow_weights(), t.optimiser.narrow_transposed()));
  FLOW_TRY(t.squares.allocate(t.optimiser.chunks()));
  FLOW_TRY(t.regular.allocate(t.optimiser.chunks()));
  const std::shared_ptr<Dataset>* sets[3] = {&o.data, &o.source, &o.condition};
  for (int i = 0; i < 3; ++i) {
    t.pinned[i] = *sets[i];
    if (t.pinned[i]) t.pinned[i]->pin();
  }
  return {};
}

int64_t Trainer::step() const { return impl_->step.load(std::memory_order_relaxed); }
int64_t Trainer::parameter_count() const { return impl_->program.parameter_count; }
int64_t Trainer::batch_size() const { return impl_->batch.size(); }
int32_t Trainer::dimension() const { return impl_->program.dimension; }
int32_t Trainer::condition_width() const { return impl_->given; }

Status Trainer::run(const double* learning_rates, int64_t count, double budget_ms, const StopFlag* stop, double* losses, double* gradient_norms,
                    SliceReport* report) {
  *report = {};
  const double until = budget_ms > 0 ? milliseconds() + budget_ms : 0;
  const int64_t before = impl_->pairing.solved();
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0 && budget_ms > 0 && milliseconds() >= until) {
      report->end = SliceEnd::kBudget;
      return {};
    }
    report->end = impl_->one_step(learning_rates[i], {}, stop, losses + i, gradient_norms + i);
    report->transports = impl_->pairing.solved() - before;
    if (report->end != SliceEnd::kDone) return {};
    report->steps = i + 1;
    if (!impl_->pairing.active()) continue;
    const double error = impl_->pairing.error(static_cast<uint64_t>(step() - 1));
    report->unsettled += error != 0 && !(error < impl_->tolerance) ? 1 : 0;
    report->worst = error > report->worst ? error : report->worst;
  }
  return {};
}

Status Trainer::draw(float* x0, float* x1, float* condition) {
  TrainerImpl& t = *impl_;
  constexpr int64_t kRows = 1024;
  const int64_t b = t.batch.size(), d = t.program.dimension, c = t.given;
  BatchScratch scratch;
  FLOW_TRY(scratch.init(b < kRows ? b : kRows, t.program.dimension, t.program.condition_width, false));
  for (int64_t first = 0; first < b; first += kRows) {
    const int64_t rows = b - first < kRows ? b - first : kRows;
    t.batch.draw(static_cast<uint64_t>(step()), first, static_cast<int32_t>(rows), {}, scratch);
    std::memcpy(x0 + first * d, scratch.x0.data(), static_cast<size_t>(rows * d) * sizeof(float));
    std::memcpy(x1 + first * d, scratch.x1.data(), static_cast<size_t>(rows * d) * sizeof(float));
    if (c > 0) std::memcpy(condition + first * c, scratch.condition.data(), static_cast<size_t>(rows * c) * sizeof(float));
  }
  return {};
}

Status Trainer::run_paired(const int32_t* pairs, double learning_rate, const StopFlag* stop, double* loss, double* gradient_norm, SliceReport* report) {
  for (int64_t i = 0; i < batch_size(); ++i)
    if (pairs[i] < 0 || pairs[i] >= batch_size()) return fail(Code::kArgument, "a pair is not an index into the batch", i);
  *report = {};
  report->end = impl_->one_step(learning_rate, {pairs, nullptr}, stop, loss, gradient_norm);
  report->steps = report->end == SliceEnd::kDone ? 1 : 0;
  return {};
}

namespace {

struct Evaluator {  // one runner of evaluate()
  Workspace workspace;
  BatchScratch scratch;
  SpanTarget span;
  Buffer<float> target, loss;
  Status init(const Program& program, const Plan& plan, const Spans& spans, int32_t tile, const Batch& batch) {
    FLOW_TRY(span.init(spans, tile));
    FLOW_TRY(workspace.init(program, plan, tile));
    FLOW_TRY(scratch.init(tile, program.dimension, program.condition_width, batch.bridge(), batch.score()));
    FLOW_TRY(target.allocate(round_up(program.values[program.output].width, kLanes) * tile));
    return loss.allocate(tile);
  }
};

}  // namespace

Status Trainer::evaluate(bool ema, uint64_t seed, int64_t draws, const StopFlag* stop, EvaluateReport* report) {
  TrainerImpl& t = *impl_;
  *report = {};
  if (t.validation_rows < 1) return fail(Code::kState, "there are no validation rows");
  const int64_t pairs = checked_product(t.validation_rows, draws);
  if (draws < 1 || pairs < 0) return fail(Code::kArgument, "draws must be at least 1");
  const int32_t tile = tile_rows(t.program);
  const int64_t tiles = (pairs + tile - 1) / tile;
  const int32_t slots = static_cast<int32_t>(tiles < t.threads ? tiles : t.threads);
  const float* parameters = ema && t.optimiser.ema() != nullptr ? t.optimiser.ema() : t.optimiser.parameters();
  const float* teacher = t.teacher(parameters);
  const std::unique_ptr<Evaluator[]> runners(new (std::nothrow) Evaluator[static_cast<size_t>(slots)]);
  if (!runners) return out_of_memory();
  for (int32_t i = 0; i < slots; ++i) FLOW_TRY(runners[i].init(t.program, t.forward, t.spans, tile, t.batch));
  Buffer<int32_t> from, to;  // of each pair, under a coupling
  if (t.pairing.active()) {
    if (pairs > INT32_MAX) return fail(Code::kArgument, "there are too many draws");
    FLOW_TRY(from.allocate(pairs));
    FLOW_TRY(to.allocate(pairs));
    if (!t.pairing.of_validation(seed, draws, t.validation_rows, stop, from.data(), to.data())) {
      report->end = SliceEnd::kStopped;
      return {};
    }
  }
  Buffer<double> sums;
  FLOW_TRY(sums.allocate(tiles));
  std::atomic<bool> stopped{false};
  parallel_for(tiles, slots, [&](int64_t index, int32_t slot) {
    if (stop != nullptr && stop->requested()) {
      stopped.store(true, std::memory_order_relaxed);
      return;
    }
    Evaluator& e = runners[slot];
    const int64_t first = index * tile;
    const Rows rows{0, static_cast<int32_t>(pairs - first < tile ? pairs - first : tile)};
    const Blocked u{e.target.data(), int64_t{tile} * kLanes, rows.count, t.program.values[t.program.output].width};
    t.batch.fill_validation(seed, draws, first, rows.count, t.pairing.active() ? Pairs{from.data(), to.data()} : Pairs{}, e.scratch,
                            {e.workspace.value(kValueX, rows), e.workspace.value(kValueT, rows), e.workspace.value(kValueCondition, rows), u});
    if (t.spans.active()) e.span.apply(e.workspace, rows, teacher, e.scratch.span.data(), u);
    flow::forward(e.workspace, parameters, rows);
    scale_columns(e.workspace.value(t.program.output, rows), t.program.dimension, t.batch.score() ? e.scratch.gain.data() : nullptr);
    kernels().squared_error(e.workspace.value(t.program.output, rows), u, e.scratch.weight.data(), 0, {nullptr, 0, 0, 0}, e.loss.data());
    if (!t.batch.weighted())  // those of the tile before became its slopes
      for (float& w : e.scratch.weight) w = 1;
    if (t.batch.weighted() || !t.loss.squares()) t.loss.apply(rows.count, e.loss.data(), e.scratch.weight.data());
    for (int32_t r = 0; r < rows.count; ++r) sums[index] += e.loss[r];
  });
  if (stopped.load()) {
    report->end = SliceEnd::kStopped;
    return {};
  }
  double sum = 0;
  for (const double s : sums) sum += s;
  report->loss = sum / (static_cast<double>(pairs) * t.program.dimension);
  if (!finite(report->loss)) report->end = SliceEnd::kNonfinite;
  return {};
}

Status Trainer::get_state(StateKind kind, float* out) const {
  Optimiser& o = impl_->optimiser;
  const float* from[4] = {o.parameters(), o.ema() != nullptr ? o.ema() : o.parameters(), o.first(), o.second()};
  impl_->program.unpack(from[static_cast<int32_t>(kind)], out);
  return {};
}

Status Trainer::set_state(const float* parameters, const float* ema, const float* first_moment, const float* second_moment, int64_t step) {
  if (step < 0) return fail(Code::kArgument, "the step must not be negative");
  for (const float* values : {parameters, ema, first_moment, second_moment})
    for (int64_t i = 0; i < parameter_count(); ++i)
      if (!finite(values[i])) return fail(Code::kNonfinite, "a value of the state is not finite", i);
  Optimiser& o = impl_->optimiser;
  impl_->program.pack(parameters, o.parameters());
  if (o.ema() != nullptr) impl_->program.pack(ema, o.ema());
  impl_->program.pack(first_moment, o.first());
  impl_->program.pack(second_moment, o.second());
  o.transpose_all();
  impl_->step.store(step, std::memory_order_relaxed);
  return {};
}

}  // namespace flow
