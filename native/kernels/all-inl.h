// Every kernel family, for the target that includes this inside its namespace. FLOW_TABLE lists them in the order of struct Kernels.
// clang-format off: the order matters
#include "kernels/simd.h"
#include "kernels/math-inl.h"
#include "kernels/dense_tile-inl.h"
#include "kernels/dense_row-inl.h"
#include "kernels/pack-inl.h"
#include "kernels/reduce-inl.h"
#include "kernels/dense_few-inl.h"
#include "kernels/dense-inl.h"
#include "kernels/weight_grad-inl.h"
#include "kernels/elementwise-inl.h"
#include "kernels/layer_norm-inl.h"
#include "kernels/tangent-inl.h"
#include "kernels/adam-inl.h"
#include "kernels/random-inl.h"
#include "kernels/assign-inl.h"
#include "kernels/steps-inl.h"
#include "kernels/entropic-inl.h"
#include "kernels/narrow-inl.h"
#define FLOW_TABLE(isa)                                                                                                                          \
  {isa, dense, weight_grad, transpose_panels, to_blocked, from_blocked, activate, multiply, add, scale, combine, mix, squared_error, sum_squares, \
   adam, layer_norm, layer_norm_grad, sincos, random_uniform, random_normal, random_below, feistel, distances, cheapest_two, relax, largest, quantise, scale_rows, trace, layer_norm_tangent, \
   advance_rows, error_rows, log_sum_exp, exponentials, logarithms, row_products, weighted_rows}
