// What a SampleRequest says of the solve itself, read into a plain record with its memory: everything but its rows.
#pragma once
#include "binding/args.h"
#include "network/network.h"
#include "solver/integrate.h"

namespace flow::binding {

class SolveSettings {
 public:
  SolveSettings(const Fields& request, const Network& network);
  SolveSettings(const SolveSettings&) = delete;
  SolveSettings& operator=(const SolveSettings&) = delete;

  int64_t bytes() const;  // of its memory
  // Without rows (n, first_row, seed, initial, condition, threads), and without results of error control. Points into this record.
  SampleOptions options;
  AdaptiveOptions adaptive;  // options.adaptive points here in a solve with error control, else it is null

 private:
  void read_tableau(const Fields& request);
  void read_steps(const Fields& request);
  void read_adaptive(const Napi::Value& value);

  std::vector<float> null_condition_, shift_, scale_;
  std::vector<double> a_, b_, c_, grid_, frame_, noise_, error_, dense_, closing_, frame_table_;
  std::vector<int32_t> save_;
};

}  // namespace flow::binding
