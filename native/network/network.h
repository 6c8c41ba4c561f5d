// An immutable network: a checked Program with its weights packed once. Safe to use from several threads at once.
#pragma once
#include <cstdint>
#include <memory>

#include "core/status.h"
#include "core/stop.h"
#include "network/narrow.h"

namespace flow {

struct Program;      // network/program.h
struct NetworkData;  // network/packed.h

class Network {
 public:
  Network();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Words as lib/network/encode.ts writes them; parameters in logical layout. Everything is copied. kProgram names the first bad word;
  // kArgument: the count of parameters is wrong; kNonfinite: index = the first parameter that is not finite.
  Status init(const int32_t* words, int64_t word_count, const float* constants, int64_t constant_count, const float* parameters, int64_t parameter_count);

  int32_t dimension() const;        // d
  int32_t condition_width() const;  // c, 0 when unconditional
  int64_t parameter_count() const;  // logical

  // v (rows, d) for x (rows, d), t (rows), condition (rows, c), null exactly when c = 0. Below f32 the weights are packed in every call.
  Status evaluate(int64_t rows, const float* x, const float* t, const float* condition, float* v, Precision precision = Precision::kF32) const;
  // Gradients of sum(v * cotangent): parameters (logical layout), x (rows, d). Precision kF32 or kBf16, the two that train.
  Status gradient(int64_t rows, const float* x, const float* t, const float* condition, const float* cotangent, float* d_parameters, float* d_x,
                  Precision precision = Precision::kF32) const;

  // Of a program with tangents. The given seeds stand one after another in `seeds`, each (copies, rows, width); `count` floats in all. v (rows, d) and
  // what the program is asked for: a trace (rows, copies or 1), a derivative (rows, d). Other programs: kArgument.
  Status tangent(int64_t rows, const float* x, const float* t, const float* condition, const float* seeds, int64_t count, float* v, float* out,
                 Precision precision = Precision::kF32) const;
  int64_t tangent_width() const;  // columns of `out`, 0 without tangents
  int64_t seed_width() const;     // floats per row of the given seeds together

  const NetworkData& data() const { return *data_; }

 private:
  struct Scratch;
  std::unique_ptr<NetworkData> data_;
};

}  // namespace flow
