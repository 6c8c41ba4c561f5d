// The same products on AMX tiles: TDPBF16PS multiplies 16 rows x 32 k by 32 k x 16 columns and adds to 16 x 16 f32 sums, in 16 cycles.
// 2 x 2 blocks (32 rows x one panel) use all eight tiles: sums 0-3, left 4-5, right 6-7; a block's epilogue runs in slices between the products of the next,
// which the tile unit works off by itself. The configuration is loaded and released in every call: no thread keeps tile state, whoever it belongs to.
// Own asm and not the compiler's intrinsics, whose operands (g++ 12) do not say which memory they read.
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

// The products of parts, in an order in which one operand of a product often stays in its tiles: (x part, w part). A pass takes all of its products of one
// block of k before the next block, so that a part comes from the second-level cache once; of three parts the largest product has a pass of its own at the
// end, and only that one rounds at full size.
template <int kParts>
struct Products;
template <>
struct Products<1> {
  static constexpr int count = 1, passes = 1, first[] = {0, 1}, x[] = {0}, w[] = {0};
};
template <>
struct Products<2> {
  static constexpr int count = 3, passes = 1, first[] = {0, 3}, x[] = {1, 0, 0}, w[] = {0, 0, 1};
};
template <>
struct Products<3> {
  static constexpr int count = 6, passes = 2, first[] = {0, 5, 6}, x[] = {1, 1, 2, 0, 0, 0}, w[] = {1, 0, 0, 1, 2, 0};
};

// The finished sums of a block that wait for their epilogue, which is paid out evenly over the products of the next block. A slice and the products after it
// must fit the processor's window (512 micro-operations): four rows of quick activations, else fewer; less than that would load the constants too often.
struct Waiting {
  const NarrowDenseArgs& d;
  NarrowFinish finish;
  int slice;  // rows
  const float* z = nullptr;
  int row = 0, rows = 0, panel = 0, done = 0;
  bool last = false;  // of its panel
  FLOW_INLINE void until(int row_count) {
    row_count = row_count < rows ? row_count : rows;
    if (row_count <= done) return;
    finish(d, z + done * kLanes, row + done, row_count - done, panel);
    done = row_count;
    if (done == rows && last && d.groups.data) groups_of(d.groups.right, d.n.data + panel * d.n.block, d.rows, d.groups.data + panel * d.groups.block);
  }
};

// The weights of the next panel, asked for while this one is in use: 7 % at 1024 x 1024; where all of them stay in the second-level cache it costs as much.
struct Ahead {
  const Bf16* at = nullptr;
  const Bf16* end = nullptr;
  int64_t count = 0;  // at once
  FLOW_INLINE void fetch() {
    for (int64_t i = 0; i < count && at < end; i += kLanes, at += kLanes) __builtin_prefetch(at, 0, 2);
  }
};
constexpr int64_t kStreamed = 256 * 1024;  // weights

