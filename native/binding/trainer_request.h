// A TrainerRequest of lib/native/binding.ts, checked and read into a plain record that owns its memory.
#pragma once
#include <vector>

#include "binding/args.h"
#include "train/trainer.h"

namespace flow::binding {

struct TrainerRequest {
  explicit TrainerRequest(const Napi::Value& value);
  TrainerOptions options;  // points into the vectors below

 private:
  void read_path(const Fields& fields);
  void read_times(const Fields& fields);
  void read_objective(const Fields& fields);
  void read_coupling(const Fields& fields);
  void read_drop(const Fields& fields);
  void read_span(const Fields& fields);
  std::vector<int32_t> program_, span_program_;
  std::vector<float> constants_, parameters_, drop_, span_constants_;
  std::vector<uint32_t> train_, validation_;
  std::vector<double> nodes_, quantiles_, weights_;
};

}  // namespace flow::binding
