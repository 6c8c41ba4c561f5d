// y = f(x W): the matrix product of forward and backward-data, packed and register-tiled.
//
// Loops, outermost first: chunks of kChunk rows | panels of 32 columns | blocks of kSumBlock k | tiles of R rows (dense_tile-inl.h). A panel's slice of one k
// block (16 KiB) stays in L1 while the chunk's rows pass by, the next slice being fetched meanwhile; sums of several blocks wait in a scratch of the chunk
// (16 KiB). Rows are dealt evenly over tiles (16 rows = 8 + 8, not 12 + 4). One to three rows go their own way (dense_row-inl.h), few outputs
// theirs (dense_few-inl.h).
namespace {

constexpr int kChunk = 132;
constexpr int64_t kSlice = static_cast<int64_t>(kSumBlock) * kLanes;  // weights of a panel's block of k
constexpr int64_t kNear = 64 * 1024;                                  // weights that stay in the second-level cache by themselves

// The lines that `rows` rows of a panel will write, and the slopes that they will read.
void prefetch_results(const DenseArgs& d, int row, int rows, int panel) {
  const int64_t at = static_cast<int64_t>(row) * kLanes, count = static_cast<int64_t>(rows) * kLanes;
  prefetch_near(d.y.data + panel * d.y.block + at, count);
  if (d.slope.data) prefetch_near(d.slope.data + panel * d.slope.block + at, count);
  if (d.mul.data) prefetch_near(d.mul.data + panel * d.mul.block + at, count);
}

void dense(const DenseArgs& d) {
  if (d.by_lanes) return dense_few(d);
  if (d.y.rows == 1 && tile_panels(1) > 1 && d.slope.data == nullptr && d.mul.data == nullptr && !d.accumulate) return one_row_of(d);
  const Finish finish = finish_for(d.activation, d.slope.data != nullptr);
  const int rows = d.y.rows, in = d.x.cols, panels = (d.y.cols + kLanes - 1) / kLanes;
  if (rows == 1 && tile_panels(1) > 1) return few_rows<1>(d, finish);
  if (rows == 2 && tile_panels(2) > 1) return few_rows<2>(d, finish);
  if (rows == 3 && tile_panels(3) > 1) return few_rows<3>(d, finish);
  alignas(64) float z[kChunk][kLanes];
  const bool far = static_cast<int64_t>(in) * panels * kLanes > kNear;
  const int stay = in > kSumBlock ? kLanes : 0;  // with one block of k every tile uses the first rows of the scratch
  for (int chunk = 0, count; chunk < rows; chunk += count) {
    const int chunks = (rows - chunk + kChunk - 1) / kChunk;
    count = (rows - chunk + chunks - 1) / chunks;
    const int tiles = (count + kTileRows - 1) / kTileRows;
    const float* x = d.x.data + static_cast<int64_t>(chunk) * kLanes;
    for (int p = 0; p < panels; p++) {
      const float* w = d.panels + static_cast<int64_t>(p) * in * kLanes;
      const int used = used_vectors(d.y.cols - p * kLanes);
      for (int k = 0; k < in || k == 0; k += kSumBlock) {
        const int end = in - k < kSumBlock ? in : k + kSumBlock;
        // What comes next is on its way while these tiles are at work: a share of the next slice of weights, and the lines that a tile will write.
        const int64_t left = (static_cast<int64_t>(panels - p) * in - end) * kLanes, slice = far ? (left < kSlice ? left : kSlice) : 0;
        for (int t = 0, r = 0; t < tiles; t++) {
          const int n = (count - r + tiles - t - 1) / (tiles - t);
          float* sums = &z[0][0] + r * stay;
          const int64_t share = slice * t / tiles / 16 * 16;
          prefetch(w + static_cast<int64_t>(end) * kLanes + share, slice * (t + 1) / tiles / 16 * 16 - share);
          if (far && end == in) prefetch_results(d, chunk + r, n, p);
          tile_rows(n, x + r * kLanes, d.x.block, w, k, end, sums, used);
          if (end == in) finish(d, sums, chunk + r, n, p);
          r += n;
        }
      }
    }
  }
}

}  // namespace
