// Who draws from which Philox stream. The counter words are {row lo, row hi, stream, group of four columns} (kernels.h) and the key is the seed,
// so every number is a pure function of (seed, stream, row, column). Streams are never renumbered: seeds in files depend on them.
#pragma once
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/philox.h"

namespace flow {

enum class Stream : uint32_t {
  kSample = 0,       // start noise: row = row index of the sample
  kSource = 1,       // training x0 ~ N(0, 1): row = step * B + i
  kBridge = 2,       // training eps where gamma != 0: row = step * B + i
  kTime = 3,         // training u: row = step * B + i; stratified: one U per batch, row = step
  kTimeShuffle = 4,  // key of the stratified shuffle: row = step
  kEpoch = 5,        // key of the epoch's row permutation: row = epoch
  kSourceRow = 6,    // which source row joins, when source rows are not paired: row = step * B + i
  kReplacement = 7,  // rows drawn with replacement: row = step * B + i
  kValidationNoise = 8,
  kValidationTime = 9,
  kValidationBridge = 10,
  kValidationSource = 11,
  kDrop = 12,            // which conditions are dropped: row = step * B + i
  kValidationDrop = 13,  // row = validation pair
  kDiffusion = 14,       // noise of a stochastic solver: row = row index of the sample; step k draws from stream kDiffusion + (k << 8)
  kSpan = 15,  // of average velocities: whether a row has a span, then the u of its other time, or of length and place of a shortcut; row = step * B + i
  kValidationSpan = 16,  // row = validation pair
  kCoupling = 24,        // of plans that are sampled: row = step * B + i; column 0 draws the x0 row, 1 moves the marks of a group; or all of them, Gumbel noise
  kValidationCoupling = 25,  // row = place in the order in which pairs are coupled
  kProbe = 32,               // signs of the trace's probes: row = row index; probe p draws from stream kProbe + (p << 8)
};

inline PhiloxKey philox_key(uint64_t seed) { return {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}; }

// One block of four words: keys of permutations, rows drawn with replacement. Bulk numbers come from the kernels.
struct Words4 {
  uint32_t w[4];
};
inline Words4 philox_words(PhiloxKey key, Stream stream, uint64_t row, uint32_t group) {
  const uint32_t counter[4] = {static_cast<uint32_t>(row), static_cast<uint32_t>(row >> 32), static_cast<uint32_t>(stream), group};
  Words4 words;
  philox(counter, key.lo, key.hi, words.w);
  return words;
}

// Signs +-1, each with probability 1/2, of probe `probe` for rows [first_row, first_row + rows). y row-major (rows, columns).
void probe_signs(uint64_t seed, int64_t probe, int64_t first_row, int32_t rows, int32_t columns, float* y);

// Standard normal rows [first_row, first_row + rows) of `seed`: the noise that sampling starts from. y row-major (rows, columns).
void sample_noise(uint64_t seed, int64_t first_row, int64_t rows, int32_t columns, float* y);

// The noise of step `step` (below 2^24) of a stochastic solve: standard normal rows [first_row, first_row + rows).
void diffusion_noise(uint64_t seed, int64_t step, int64_t first_row, int64_t rows, int32_t columns, float* y);

}  // namespace flow
