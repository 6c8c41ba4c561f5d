// AdamW with decoupled decay, gradient clipping by global norm, and EMA, over the packed vector in fixed chunks; the transposed weights follow at once.
//   p <- p (1 - lr wd);  m, v <- moments;  p <- p - lr (m / c1) / (sqrt(v / c2) + eps);  ema <- d ema + (1 - d) p
#pragma once
#include "network/narrow.h"

namespace flow {

struct OptimiserOptions {
  double beta1, beta2, epsilon, weight_decay, ema_decay, clip;
  bool ema_warmup;
};

struct OptimiserStep {  // what one step needs, computed once
  double lr, correction1, correction2, grad_scale, ema_decay;
};

class Optimiser {
 public:
  // With a narrow plan the derived weights are the narrow panels and their transposes instead of the f32 transposes.
  Status init(const Program& program, const Plan& plan, const OptimiserOptions& options, const float* packed, const NarrowPlan* narrow = nullptr);

  int64_t chunks() const { return chunks_.size(); }
  int64_t begin(int64_t chunk) const { return chunks_[chunk].begin; }
  int64_t end(int64_t chunk) const { return chunks_[chunk].end; }
  OptimiserStep plan_step(int64_t step, double lr, double norm) const;  // `step` counts from 1
  void update(int64_t chunk, const OptimiserStep& step, const float* gradients);
  void transpose_all();  // after parameters() was written from outside

  float* parameters() { return p_.data(); }
  float* first() { return m_.data(); }
  float* second() { return v_.data(); }
  float* ema() { return ema_.size() > 0 ? ema_.data() : nullptr; }
  const float* transposed() const { return transposed_.data(); }
  const Bf16* narrow_weights() const { return narrow_weights_.data(); }
  const Bf16* narrow_transposed() const { return narrow_transposed_.data(); }

 private:
  struct Chunk {
    int64_t begin, end;
    int32_t first_move, last_move;
  };
  struct Move {  // one output panel of a weight from which something is derived
    int32_t parameter, panel;
    int64_t transposed;  // of the f32 transpose, or
    int32_t op;          // the dense op of narrow panels
  };
  void move(const Move& m);
  const Program* program_ = nullptr;
  OptimiserOptions options_{};
  Buffer<float> p_, m_, v_, ema_, transposed_;
  const NarrowPlan* narrow_ = nullptr;
  Buffer<Bf16> narrow_weights_, narrow_transposed_;
  Buffer<Chunk> chunks_;
  Buffer<Move> moves_;
};

}  // namespace flow
