// The same products on AMX tiles: TDPBF16PS multiplies 16 rows x 32 k by 32 k x 16 columns and adds to 16 x 16 f32 sums, in 16 cycles.
// 2 x 2 blocks (32 rows x one panel) use all eight tiles: sums 0-3, left 4-5, right 6-7; a block's epilogue runs in slices between the products of the next,
// which the tile unit works off by itself. The configuration is loaded and released in every call: no thread keeps tile state, whoever it belongs to.
// Own asm and not the compiler's intrinsics, whose operands (g++ 12) do not say which memory they read.
// Of several parts the small products come first, so that only the last pass rounds at full size.
namespace {

struct alignas(64) TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t column_bytes[16];
  uint8_t rows[16];
};
alignas(64) constexpr TileConfig kTiles = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

FLOW_INLINE void tiles_on() { __asm__ volatile("ldtilecfg %0" ::"m"(kTiles) : "memory"); }
FLOW_INLINE void tiles_off() { __asm__ volatile("tilerelease" ::: "memory"); }
#define FLOW_TILE_ZERO(t) __asm__ volatile("tilezero %%tmm" #t ::: "memory")
#define FLOW_TILE_LOAD(t, from, bytes) __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t ::"r"(from), "r"(static_cast<int64_t>(bytes)) : "memory")
#define FLOW_TILE_STORE(t, to, bytes) __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" ::"r"(to), "r"(static_cast<int64_t>(bytes)) : "memory")
#define FLOW_TILE_DOT(sum, left, right) __asm__ volatile("tdpbf16ps %%tmm" #right ", %%tmm" #left ", %%tmm" #sum ::: "memory")

constexpr int kTile = 16;
constexpr int kRowBytes = kLanes * 2;       // of a narrow matrix and of left row groups
constexpr int kPairBytes = kLanes * 2 * 2;  // of panels and right row groups
constexpr int kSumBytes = kLanes * 4;

struct Products {
  int count;
  struct {
    int x, w;
  } of[6];
};
constexpr Products kProducts[3] = {{1, {{0, 0}}}, {3, {{1, 0}, {0, 1}, {0, 0}}}, {6, {{1, 1}, {2, 0}, {0, 2}, {1, 0}, {0, 1}, {0, 0}}}};

// The finished sums of a block that wait for their epilogue.
struct Waiting {
  const NarrowDenseArgs& d;
  NarrowFinish finish;
  const float* z = nullptr;
  int row = 0, rows = 0, panel = 0, done = 0;
  bool last = false;  // of its panel
  FLOW_INLINE void until(int row_count) {
    if (row_count <= done) return;
    finish(d, z + done * kLanes, row + done, row_count - done, panel);
    done = row_count;
    if (done == rows && last && d.groups.data) groups_of(d.groups.right, d.n.data + panel * d.n.block, d.rows, d.groups.data + panel * d.groups.block);
  }
};

