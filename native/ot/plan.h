// Which plan joins the rows of a batch, and how pairs are taken from it.
#pragma once
#include <cstdint>

namespace flow {

constexpr int64_t kMostCoupledRows = 4096;  // whose costs, and as integers, take 128 MiB, with dummies up to 320

enum class PlanKind : int32_t { kExact = 0, kEntropic, kPartial };

struct Strength {  // of a regularisation: itself, or a multiple of the mean squared distance of the rows coupled
  double value = 0;
  bool absolute = false;
  double of(double mean) const { return absolute ? value : value * mean; }
};

struct PlanOptions {
  PlanKind kind = PlanKind::kExact;
  Strength regularisation;   // entropic
  Strength marginal;         // ... value 0: both marginals are held
  bool permutation = false;  // ... one permutation instead of a draw per row
  int32_t iterations = 1000;
  double tolerance = 1e-3;
  double mass = 1;  // partial: share of the rows that is joined

  bool matches() const { return kind != PlanKind::kEntropic || permutation; }                                           // by assignment
  bool resamples() const { return kind == PlanKind::kPartial || (kind == PlanKind::kEntropic && marginal.value > 0); }  // x1 rows too
};

}  // namespace flow
