#!/usr/bin/env bash
# The tests that touch native code, once under AddressSanitizer + UndefinedBehaviorSanitizer; the concurrent ones under ThreadSanitizer. Stock Node:
# the sanitizer's runtime comes by LD_PRELOAD, the addon by FLOWMATCH_ADDON. A seeded fault must be reported first: a sanitizer that sees nothing proves nothing.
#   scripts/check-sanitizers.sh [address | thread]      (both by default)
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cxx=${CXX:-g++}

build() { # folder, sanitizers, target
  npx --no-install cmake-js build --silent --target "${3:-flowmatch}" --out "$1" --CDFLOWMATCH_SANITIZE="$2" >"$work/build.log" 2>&1 || { tail -40 "$work/build.log"; exit 1; }
}

# sees NAME FLAGS PRELOAD PATTERN SOURCE: a shared object with a fault, run inside Node's process, must be reported.
sees() {
  printf '%s\n' "$5" >"$work/fault.cc"
  "$cxx" -std=c++20 -shared -fPIC -O1 -g "-fsanitize=$2" -fno-sanitize-recover=undefined "$work/fault.cc" -o "$work/fault.node" -lpthread
  if LD_PRELOAD=$3 node -e 'try { process.dlopen({ exports: {} }, process.argv[1]); } catch {}' "$work/fault.node" >"$work/fault.log" 2>&1; then
    echo "sanitizers: $1 did not stop at a seeded fault" >&2
    exit 1
  fi
  grep -q "$4" "$work/fault.log" || { echo "sanitizers: $1 did not report a seeded fault" >&2; cat "$work/fault.log" >&2; exit 1; }
}

run() { # title, test files ...
  local title=$1
  shift
  echo "== $title"
  node node_modules/vitest/vitest.mjs run --reporter=dot --testTimeout=240000 "$@"
}

native=(test/native-binding/buffers.test.ts test/native-binding/states.test.ts test/native-binding/load.test.ts test/native-binding/teardown.test.ts
  test/native-binding/concurrent.test.ts test/network-native/precisions.test.ts test/sampling/kept.test.ts)

if [ "$what" = all ] || [ "$what" = address ]; then
  asan=$("$cxx" -print-file-name=libasan.so):$("$cxx" -print-file-name=libubsan.so)
  # Node itself leaks on purpose at exit, and its stacks move: leaks and stack-use-after-return are not asked for here.
  export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0:exitcode=99:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99
  sees 'AddressSanitizer' address "$asan" 'heap-use-after-free' \
    '__attribute__((constructor)) static void f() { volatile int* p = new int[4]; delete[] p; p[1] = 1; }'
  sees 'UndefinedBehaviorSanitizer' undefined "$asan" 'signed integer overflow' \
    '#include <climits>
__attribute__((constructor)) static void f() { volatile int x = INT_MAX; x = x + 1; }'
  build build-asan address,undefined
  export FLOWMATCH_ADDON=$PWD/build-asan/Release/flowmatch.node FLOWMATCH_CYCLES=8 FLOWMATCH_OPERATIONS=300
  if [ "$(uname -sm)" = 'Linux x86_64' ]; then
    build build-asan address,undefined flowmatch_amx
    export FLOWMATCH_AMX_ADDON=$PWD/build-asan/Release/flowmatch_amx.node # tiles, real or emulated
  fi
  LD_PRELOAD=$asan run 'AddressSanitizer + UndefinedBehaviorSanitizer' "${native[@]}"
fi

if [ "$what" = all ] || [ "$what" = thread ]; then
  tsan=$("$cxx" -print-file-name=libtsan.so)
  # Node and V8 are not built for it, and vitest's bundler has threads of its own: only the child processes of these tests run under it.
  export TSAN_OPTIONS=suppressions=$PWD/scripts/tsan.supp:halt_on_error=1:exitcode=99:report_signal_unsafe=0
  unset FLOWMATCH_ADDON
  # shellcheck disable=SC2016
  sees 'ThreadSanitizer' thread "$tsan" 'data race' \
    '#include <thread>
static volatile int x;
__attribute__((constructor)) static void f() { std::thread a([] { for (int i = 0; i < 100000; ++i) x = x + 1; }); for (int i = 0; i < 100000; ++i) x = x + 1; a.join(); }'
  build build-tsan thread
  export FLOWMATCH_CHILD_ADDON=$PWD/build-tsan/Release/flowmatch.node FLOWMATCH_CHILD_PRELOAD=$tsan FLOWMATCH_CYCLES=8 FLOWMATCH_OPERATIONS=300
  run 'ThreadSanitizer' test/native-binding/teardown.test.ts test/native-binding/concurrent.test.ts
fi
echo 'sanitizers: clean'