// Sums of rows [row, row + 32) of one panel into z; `tall`: more than 16 of the rows count, `wide`: more than 16 of the columns.
template <bool tall, bool wide>
void tile_block(const NarrowDenseArgs& d, int row, int panel, float* z, Waiting& waiting) {
  const int blocks = (d.in + kLanes - 1) / kLanes;
  const Products& products = kProducts[d.parts - 1];
  const int steps = blocks * products.count;
  FLOW_TILE_ZERO(0);
  if (wide) FLOW_TILE_ZERO(1);
  if (tall) FLOW_TILE_ZERO(2);
  if (tall && wide) FLOW_TILE_ZERO(3);
  int step = 0;
  for (int i = 0; i < products.count; i++) {
    const Bf16* x = d.x.data + products.of[i].x * d.x.plane + static_cast<int64_t>(row) * kLanes;
    const Bf16* w = d.panels + products.of[i].w * d.panel_plane + static_cast<int64_t>(panel) * blocks * kNarrowBlock;
    for (int b = 0; b < blocks; b++, x += d.x.block, w += kNarrowBlock) {
      FLOW_TILE_LOAD(4, x, kRowBytes);
      FLOW_TILE_LOAD(6, w, kPairBytes);
      FLOW_TILE_DOT(0, 4, 6);
      if (wide) {
        FLOW_TILE_LOAD(7, w + kLanes, kPairBytes);
        FLOW_TILE_DOT(1, 4, 7);
      }
      if (tall) {
        FLOW_TILE_LOAD(5, x + kTile * kLanes, kRowBytes);
        FLOW_TILE_DOT(2, 5, 6);
        if (wide) FLOW_TILE_DOT(3, 5, 7);
      }
      step++;
      waiting.until(waiting.rows * step / steps);
    }
  }
  FLOW_TILE_STORE(0, z, kSumBytes);
  if (wide) FLOW_TILE_STORE(1, z + kTile, kSumBytes);
  if (tall) FLOW_TILE_STORE(2, z + kTile * kLanes, kSumBytes);
  if (tall && wide) FLOW_TILE_STORE(3, z + kTile * kLanes + kTile, kSumBytes);
}

// At most 16 rows of two panels: four sums in flight where a block of one panel would have two; the weights stream through.
void tile_pair(const NarrowDenseArgs& d, int panel, float* z) {
  const int blocks = (d.in + kLanes - 1) / kLanes;
  const Products& products = kProducts[d.parts - 1];
  const int64_t w_panel = static_cast<int64_t>(blocks) * kNarrowBlock;
  FLOW_TILE_ZERO(0);
  FLOW_TILE_ZERO(1);
  FLOW_TILE_ZERO(2);
  FLOW_TILE_ZERO(3);
  for (int i = 0; i < products.count; i++) {
    const Bf16* x = d.x.data + products.of[i].x * d.x.plane;
    const Bf16* w = d.panels + products.of[i].w * d.panel_plane + panel * w_panel;
    for (int b = 0; b < blocks; b++, x += d.x.block, w += kNarrowBlock) {
      FLOW_TILE_LOAD(4, x, kRowBytes);
      FLOW_TILE_LOAD(5, w, kPairBytes);
      FLOW_TILE_DOT(0, 4, 5);
      FLOW_TILE_LOAD(6, w + kLanes, kPairBytes);
      FLOW_TILE_DOT(1, 4, 6);
      FLOW_TILE_LOAD(7, w + w_panel, kPairBytes);
      FLOW_TILE_DOT(2, 4, 7);
      FLOW_TILE_LOAD(5, w + w_panel + kLanes, kPairBytes);
      FLOW_TILE_DOT(3, 4, 5);
    }
  }
  FLOW_TILE_STORE(0, z, kSumBytes);
  FLOW_TILE_STORE(1, z + kTile, kSumBytes);
  FLOW_TILE_STORE(2, z + kTile * kLanes, kSumBytes);
  FLOW_TILE_STORE(3, z + kTile * kLanes + kTile, kSumBytes);
}

void tile_dense(const NarrowDenseArgs& d) {
  if (d.rows <= 0) return;
  const NarrowFinish finish = narrow_finish_for(d);
  const int panels = (d.out + kLanes - 1) / kLanes;
  alignas(64) float z[2][kLanes][kLanes];
  Waiting waiting{d, finish};
  int first = 0, turn = 0;
  tiles_on();
  if (d.rows <= kTile && d.groups.data == nullptr) {
    for (; first + 1 < panels; first += 2) {
      tile_pair(d, first, &z[0][0][0]);
      finish(d, &z[0][0][0], 0, d.rows, first);
      finish(d, &z[0][kTile][0], 0, d.rows, first + 1);
    }
  }
  for (int panel = first; panel < panels; panel++) {
    const bool wide = d.out - panel * kLanes > kTile;
    for (int row = 0; row < d.rows; row += kLanes) {
      const int rows = d.rows - row < kLanes ? d.rows - row : kLanes;
      float* sums = &z[turn][0][0];
      if (rows > kTile) wide ? tile_block<true, true>(d, row, panel, sums, waiting) : tile_block<true, false>(d, row, panel, sums, waiting);
      else wide ? tile_block<false, true>(d, row, panel, sums, waiting) : tile_block<false, false>(d, row, panel, sums, waiting);
      waiting.z = sums;
      waiting.row = row;
      waiting.rows = rows;
      waiting.panel = panel;
      waiting.done = 0;
      waiting.last = row + kLanes >= d.rows;
      turn ^= 1;
    }
  }
  tiles_off();
  waiting.until(waiting.rows);
}

