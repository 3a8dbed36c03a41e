#!/usr/bin/env bash
# Checks (or with --write, fixes) the format of all C++ files. The version is pinned because formatters disagree.
set -euo pipefail
cd "$(dirname "$0")/.."
formatter=$(command -v clang-format-14 || command -v clang-format) || { echo "expected clang-format 14, found none" >&2; exit 1; }
mapfile -t files < <(git ls-files -co --exclude-standard 'native/*.h' 'native/*.cc' 'native/*.cu' 'native/*.cuh' 'test/native/*.cc' 'test/native/*.h' 'test/gpu/*.cc' 'test/gpu/*.h' | grep -v '_tables\.cc$')
if [ "${1:-}" = --write ]; then "$formatter" -i "${files[@]}"; else "$formatter" --dry-run -Werror "${files[@]}"; fi