// Sums of rows [row, row + 32) of one panel into z; `tall`: more than 16 of the rows count, `wide`: more than 16 of the columns.
template <int kParts, bool tall, bool wide>
void tile_block(const NarrowDenseArgs& d, int row, int panel, float* z, Waiting& waiting, Ahead& ahead) {
  using P = Products<kParts>;
  const int blocks = (d.in + kLanes - 1) / kLanes;
  const Bf16* const x0 = d.x.data + static_cast<int64_t>(row) * kLanes;
  const Bf16* const w0 = d.panels + static_cast<int64_t>(panel) * blocks * kNarrowBlock;
  FLOW_TILE_ZERO(0);
  if (wide) FLOW_TILE_ZERO(1);
  if (tall) FLOW_TILE_ZERO(2);
  if (tall && wide) FLOW_TILE_ZERO(3);
  const int pace = (waiting.rows << 16) / (blocks * P::count), slice = waiting.slice << 16;  // in units of 2^-16 rows
  int due = 0x8000, next = slice;
#pragma GCC unroll 2
  for (int pass = 0; pass < P::passes; pass++) {
    for (int b = 0; b < blocks; b++) {
#pragma GCC unroll 6
      for (int i = P::first[pass]; i < P::first[pass + 1]; i++) {
        const bool new_x = i == P::first[pass] || P::x[i] != P::x[i - 1], new_w = i == P::first[pass] || P::w[i] != P::w[i - 1];
        const Bf16* const x = x0 + P::x[i] * d.x.plane + b * d.x.block;
        const Bf16* const w = w0 + P::w[i] * d.panel_plane + b * kNarrowBlock;
        if (new_x) FLOW_TILE_LOAD(4, x, kRowBytes);
        if (new_w) FLOW_TILE_LOAD(6, w, kPairBytes);
        FLOW_TILE_DOT(0, 4, 6);
        if (wide) {
          if (new_w) FLOW_TILE_LOAD(7, w + kLanes, kPairBytes);
          FLOW_TILE_DOT(1, 4, 7);
        }
        if (tall) {
          if (new_x) FLOW_TILE_LOAD(5, x + kTile * kLanes, kRowBytes);
          FLOW_TILE_DOT(2, 5, 6);
          if (wide) FLOW_TILE_DOT(3, 5, 7);
        }
        due += pace;
        if (due >= next) {
          waiting.until(due >> 16);
          next += slice;
        }
        ahead.fetch();
      }
    }
  }
  waiting.until(kLanes);
  FLOW_TILE_STORE(0, z, kSumBytes);
  if (wide) FLOW_TILE_STORE(1, z + kTile, kSumBytes);
  if (tall) FLOW_TILE_STORE(2, z + kTile * kLanes, kSumBytes);
  if (tall && wide) FLOW_TILE_STORE(3, z + kTile * kLanes + kTile, kSumBytes);
}