// 32 features x one panel of dW, summed from zero; `tall` and `wide` as above.
template <bool tall, bool wide>
void tile_gradient(const Bf16* x, const Bf16* g, int groups, float* w) {
  FLOW_TILE_ZERO(0);
  if (wide) FLOW_TILE_ZERO(1);
  if (tall) FLOW_TILE_ZERO(2);
  if (tall && wide) FLOW_TILE_ZERO(3);
  for (int i = 0; i < groups; i++, x += kNarrowBlock, g += kNarrowBlock) {
    FLOW_TILE_LOAD(4, x, kRowBytes);
    FLOW_TILE_LOAD(6, g, kPairBytes);
    FLOW_TILE_DOT(0, 4, 6);
    if (wide) {
      FLOW_TILE_LOAD(7, g + kLanes, kPairBytes);
      FLOW_TILE_DOT(1, 4, 7);
    }
    if (tall) {
      FLOW_TILE_LOAD(5, x + kTile * kLanes, kRowBytes);
      FLOW_TILE_DOT(2, 5, 6);
      if (wide) FLOW_TILE_DOT(3, 5, 7);
    }
  }
  FLOW_TILE_STORE(0, w, kSumBytes);
  if (wide) FLOW_TILE_STORE(1, w + kTile, kSumBytes);
  if (tall) FLOW_TILE_STORE(2, w + kTile * kLanes, kSumBytes);
  if (tall && wide) FLOW_TILE_STORE(3, w + kTile * kLanes + kTile, kSumBytes);
}

void tile_weight_grad(const NarrowWeightGradArgs& a) {
  const int groups = (a.rows + kLanes - 1) / kLanes, in = a.feature_end < a.in ? a.feature_end : a.in;
  // Sums that end in a part of their own: those added to what is there (never summed onto it: a block of rows has the same sum in either case), and where
  // the last features do not fill a block, which would reach into the next panel.
  alignas(64) float part[kLanes][kLanes];
  tiles_on();
  for (int p = a.panel_begin; p < a.panel_end; p++) {
    const Bf16* g = a.g + p * a.g_block;
    const bool wide = a.out - p * kLanes > kTile;
    for (int first = a.feature_begin; first < in; first += kLanes) {
      const int features = in - first < kLanes ? in - first : kLanes;
      const Bf16* x = a.x + first / kLanes * a.x_block;
      float* w = a.panels + (static_cast<int64_t>(p) * a.in + first) * kLanes;
      float* to = features < kLanes || a.accumulate ? &part[0][0] : w;
      if (features > kTile) wide ? tile_gradient<true, true>(x, g, groups, to) : tile_gradient<true, false>(x, g, groups, to);
      else wide ? tile_gradient<false, true>(x, g, groups, to) : tile_gradient<false, false>(x, g, groups, to);
      if (!wide)
        for (int i = 0; i < features; i++) store(to + i * kLanes + kTile, F{});
      if (to == w) continue;
      for (int i = 0; i < features * kLanes; i += kWidth) store(w + i, a.accumulate ? load(w + i) + load(to + i) : load(to + i));
    }
    if (a.bias && a.feature_begin == 0) narrow_bias(g, (a.rows + 1) / 2, a.bias + p * kLanes, a.accumulate);
  }
  tiles_off();
}

}  // namespace
