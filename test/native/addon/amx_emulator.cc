// Executes AMX instructions where the CPU has none: a SIGILL handler that decodes the instruction at the program counter, carries it out on tiles of its own
// (one set per thread) and steps over it. So the very machine code that ships runs here. Semantics: Intel SDM volume 1, chapter 18 (tiles, palette 1: eight
// tiles of 16 rows x 64 bytes), volume 2 (LDTILECFG, TILERELEASE, TILEZERO, TILELOADD, TILESTORED, TDPBF16PS). What hardware would refuse with #UD or #GP is
// counted as a fault and named. Everything else in SIGILL is handed on.
#include "amx_emulator.h"

#include <atomic>
#include <cstring>

#if defined(__x86_64__) && defined(__linux__)
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

namespace flow_test {

namespace {

constexpr int kTiles = 8, kMostRows = 16, kMostBytes = 64;

struct TileState {
  bool configured;
  uint8_t rows[kTiles];
  uint16_t bytes[kTiles];
  alignas(64) uint8_t data[kTiles][kMostRows][kMostBytes];
};
__attribute__((tls_model("initial-exec"))) thread_local TileState* mine;  // a pointer: a loaded library gets little static room
TileState& tiles() {
  if (mine == nullptr) mine = static_cast<TileState*>(mmap(nullptr, sizeof(TileState), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  return *mine;
}

std::atomic<int64_t> counts[kAmxOperations];
std::atomic<int64_t> faults{0};
char first_fault[160];
struct sigaction before;

bool fault(const char* what) {
  if (faults.fetch_add(1) == 0) strncpy(first_fault, what, sizeof first_fault - 1);
  return true;  // step over it: the caller sees the count
}

// Reads as zero and writes as zero what is denormal, whatever MXCSR says.
float flushed(float x) {
  uint32_t b;
  memcpy(&b, &x, 4);
  if ((b & 0x7f800000u) == 0) b &= 0x80000000u;
  memcpy(&x, &b, 4);
  return x;
}
float widened(const uint8_t* p) {
  const uint32_t b = static_cast<uint32_t>(p[0] | p[1] << 8) << 16;
  float x;
  memcpy(&x, &b, 4);
  return flushed(x);
}

bool load_config(const uint8_t* m) {
  if (m[0] == 0) {
    memset(&tiles(), 0, sizeof(TileState));
    return true;
  }
  if (m[0] != 1) return fault("ldtilecfg: a palette other than 1");
  for (int i = 1; i < 16; i++)
    if (m[i] != 0) return fault("ldtilecfg: a reserved byte or the start row is not zero");
  for (int t = 0; t < 16; t++) {
    const int bytes = m[16 + 2 * t] | m[17 + 2 * t] << 8, rows = m[48 + t];
    if (t >= kTiles && (bytes != 0 || rows != 0)) return fault("ldtilecfg: a tile past the palette");
    if (bytes > kMostBytes || rows > kMostRows) return fault("ldtilecfg: a tile larger than the palette's");
    if ((bytes == 0) != (rows == 0)) return fault("ldtilecfg: rows without columns");
    if (t >= kTiles) continue;
    tiles().rows[t] = static_cast<uint8_t>(rows);
    tiles().bytes[t] = static_cast<uint16_t>(bytes);
  }
  memset(tiles().data, 0, sizeof tiles().data);
  tiles().configured = true;
  return true;
}

bool ready(int tile, const char* what) { return tiles().configured && tile < kTiles && tiles().rows[tile] > 0 ? true : !fault(what); }

void zero_rest(int t) {  // a written tile's rows past its end, and bytes past a row's end, read as zero
  for (int r = 0; r < kMostRows; r++) {
    const int from = r < tiles().rows[t] ? tiles().bytes[t] : 0;
    memset(tiles().data[t][r] + from, 0, static_cast<size_t>(kMostBytes - from));
  }
}

bool dot(int d, int a, int b) {
  if (!ready(d, "tdpbf16ps: the sums are not configured") || !ready(a, "tdpbf16ps: the left tile is not configured") ||
      !ready(b, "tdpbf16ps: the right tile is not configured"))
    return true;
  if (d == a || d == b || a == b) return fault("tdpbf16ps: two operands are one tile");
  if (tiles().bytes[a] % 4 != 0 || tiles().bytes[b] % 4 != 0 || tiles().bytes[d] % 4 != 0) return fault("tdpbf16ps: rows are not whole words");
  if (tiles().rows[d] != tiles().rows[a] || tiles().bytes[d] != tiles().bytes[b] || tiles().bytes[a] / 4 != tiles().rows[b])
    return fault("tdpbf16ps: shapes do not match");
  TileState& state = tiles();
  const int words = state.bytes[a] / 4, columns = state.bytes[d] / 4;
  for (int m = 0; m < state.rows[d]; m++) {
    float even[16] = {}, odd[16] = {};
    for (int k = 0; k < words; k++) {
      const float ae = widened(&state.data[a][m][4 * k]), ao = widened(&state.data[a][m][4 * k + 2]);
      for (int n = 0; n < columns; n++) {
        even[n] = flushed(__builtin_fmaf(ae, widened(&state.data[b][k][4 * n]), even[n]));
        odd[n] = flushed(__builtin_fmaf(ao, widened(&state.data[b][k][4 * n + 2]), odd[n]));
      }
    }
    for (int n = 0; n < columns; n++) {
      float sum;
      memcpy(&sum, &state.data[d][m][4 * n], 4);
      sum = flushed(flushed(sum) + flushed(even[n] + odd[n]));
      memcpy(&state.data[d][m][4 * n], &sum, 4);
    }
  }
  zero_rest(d);
  return true;
}

int64_t register_of(const mcontext_t& m, int index) {
  static const int names[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return m.gregs[names[index]];
}

// The address that ModRM (and SIB, displacement) names, and where they end; `stride` is the index register's value, scaled.
const uint8_t* address(const mcontext_t& m, const uint8_t*& at, bool x, bool b, bool split, uint8_t*& base, int64_t& stride) {
  const int mod = at[0] >> 6, rm = at[0] & 7;
  const uint8_t* p = at + 1;
  int64_t sum = 0;
  stride = 0;
  if (rm == 4) {
    const int scale = p[0] >> 6, index = (p[0] >> 3 & 7) | (x ? 8 : 0), low = p[0] & 7;
    p++;
    if (index != 4) stride = register_of(m, index) << scale;
    if (low == 5 && mod == 0) {
      int32_t displacement;
      memcpy(&displacement, p, 4);
      p += 4;
      sum = displacement;
    } else {
      sum = register_of(m, low | (b ? 8 : 0));
    }
  } else if (rm == 5 && mod == 0) {  // relative to the next instruction; nothing follows the displacement here
    int32_t displacement;
    memcpy(&displacement, p, 4);
    p += 4;
    sum = reinterpret_cast<int64_t>(p) + displacement;
  } else {
    sum = register_of(m, rm | (b ? 8 : 0));
  }
  if (mod == 1) {
    sum += static_cast<int8_t>(*p);
    p++;
  } else if (mod == 2) {
    int32_t displacement;
    memcpy(&displacement, p, 4);
    p += 4;
    sum += displacement;
  }
  at = p;
  base = reinterpret_cast<uint8_t*>(split ? sum : sum + stride);
  return base;
}

// True where the bytes at the program counter were one of ours: then it stands behind them.
bool execute(mcontext_t& m) {
  const uint8_t* p = reinterpret_cast<const uint8_t*>(m.gregs[REG_RIP]);
  if (p[0] != 0xc4 || (p[1] & 0x1f) != 2 || (p[2] & 0x84) != 0) return false;  // VEX, three bytes, map 0F38, W0, 128 bits
  const bool r = !(p[1] & 0x80), x = !(p[1] & 0x40), b = !(p[1] & 0x20);
  const int v = ~p[2] >> 3 & 15, prefix = p[2] & 3, opcode = p[3], reg = (p[4] >> 3 & 7) | (r ? 8 : 0), mod = p[4] >> 6;
  const uint8_t* at = p + 4;
  uint8_t* base = nullptr;
  int64_t stride = 0;
  if (opcode == 0x49 && prefix == 0 && v == 0 && p[4] == 0xc0) {
    counts[kTileRelease]++;
    memset(&tiles(), 0, sizeof(TileState));
    at = p + 5;
  } else if (opcode == 0x49 && prefix == 0 && v == 0 && mod != 3 && (reg & 7) == 0) {
    counts[kTileConfig]++;
    load_config(address(m, at, x, b, false, base, stride));
  } else if (opcode == 0x49 && prefix == 3 && v == 0 && mod == 3 && (p[4] & 7) == 0) {
    counts[kTileZero]++;
    if (ready(reg, "tilezero: the tile is not configured")) memset(tiles().data[reg], 0, sizeof tiles().data[reg]);
    at = p + 5;
  } else if (opcode == 0x4b && (prefix == 3 || prefix == 1) && v == 0 && mod != 3 && (p[4] & 7) == 4) {  // F2: tileloadd, 66: tileloaddt1
    counts[kTileLoad]++;
    address(m, at, x, b, true, base, stride);
    if (ready(reg, "tileloadd: the tile is not configured")) {
      for (int i = 0; i < tiles().rows[reg]; i++) memcpy(tiles().data[reg][i], base + i * stride, tiles().bytes[reg]);
      zero_rest(reg);
    }
  } else if (opcode == 0x4b && prefix == 2 && v == 0 && mod != 3 && (p[4] & 7) == 4) {
    counts[kTileStore]++;
    address(m, at, x, b, true, base, stride);
    if (ready(reg, "tilestored: the tile is not configured"))
      for (int i = 0; i < tiles().rows[reg]; i++) memcpy(base + i * stride, tiles().data[reg][i], tiles().bytes[reg]);
  } else if (opcode == 0x5c && prefix == 2 && mod == 3) {
    counts[kTileDot]++;
    dot(reg, (p[4] & 7) | (b ? 8 : 0), v);
    at = p + 5;
  } else {
    return false;
  }
  m.gregs[REG_RIP] = reinterpret_cast<greg_t>(at);
  return true;
}

void on_illegal(int signal, siginfo_t* info, void* context) {
  if (execute(static_cast<ucontext_t*>(context)->uc_mcontext)) return;
  if (before.sa_flags & SA_SIGINFO) return before.sa_sigaction(signal, info, context);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) return before.sa_handler(signal);
  sigaction(signal, &before, nullptr);  // and the instruction faults again
}

}  // namespace

bool emulate_amx() {
  static const bool done = [] {
    struct sigaction action{};
    action.sa_sigaction = on_illegal;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGILL, &action, &before) == 0;
  }();
  return done;
}
int64_t amx_count(AmxOperation which) { return counts[which].load(); }
int64_t amx_faults() { return faults.load(); }
const char* amx_first_fault() { return first_fault; }
// Faults that the sequence under test must cause.
static bool refuses(void (*run)(), const char* why) {
  const int64_t was = faults.exchange(0);
  run();
  const bool seen = faults.load() > 0 && strncmp(first_fault, why, strlen(why)) == 0;
  faults.store(was);
  first_fault[0] = 0;
  return seen;
}

alignas(64) static uint8_t config[64], other[64];
alignas(64) static uint16_t left[16][48], right[16][48];
alignas(64) static float sums[16][24];

static void configure(int rows, int words, int columns) {  // sums (rows, columns) = left (rows, 2 words) right (words pairs, columns)
  memset(config, 0, sizeof config);
  config[0] = 1;
  const int row_of[3] = {rows, rows, words}, bytes[3] = {4 * columns, 4 * words, 4 * columns};
  for (int t = 0; t < 3; t++) {
    config[16 + 2 * t] = static_cast<uint8_t>(bytes[t]);
    config[48 + t] = static_cast<uint8_t>(row_of[t]);
  }
  __asm__ volatile("ldtilecfg %0" ::"m"(config) : "memory");
}

const char* check_emulator() {
  if (!refuses([] { __asm__ volatile("tilerelease\n\ttilezero %%tmm0" ::: "memory"); }, "tilezero: the tile is not")) return "a tile without configuration";
  if (!refuses(
          [] {
            configure(4, 3, 5), config[49] = 3;
            __asm__ volatile("ldtilecfg %0\n\ttdpbf16ps %%tmm2, %%tmm1, %%tmm0" ::"m"(config) : "memory");
          },
          "tdpbf16ps: shapes do not match"))
    return "rows that do not match";
  if (!refuses(
          [] {
            configure(4, 4, 4);
            __asm__ volatile(".byte 0xc4, 0xe2, 0x72, 0x5c, 0xc1" ::: "memory");
          },
          "tdpbf16ps: two operands are one"))
    return "one tile twice";
  if (!refuses(
          [] {
            memset(other, 0, 64), other[0] = 2;
            __asm__ volatile("ldtilecfg %0" ::"m"(other) : "memory");
          },
          "ldtilecfg: a palette"))
    return "palette 2";
  if (!refuses(
          [] {
            memset(other, 0, 64), other[0] = 1, other[16] = 64, other[48] = 17;
            __asm__ volatile("ldtilecfg %0" ::"m"(other) : "memory");
          },
          "ldtilecfg: a tile larger"))
    return "17 rows";
  // 1 + 2^-8 has eight bits behind the point: its square times 3 is exact in f32; every address form of the loads.
  constexpr int kRows = 5, kWords = 3, kColumns = 7;
  for (int form = 0; form < 4; form++) {
    memset(sums, 0, sizeof sums);
    for (int m = 0; m < 16; m++)
      for (int k = 0; k < 48; k++) {
        left[m][k] = static_cast<uint16_t>(0x3f80 + (m * 7 + k) % 5);  // 1 + i 2^-7
        right[m][k] = static_cast<uint16_t>((k % 3 == 0 ? 0xbf80 : 0x4000) + (m + k) % 3);
      }
    configure(kRows, kWords, kColumns);
    const int64_t step = sizeof left[0], sum_step = sizeof sums[0];
    __asm__ volatile("tilezero %%tmm0" ::: "memory");
    switch (form) {
      case 0:
        __asm__ volatile("tileloadd (%0,%1,1), %%tmm1" ::"r"(left), "r"(step) : "memory");
        break;
      case 1:
        __asm__ volatile("tileloaddt1 -64(%0,%1,8), %%tmm1" ::"r"(reinterpret_cast<char*>(left) + 64), "r"(step / 8) : "memory");
        break;
      case 2: {
        register const char* base __asm__("r13") = reinterpret_cast<const char*>(reinterpret_cast<intptr_t>(left) - 4096);
        register int64_t index __asm__("r12") = step / 2;
        __asm__ volatile("tileloadd 4096(%0,%1,2), %%tmm1" ::"r"(base), "r"(index) : "memory");
        break;
      }
      default: {
        register const char* base __asm__("r12") = reinterpret_cast<const char*>(left);
        register int64_t index __asm__("r9") = step;
        __asm__ volatile("tileloadd (%0,%1,1), %%tmm1" ::"r"(base), "r"(index) : "memory");
      }
    }
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm2\n\ttdpbf16ps %%tmm2, %%tmm1, %%tmm0\n\ttilestored %%tmm0, (%2,%3,1)\n\ttilerelease" ::"r"(right), "r"(step),
                     "r"(sums), "r"(sum_step)
                     : "memory");
    for (int m = 0; m < 16; m++)
      for (int n = 0; n < 24; n++) {
        double want = 0;
        for (int k = 0; m < kRows && n < kColumns && k < 2 * kWords; k++)
          want += static_cast<double>(widened(reinterpret_cast<const uint8_t*>(&left[m][k]))) *
                  widened(reinterpret_cast<const uint8_t*>(&right[k / 2][2 * n + k % 2]));
        if (sums[m][n] != want) return "a product is wrong";
      }
  }
  return mine->configured ? "tilerelease left the tiles configured" : "";
}

bool amx_configured() { return mine != nullptr && mine->configured; }

}  // namespace flow_test

#else

namespace flow_test {
bool emulate_amx() { return false; }
int64_t amx_count(AmxOperation) { return 0; }
int64_t amx_faults() { return 0; }
const char* amx_first_fault() { return ""; }
const char* check_emulator() { return "no emulator here"; }
bool amx_configured() { return false; }
}  // namespace flow_test

#endif
