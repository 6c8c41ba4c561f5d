// Steps of a size of their own per row: advance_rows and error_rows against the reference, for every width and number of terms.
#include <cmath>
#include <vector>

#include "checks.h"
#include "guarded.h"

namespace flow_test {

using namespace flow;

Verdict check_steps(const Subject& s) {
  Verdict v;
  Random random(s.seed);
  const Kernels &k = s.kernels, &ref = reference_kernels();
  const auto where = [](const char* what, int cols, int terms) {
    return std::string(what) + " of " + std::to_string(cols) + " columns, terms " + std::to_string(terms);
  };
  // Sums of `terms` products of numbers below 2, where the baseline rounds twice as often.
  const auto close = [&](float a, float b, double size) {
    const double error = std::fabs(double{a} - double{b}) / (size * 0x1p-22);
    if (error > v.worst) v.worst = error;
    return s.exact ? same(a, b) : error <= 1;
  };
  for (int cols = 1; cols <= 99; cols++) {
    const int rows = 1 + random.below(30), capacity = rows + random.below(3), terms = cols % 8;
    const Matrix x(rows, cols, capacity), y(rows, cols, capacity), y2(rows, cols, capacity);
    std::vector<Matrix> stages;
    const float* pointers[8];
    float c[8];
    for (int j = 0; j < terms; j++) {
      stages.emplace_back(rows, cols, capacity);
      stages[static_cast<size_t>(j)].fill(random);
      c[j] = random.value();
    }
    for (int j = 0; j < terms; j++) pointers[j] = stages[static_cast<size_t>(j)].buffer.data();
    const Guarded h(rows), out(rows), out2(rows);
    h.fill(random);
    x.fill(random);
    y.fill(random);
    y2.buffer.copy(y.buffer);
    v.cases++;
    const float atol = 0x1p-10f, rtol = 0.25f;
    k.error_rows(rows, cols, x.block, h.data(), x.buffer.data(), y.buffer.data(), terms, c, pointers, atol, rtol, out.data());
    ref.error_rows(rows, cols, x.block, h.data(), x.buffer.data(), y.buffer.data(), terms, c, pointers, atol, rtol, out2.data());
    for (int r = 0; r < rows; r++) {
      // each q is off by a few units of the largest sum over the smallest scale
      const double q = 8.0 * (terms + 1) / atol;
      if (!close(out.data()[r], out2.data()[r], std::fabs(out2.data()[r]) * (cols + 8) + (s.exact ? 1 : q * std::sqrt(cols * (1.0 + out2.data()[r]))))) {
        v.fail(where("error_rows", cols, terms));
      }
    }
    k.advance_rows(rows, cols, x.block, h.data(), x.buffer.data(), terms, c, pointers, y.buffer.data());
    ref.advance_rows(rows, cols, x.block, h.data(), x.buffer.data(), terms, c, pointers, y2.buffer.data());
    for (int r = 0; r < rows; r++)
      for (int l = 0; l < (cols + 31) / 32 * 32; l++)
        if (!close(y.at(r, l), y2.at(r, l), 8.0 * (terms + 1))) v.fail(where("advance_rows", cols, terms));
    if (!y.buffer.intact() || !out.intact()) v.fail(where("wrote before its buffer", cols, terms));
    // A state that is not finite must show, whatever its column.
    for (float bad : {INFINITY, -INFINITY, NAN}) {
      const int row = random.below(rows), column = random.below(cols);
      const float kept = y.at(row, column);
      y.at(row, column) = bad;
      k.error_rows(rows, cols, x.block, h.data(), x.buffer.data(), y.buffer.data(), terms, c, pointers, atol, rtol, out.data());
      y.at(row, column) = kept;
      for (int r = 0; r < rows; r++)
        if (std::isfinite(out.data()[r]) != (r != row)) v.fail(where("error_rows missed a non-finite state", cols, terms));
    }
  }
  return v;
}

}  // namespace flow_test
