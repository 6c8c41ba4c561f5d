#!/usr/bin/env bash
# What the linker could get wrong: per-ISA objects may export nothing but their tables and hold no weak symbol (the linker might keep an AVX-512 copy of a shared
# inline function), the shipped addon may need nothing newer than GLIBC_2.28 / GLIBCXX_3.4.25, and no object may set the floating-point mode of the process.
# Usage: scripts/check-symbols.sh [build folder]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
failed=0
complain() { echo "$1"; failed=1; }

objects=$(find "$build" -name 'target_*.o')
[ -n "$objects" ] || { echo "no target objects under $build"; exit 1; }
for object in $objects; do
  weak=$(nm -C "$object" | grep -E ' [WVu] ' || true)
  [ -z "$weak" ] || complain "weak symbols in $object: $weak"
  global=$(nm -C --defined-only --extern-only "$object" | grep -Ev '::(kTable|kNarrow)$' || true)
  [ -z "$global" ] || complain "global symbols in $object: $global"
  foreign=$(nm --undefined-only "$object" | grep -Ev ' (memcpy|memset|memmove|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__asan_.*|__ubsan_.*|__tsan_.*)$' || true)
  [ -z "$foreign" ] || complain "calls out of $object: $foreign"
done

addon=$build/Release/flowmatch.node
newest() { objdump -T "$addon" | grep -o "$1_[0-9.]*" | sed "s/$1_//" | sort -uV | tail -1; }
at_most() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | tail -1)" = "$2" ]; }
for limit in GLIBC:2.28 GLIBCXX:3.4.25 CXXABI:1.3.11; do
  found=$(newest "${limit%%:*}")
  [ -z "$found" ] || at_most "$found" "${limit##*:}" || complain "$addon needs ${limit%%:*}_$found, above ${limit##*:}: $(objdump -T "$addon" | grep "${limit%%:*}_$found" | awk '{print $NF}' | head -5 | tr '\n' ' ')"
done
if nm -a "$addon" 2> /dev/null | grep -q set_fast_math || objdump -d "$addon" --no-show-raw-insn | grep -qE '\b(ldmxcsr|fldcw)\b'; then complain "$addon changes the floating-point mode"; fi
[ $failed = 0 ] && echo "$(echo "$objects" | wc -l) kernel objects clean; $addon needs GLIBC_$(newest GLIBC), GLIBCXX_$(newest GLIBCXX)"
exit $failed
