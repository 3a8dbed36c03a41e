#!/usr/bin/env bash
# What a machine without a GPU can prove of the CUDA backend. Ends with `N passed, N failed`.
#   1. Everything compiles under nvcc (brought by native/cuda-toolchain.sh), warnings being errors: the addon, gpu-check
#      and train-bench in build/cuda.
#   2. What was built starts, and where there is no GPU it says so.
#   3. The kernels, the communicators and whole training runs give the right results in the emulator (test/gpu/emulator),
#      built in build/emulated.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
passed=0
failed=0
generator=()

say() { printf 'test-cuda: %s\n' "$*" >&2; }
pass() { passed=$((passed + 1)); say "ok: $*"; }
fail() { failed=$((failed + 1)); say "FAILED: $*"; }
finish() { echo "$passed passed, $failed failed"; [ "$failed" = 0 ]; exit; }

# build FOLDER TARGETS -- CMAKE-OPTIONS; the log is shown when it fails.
build() {
  local folder=$1 targets=() log=build/$(basename "$1").log
  shift
  while [ "$1" != -- ]; do targets+=("$1"); shift; done
  shift
  generator=()
  if [ ! -e "$folder/CMakeCache.txt" ] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
  mkdir -p build
  { cmake -S native -B "$folder" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release "$@" &&
    cmake --build "$folder" --parallel "$jobs" ${targets[@]:+--target "${targets[@]}"}; } >"$log" 2>&1 && return 0
  tail -n 40 "$log" >&2
  return 1
}

if ! toolchain=$(bash native/cuda-toolchain.sh); then
  fail "the CUDA compiler can be had"
  finish
fi
MILLRACE_CUDA_LIBRARIES=$(bash native/cuda-toolchain.sh --libraries)
export MILLRACE_CUDA_LIBRARIES

say "compiling with $toolchain/nvidia/cu13/bin/nvcc"
if build build/cuda millrace_addon gpu-check train-bench -- -DMILLRACE_CUDA=ON -DMILLRACE_TESTS=OFF \
    -DCMAKE_CUDA_COMPILER="$toolchain/nvidia/cu13/bin/nvcc"; then
  pass "everything compiles under nvcc"
  said=$(build/cuda/gpu-check --quick 2>&1)
  case $? in
    0) pass "gpu-check passes on this machine's GPU" ;;
    3) if printf '%s' "$said" | grep -q 'expected an NVIDIA \(driver\|GPU\)'; then
         pass "gpu-check starts and says that there is no GPU"
       else
         fail "gpu-check says what is missing, but said: $said"
       fi ;;
    *) fail "gpu-check starts: $said" ;;
  esac
  if node -e 'require(require("path").resolve(process.argv[1]))' build/cuda/millrace.node; then
    pass "the addon with CUDA loads in Node"
  else
    fail "the addon with CUDA loads in Node"
  fi
else
  fail "everything compiles under nvcc"
fi

say "building the emulator and its tests"
if build build/emulated -- -DMILLRACE_CUDA=EMULATED -DMILLRACE_TESTS=ON -DMILLRACE_ADDON=OFF; then
  results=$PWD/build/emulated/results
  rm -rf "$results"
  status=0
  GTEST_OUTPUT="xml:$results/" GTEST_BRIEF=1 ctest --test-dir build/emulated --parallel "$jobs" --output-on-failure \
    --no-tests=error >&2 || status=$?
  before=$failed
  # Each executable writes the counts of its cases; one that dies writes none and fails ctest.
  for file in "$results"/*.xml; do
    [ -e "$file" ] || continue
    head=$(grep -m 1 -o '<testsuites [^>]*' "$file")
    count() { printf '%s' "$head" | sed "s/.* $1=\"\([0-9]*\)\".*/\1/"; }
    bad=$(($(count failures) + $(count errors)))
    failed=$((failed + bad))
    passed=$((passed + $(count tests) - bad))
  done
  if [ "$status" != 0 ] && [ "$failed" = "$before" ]; then fail "ctest in build/emulated"; fi
else
  fail "the emulator builds"
fi
finish
