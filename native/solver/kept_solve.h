// A solve with fixed steps made ready for many calls of a few rows each, on the calling thread: what depends on the steps alone is checked and computed once,
// and the memory of one call serves the next. The same bits as sample(). For one caller at a time.
#pragma once
#include <memory>

#include "core/buffer.h"
#include "network/network.h"
#include "solver/integrate.h"

namespace flow {

constexpr int64_t kFewRows = 16;  // below these sample() would not use a second thread

struct FewRows {
  int64_t n = 0, first_row = 0;  // n <= kFewRows
  uint64_t seed = 0;
  const float* initial = nullptr;    // (n, d), or null: noise of `seed`
  const float* condition = nullptr;  // (c), shared by the rows; null exactly when c = 0
};

class KeptSolve {
 public:
  // The rows of `options` are not read; its arrays and the network must outlive the solve. kArgument as sample().
  Status init(const Network& network, const SampleOptions& options);
  // x (saves, n, d). The first row whose result is not finite, or -1, in `nonfinite_row`.
  Status run(const FewRows& rows, float* x, int64_t* nonfinite_row);
  int64_t nfe() const { return nfe_; }  // network evaluations per row
  int64_t bytes() const;                // of the memory that the last call left here, about

  KeptSolve();
  ~KeptSolve();

 private:
  struct Room;
  Status take(const FewRows& rows);

  const Network* network_ = nullptr;
  SampleOptions options_;
  Buffer<float> condition_;  // of the last call
  int64_t nfe_ = 0;
  std::unique_ptr<Room> room_;  // for options_.n rows
};

}  // namespace flow
