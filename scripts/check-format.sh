#!/usr/bin/env bash
# clang-format over every C++ file; `--fix` rewrites them. The formatter is the PyPI package of that name, kept in a scratch folder.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=.scratch/clang-format
tool=$folder/clang_format/data/bin/clang-format
if [ ! -x "$tool" ]; then
  python3 -m pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore --target "$folder" clang-format==19.1.7
fi
mapfile -t files < <(git ls-files 'native/**/*.cc' 'native/**/*.h' 'test/native/**/*.cc' 'test/native/**/*.h')
[ "${#files[@]}" -gt 0 ] || { echo "no C++ file found" >&2; exit 1; }
if [ "${1:-}" = --fix ]; then exec "$tool" -i "${files[@]}"; fi
"$tool" --dry-run --Werror "${files[@]}"
echo "format: ${#files[@]} files"
