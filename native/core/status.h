// How the core reports failure: a code, a static sentence, and where (a word, a row, a column). Nothing here allocates or throws.
#pragma once
#include <cstdint>

namespace flow {

enum class Code : int32_t {
  kOk = 0,
  kMemory,     // an allocation failed, or a size does not fit into 63 bits
  kArgument,   // a shape, count or value is wrong: `what` says which
  kProgram,    // the program's words are wrong: `index` is the first bad word
  kNonfinite,  // a value is NaN or infinite: `index` is its row, `column` its column
  kState,      // the object cannot do this now (data in use, no rows)
};

struct Status {
  Code code = Code::kOk;
  const char* what = "";  // static storage; never null
  int64_t index = -1;
  int64_t column = -1;
  bool ok() const { return code == Code::kOk; }
};

inline Status fail(Code code, const char* what, int64_t index = -1, int64_t column = -1) { return {code, what, index, column}; }
inline Status out_of_memory() { return fail(Code::kMemory, "out of memory"); }

#define FLOW_TRY(expression)                                                              \
  do {                                                                                    \
    if (const ::flow::Status flow_try_ = (expression); !flow_try_.ok()) return flow_try_; \
  } while (false)

}  // namespace flow
