#!/bin/sh
# Exports a corpus of random models and has Python's onnx package judge every file: onnx.checker with full_check=True, then the reference evaluator and
# onnxruntime against the outputs of onnxruntime-node. Needs python3 with pip (or an interpreter that has onnx: PYTHON=...).
#   scripts/check-onnx.sh            a corpus of 60 models (what CI runs)
#   scripts/check-onnx.sh 1000       the full corpus
set -eu
cd "$(dirname "$0")/.."
models=${1:-60}
python=${PYTHON:-python3}
cache=${FLOWMATCH_PYTHON_CACHE:-${TMPDIR:-/tmp}/flowmatch-onnx-python}
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
export ONNXRUNTIME_NODE_INSTALL=skip

if ! PYTHONPATH="$cache" "$python" -c 'import onnx' 2>/dev/null; then
  "$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$cache" onnx==1.23.2 onnxruntime==1.32.0 ||
    "$python" -m pip install --quiet --disable-pip-version-check --target "$cache" onnx onnxruntime ||
    { echo "check-onnx: cannot install the Python package onnx; set PYTHON to an interpreter that has it." >&2; exit 3; }
fi
FLOWMATCH_ONNX_MODELS=$models FLOWMATCH_ONNX_CORPUS=$corpus npx vitest run test/onnx/parity.test.ts test/onnx/guidance.test.ts test/onnx/density.test.ts test/sampling/stochastic.test.ts --reporter=dot
PYTHONPATH="$cache" "$python" scripts/check-onnx.py "$corpus"