// At most 16 rows of two panels: four sums in flight where a block of one panel would have two; the weights stream through.
template <int kParts>
void tile_pair(const NarrowDenseArgs& d, int panel, float* z) {
  using P = Products<kParts>;
  const int blocks = (d.in + kLanes - 1) / kLanes;
  const int64_t w_panel = static_cast<int64_t>(blocks) * kNarrowBlock;
  FLOW_TILE_ZERO(0);
  FLOW_TILE_ZERO(1);
  FLOW_TILE_ZERO(2);
  FLOW_TILE_ZERO(3);
  for (int pass = 0; pass < P::passes; pass++) {
    for (int b = 0; b < blocks; b++) {
      for (int i = P::first[pass]; i < P::first[pass + 1]; i++) {
        const Bf16* const x = d.x.data + P::x[i] * d.x.plane + b * d.x.block;
        const Bf16* const w = d.panels + P::w[i] * d.panel_plane + panel * w_panel + b * kNarrowBlock;
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
  }
  FLOW_TILE_STORE(0, z, kSumBytes);
  FLOW_TILE_STORE(1, z + kTile, kSumBytes);
  FLOW_TILE_STORE(2, z + kTile * kLanes, kSumBytes);
  FLOW_TILE_STORE(3, z + kTile * kLanes + kTile, kSumBytes);
}

template <int kParts>
void tile_dense_parts(const NarrowDenseArgs& d) {
  if (d.rows <= 0) return;
  const NarrowFinish finish = narrow_finish_for(d);
  const int panels = (d.out + kLanes - 1) / kLanes;
  alignas(64) float z[2][kLanes][kLanes];
  Waiting waiting{d, finish, kParts == 1 ? 4 : 1};
  const int64_t w_panel = static_cast<int64_t>((d.in + kLanes - 1) / kLanes) * kNarrowBlock;
  const bool stream = kParts == 1 && panels * w_panel >= kStreamed;
  Ahead ahead;
  int first = 0, turn = 0;
  tiles_on();
  if (d.rows <= kTile && d.groups.data == nullptr) {
    for (; first + 1 < panels; first += 2) {
      tile_pair<kParts>(d, first, &z[0][0][0]);
      finish(d, &z[0][0][0], 0, d.rows, first);
      finish(d, &z[0][kTile][0], 0, d.rows, first + 1);
    }
  }
  for (int panel = first; panel < panels; panel++) {
    const bool wide = d.out - panel * kLanes > kTile;
    if (stream && panel + 1 < panels)
      ahead = {d.panels + (panel + 1) * w_panel, d.panels + (panel + 2) * w_panel, kNarrowBlock / ((d.rows + kLanes - 1) / kLanes)};
    for (int row = 0; row < d.rows; row += kLanes) {
      const int rows = d.rows - row < kLanes ? d.rows - row : kLanes;
      float* sums = &z[turn][0][0];
      if (rows > kTile)
        wide ? tile_block<kParts, true, true>(d, row, panel, sums, waiting, ahead) : tile_block<kParts, true, false>(d, row, panel, sums, waiting, ahead);
      else wide ? tile_block<kParts, false, true>(d, row, panel, sums, waiting, ahead) : tile_block<kParts, false, false>(d, row, panel, sums, waiting, ahead);
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
  waiting.until(kLanes);
}

void tile_dense(const NarrowDenseArgs& d) { d.parts == 1 ? tile_dense_parts<1>(d) : d.parts == 2 ? tile_dense_parts<2>(d) : tile_dense_parts<3>(d); }

// Finished sums of a block of dW that wait to be added to what is there, or copied, between the products of the next.
struct Joining {
  bool accumulate;
  const float* part = nullptr;
  float* w = nullptr;
  int rows = 0, done = 0;
  FLOW_INLINE void until(int row_count) {
    if (row_count < done + 4 && row_count < rows) return;
    for (int i = done * kLanes; i < row_count * kLanes; i += kWidth) store(w + i, accumulate ? load(w + i) + load(part + i) : load(part + i));
    done = row_count > done ? row_count : done;
  }
};

// 32 features x one panel of dW, summed from zero; `tall` and `wide` as above.
template <bool tall, bool wide>
void tile_gradient(const Bf16* x, const Bf16* g, int groups, float* w, Joining& joining) {
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
    joining.until(joining.rows * (i + 1) / groups);
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
  alignas(64) float part[2][kLanes][kLanes];
  Joining joining{a.accumulate};
  int turn = 0;
  tiles_on();
  for (int p = a.panel_begin; p < a.panel_end; p++) {
    const Bf16* g = a.g + p * a.g_block;
    const bool wide = a.out - p * kLanes > kTile;
    for (int first = a.feature_begin; first < in; first += kLanes) {
      const int features = in - first < kLanes ? in - first : kLanes;
      const Bf16* x = a.x + first / kLanes * a.x_block;
      float* w = a.panels + (static_cast<int64_t>(p) * a.in + first) * kLanes;
      float* to = features < kLanes || a.accumulate ? &part[turn][0][0] : w;
      if (features > kTile) wide ? tile_gradient<true, true>(x, g, groups, to, joining) : tile_gradient<true, false>(x, g, groups, to, joining);
      else wide ? tile_gradient<false, true>(x, g, groups, to, joining) : tile_gradient<false, false>(x, g, groups, to, joining);
      joining.until(joining.rows);
      if (!wide)
        for (int i = 0; i < features; i++) store(to + i * kLanes + kTile, F{});
      joining.part = to;
      joining.w = w;
      joining.rows = to == w ? 0 : features;
      joining.done = 0;
      turn ^= to == w ? 0 : 1;
    }
    if (a.bias && a.feature_begin == 0) narrow_bias(g, (a.rows + 1) / 2, a.bias + p * kLanes, a.accumulate);
  }
  tiles_off();
  joining.until(joining.rows);
}

}  // namespace
