#include "train/step.h"

#include <new>

#include "core/pool.h"
#include "network/columns.h"
#include "network/packed.h"

namespace flow {

namespace {

constexpr int64_t kTilesLimit = 256 * 1024;  // packed parameters up to which weights and gradient of a runner stay in L2
constexpr int64_t kBlockRows = 128;          // rows per block of scheme `tiles`: fewer would spend more on the sum than they bring
// More would keep more threads busy, and move more gradients through the third-level cache: 8 take 5 % less than 16 at (2, 256, 3), B = 4096.
constexpr int64_t kMostBlocks = 8;
constexpr int64_t kChunkRows = 2048;    // rows at once of scheme `layers`
constexpr int32_t kGradientPanels = 8;  // a task of a weight gradient of scheme `layers`: 8 panels of outputs x 8 blocks of inputs, 256 KiB of sums

int32_t ceil_div(int64_t a, int64_t b) { return static_cast<int32_t>((a + b - 1) / b); }
// Panels of one task when `tiles` tiles of rows alone would not feed the threads; no bit depends on it.
int32_t panels_per_task(int32_t panels, int64_t tiles, int32_t threads) {
  const int64_t groups = threads > 1 ? ceil_div(4 * int64_t{threads}, tiles) : 1;
  return ceil_div(panels, groups < panels ? groups : panels);
}
// The i-th of `groups` even parts of [0, count).
Panels share(int32_t count, int32_t groups, int32_t i) {
  return {static_cast<int32_t>(int64_t{count} * i / groups), static_cast<int32_t>(int64_t{count} * (i + 1) / groups)};
}

}  // namespace

GradientPass::~GradientPass() { delete[] slots_; }

Status GradientPass::init(const Program& program, const Plan& plan, const Batch& batch, int32_t threads, const RowLoss& loss, const Spans& spans,
                          const NarrowPlan* narrow, const Bf16* weights, const Bf16* transposed) {
  program_ = &program;
  plan_ = &plan;
  batch_ = &batch;
  loss_ = loss;
  const int64_t rows = batch.size(), d = program.values[program.output].width;
  const int32_t most = 128;  // = kSumBlock: a tile's weight gradient is one block of rows
  if (program.packed_count <= kTilesLimit) {
    blocks_ = rows / kBlockRows;
    blocks_ = blocks_ < 1 ? 1 : blocks_ > kMostBlocks ? kMostBlocks : blocks_;
    block_rows_ = (rows + blocks_ - 1) / blocks_;
    const int64_t tiles = (block_rows_ + most - 1) / most;
    tile_ = static_cast<int32_t>((block_rows_ + tiles - 1) / tiles);
    // A block of one tile is one sum from zero: added to its neighbour's gradient it gives the bits of the tree's first level, and saves a pass over memory.
    // Not so for the rows of an embedding's table, which are added one by one.
    bool from_zero = tiles == 1;
    for (const Op& op : program.ops) from_zero = from_zero && op.kind != OpKind::kEmbed;
    run_ = from_zero && blocks_ >= 2 * int64_t{threads} ? 2 : 1;
  } else {
    chunk_ = rows < kChunkRows ? rows : kChunkRows;
    const int64_t tiles = (chunk_ + most - 1) / most;
    tile_ = static_cast<int32_t>((chunk_ + tiles - 1) / tiles);
    if (narrow != nullptr) tile_ = static_cast<int32_t>(round_up(tile_, kLanes));  // row groups are not shared between tiles
    FLOW_TRY(layers_.init(program, plan, chunk_, narrow, weights, transposed));
    FLOW_TRY(layers_target_.allocate(checked_product(round_up(d, kLanes), chunk_)));
  }
  threads_ = threads;
  const int64_t tasks = (blocks_ + run_ - 1) / run_;
  const int32_t slots = chunk_ > 0 ? threads : static_cast<int32_t>(tasks < threads ? tasks : threads);
  slots_ = new (std::nothrow) Slot[static_cast<size_t>(slots)];
  if (slots_ == nullptr) return out_of_memory();
  for (int32_t i = 0; i < slots; ++i) {
    FLOW_TRY(slots_[i].scratch.init(tile_, program.dimension, program.condition_width, batch.bridge(), batch.score()));
    FLOW_TRY(slots_[i].span.init(spans, tile_));
    if (chunk_ > 0) continue;
    FLOW_TRY(slots_[i].workspace.init(program, plan, tile_, narrow, weights, transposed));
    FLOW_TRY(slots_[i].target.allocate(round_up(d, kLanes) * tile_));
  }
  FLOW_TRY(gradients_.allocate(checked_product(program.packed_count, blocks_)));
  if (batch.weighted() || !loss.squares()) FLOW_TRY(row_weight_.allocate(rows));
  if (batch.score()) FLOW_TRY(row_gain_.allocate(rows));
  return row_loss_.allocate(rows);
}

bool GradientPass::interrupted(const StopFlag* stop) {
  if (stop == nullptr || !stop->requested()) return false;
  stopped_.store(true, std::memory_order_relaxed);
  return true;
}

template <class F>
bool GradientPass::over(int64_t tasks, const StopFlag* stop, F&& run) {
  parallel_for(tasks, threads_, [&](int64_t task, int32_t slot) {
    if (!interrupted(stop)) run(task, slot);
  });
  return !stopped_.load(std::memory_order_relaxed);
}

bool GradientPass::run(uint64_t step, Pairs pairs, const float* parameters, const float* teacher, const float* transposed, const StopFlag* stop, double* loss) {
  step_ = step;
  pairs_ = pairs;
  parameters_ = parameters;
  teacher_ = teacher;
  transposed_ = transposed;
  stopped_.store(false, std::memory_order_relaxed);
  if (!(chunk_ > 0 ? run_layers(stop) : run_tiles(stop))) return false;
  double sum = 0;
  for (const float l : row_loss_) sum += l;
  *loss = sum / (static_cast<double>(batch_->size()) * program_->dimension);
  return true;
}

void GradientPass::fill(Slot& slot, const Workspace& w, float* target, int64_t capacity, Rows rows, int64_t batch_row) {
  const Blocked u{target + rows.first * kLanes, capacity * kLanes, rows.count, program_->values[program_->output].width};
  batch_->fill(step_, batch_row, rows.count, pairs_, slot.scratch, {w.value(kValueX, rows), w.value(kValueT, rows), w.value(kValueCondition, rows), u});
  if (row_weight_.size() > 0) std::memcpy(row_weight_.data() + batch_row, slot.scratch.weight.data(), static_cast<size_t>(rows.count) * sizeof(float));
  if (row_gain_.size() > 0) std::memcpy(row_gain_.data() + batch_row, slot.scratch.gain.data(), static_cast<size_t>(rows.count) * sizeof(float));
  if (batch_->spans()) slot.span.apply(w, rows, teacher_, slot.scratch.span.data(), u);
  for (const int32_t v : {kValueX, kValueT, kValueCondition}) narrow_value(w, v, rows);
}

void GradientPass::loss_of(const Workspace& w, const float* target, int64_t capacity, Rows rows, int64_t batch_row, Slot& slot) {
  const int32_t d = program_->dimension;
  const ConstBlocked u{target + rows.first * kLanes, capacity * kLanes, rows.count, program_->values[program_->output].width};
  const float factor = static_cast<float>(2 / (static_cast<double>(batch_->size()) * d));
  const float* gain = row_gain_.size() > 0 ? row_gain_.data() + batch_row : nullptr;
  const Blocked v = w.value(program_->output, rows), gradient = w.gradient(program_->output, rows);
  float* loss = row_loss_.data() + batch_row;
  scale_columns(v, d, gain);
  if (row_weight_.size() == 0) {
    kernels().squared_error(v, u, slot.scratch.weight.data(), factor, gradient, loss);
  } else {
    // Any other loss: the squares of the rows, their loss and its slope, then the gradient (its own squares go nowhere).
    float* weight = row_weight_.data() + batch_row;
    kernels().squared_error(v, u, weight, 0, {nullptr, 0, 0, 0}, loss);
    loss_.apply(rows.count, loss, weight);
    kernels().squared_error(v, u, weight, factor, gradient, slot.scratch.uniform.data());
  }
  scale_columns(gradient, d, gain);
}

void GradientPass::tile(Slot& slot, Rows rows, int64_t batch_row, float* gradients, bool accumulate) {
  const Workspace& w = slot.workspace;
  fill(slot, w, slot.target.data(), tile_, rows, batch_row);
  forward(w, parameters_, rows);
  loss_of(w, slot.target.data(), tile_, rows, batch_row, slot);
  if (plan_->values[program_->output].gradient >= 0) backward(w, parameters_, transposed_, rows, accumulate, gradients);
}

bool GradientPass::run_tiles(const StopFlag* stop) {
  const int64_t batch = batch_->size();
  return over((blocks_ + run_ - 1) / run_, stop, [&](int64_t task, int32_t index) {
    const int64_t block = task * run_, begin = block * block_rows_, end = begin + run_ * block_rows_ < batch ? begin + run_ * block_rows_ : batch;
    for (int64_t row = begin; row < end; row += tile_) {
      if (interrupted(stop)) return;
      tile(slots_[index], {0, static_cast<int32_t>(end - row < tile_ ? end - row : tile_)}, row, gradients_.data() + block * program_->packed_count,
           row > begin);
    }
  });
}

bool GradientPass::run_layers(const StopFlag* stop) {
  const int64_t batch = batch_->size();
  for (int64_t first = 0; first < batch; first += chunk_) {
    const int32_t rows = static_cast<int32_t>(batch - first < chunk_ ? batch - first : chunk_);
    const auto tile_of = [&](int64_t i) { return Rows{i * tile_, static_cast<int32_t>(rows - i * tile_ < tile_ ? rows - i * tile_ : tile_)}; };
    const int64_t tiles = ceil_div(rows, tile_);
    if (!over(tiles, stop, [&](int64_t i, int32_t slot) { fill(slots_[slot], layers_, layers_target_.data(), chunk_, tile_of(i), first + i * tile_); }))
      return false;
    if (!layers_forward(rows, stop)) return false;
    if (!over(tiles, stop, [&](int64_t i, int32_t slot) { loss_of(layers_, layers_target_.data(), chunk_, tile_of(i), first + i * tile_, slots_[slot]); }))
      return false;
    if (plan_->values[program_->output].gradient >= 0 && !layers_backward(rows, first > 0, stop)) return false;
  }
  return true;
}

// A tile of rows (in L2) meets all weights of a dense op, which stream past it; with few tiles its panels are dealt out too.
bool GradientPass::layers_forward(int32_t rows, const StopFlag* stop) {
  const int64_t tiles = ceil_div(rows, tile_);
  for (int32_t o = 0; o < plan_->ops.size(); ++o) {
    if (!plan_->ops[o].alive) continue;
    const Op& op = program_->ops[o];
    const int32_t panels = op.kind == OpKind::kDense ? program_->values[op.output].blocks() : 1;
    const int32_t per = panels_per_task(panels, tiles, threads_), groups = ceil_div(panels, per);
    const bool ok = over(tiles * groups, stop, [&](int64_t task, int32_t) {
      const int64_t first = task / groups * tile_;
      const int32_t begin = static_cast<int32_t>(task % groups) * per;
      const Panels part = op.kind == OpKind::kDense ? Panels{begin, begin + per < panels ? begin + per : panels} : kAllPanels;
      forward_op(layers_, parameters_, o, {first, static_cast<int32_t>(rows - first < tile_ ? rows - first : tile_)}, part);
    });
    if (!ok) return false;
  }
  return true;
}

bool GradientPass::layers_backward(int32_t rows, bool accumulate, const StopFlag* stop) {
  const int64_t tiles = ceil_div(rows, tile_);
  const Rows all{0, rows};
  float* gradients = gradients_.data();
  const auto tile_of = [&](int64_t i) { return Rows{i * tile_, static_cast<int32_t>(rows - i * tile_ < tile_ ? rows - i * tile_ : tile_)}; };
  if (plan_->finish_output && !over(tiles, stop, [&](int64_t i, int32_t) { finish_output(layers_, tile_of(i)); })) return false;
  for (int32_t o = static_cast<int32_t>(plan_->ops.size()) - 1; o >= 0; --o) {
    if (!plan_->ops[o].backward) continue;
    const Op& op = program_->ops[o];
    bool ok = true;
    if (layers_.narrow() != nullptr && layers_.narrow()->values[op.output].gradient && !layers_.narrow()->values[op.output].gradient_made &&
        !over(tiles, stop, [&](int64_t i, int32_t) { narrow_gradient(layers_, op.output, tile_of(i)); }))
      return false;
    if (op.kind == OpKind::kDense) {
      const int32_t out_panels = program_->values[op.output].blocks(), in_panels = program_->values[op.a].blocks();
      const int32_t out_groups = ceil_div(out_panels, kGradientPanels), in_groups = ceil_div(in_panels, kGradientPanels);
      const int64_t weight_tasks = int64_t{out_groups} * in_groups;
      const int32_t per = panels_per_task(in_panels, tiles, threads_), groups = ceil_div(in_panels, per);
      const int64_t input_tasks = plan_->ops[o].transposed >= 0 ? tiles * groups : 0;
      ok = over(weight_tasks + input_tasks, stop, [&](int64_t task, int32_t) {
        if (task < weight_tasks) {
          const Panels outputs = share(out_panels, out_groups, static_cast<int32_t>(task / in_groups));
          const Panels inputs = share(in_panels, in_groups, static_cast<int32_t>(task % in_groups));
          return backward_parameters(layers_, o, all, accumulate, gradients, outputs, {inputs.begin * kLanes, inputs.end * kLanes});
        }
        task -= weight_tasks;
        const int32_t begin = static_cast<int32_t>(task % groups) * per;
        backward_inputs(layers_, transposed_, o, tile_of(task / groups), {begin, begin + per < in_panels ? begin + per : in_panels});
      });
    } else if (op.kind == OpKind::kLayerNorm || op.kind == OpKind::kEmbed) {  // sums over rows: columns are dealt out, each in order
      const int32_t panels = program_->values[op.output].blocks();
      ok = over(panels, stop, [&](int64_t i, int32_t) {
        backward_parameters(layers_, o, all, accumulate, gradients, {static_cast<int32_t>(i), static_cast<int32_t>(i) + 1});
      });
      if (ok && op.kind == OpKind::kLayerNorm) ok = over(tiles, stop, [&](int64_t i, int32_t) { backward_layer_norm(layers_, parameters_, o, tile_of(i)); });
    } else {
      ok = over(tiles, stop, [&](int64_t i, int32_t) { backward_inputs(layers_, transposed_, o, tile_of(i)); });
    }
    bool finish = false;
    for (int32_t i = 0; i < program_->inputs(op); ++i) finish = finish || plan_->edges[plan_->ops[o].edge + i].finish;
    if (ok && finish) ok = over(tiles, stop, [&](int64_t i, int32_t) { backward_finish(layers_, o, tile_of(i)); });
    if (!ok) return false;
  }
  return true;
}

double GradientPass::reduce(int64_t begin, int64_t end, bool* finite) {
  float* sum = gradients_.data() + begin;
  const int64_t stride = program_->packed_count, n = end - begin;
  for (int64_t step = run_; step < blocks_; step *= 2)
    for (int64_t i = 0; i + step < blocks_; i += 2 * step) kernels().add(n, sum + i * stride, sum + (i + step) * stride, sum + i * stride);
  return kernels().sum_squares(n, sum, finite);
}

}  // namespace flow
