#!/usr/bin/env bash
# clang-format over every C++ file; `--fix` rewrites them. The formatter is the PyPI package of that name, kept in a scratch folder.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=.scratch/clang-format
if [ ! -x "$tool/bin/clang-format" ]; then
  python3 -m pip install --quiet --disable-pip-version-check --no-input --target "$tool" clang-format==19.1.7
fi
mapfile -t files < <(git ls-files 'native/**/*.cc' 'native/**/*.h' 'test/native/**/*.cc' 'test/native/**/*.h')
[ "${#files[@]}" -gt 0 ] || { echo "no C++ file found" >&2; exit 1; }
if [ "${1:-}" = --fix ]; then exec "$tool/bin/clang-format" -i "${files[@]}"; fi
"$tool/bin/clang-format" --dry-run --Werror "${files[@]}"
echo "format: ${#files[@]} files"
