#!/usr/bin/env bash
# Brings a fresh clone to where `millrace` runs: system packages (apt, when root), npm packages, the native addon, dist/.
# Each step is skipped when its work is done, so it is cheap to call before every command.
#   native/setup.sh            what running needs
#   native/setup.sh --tests    and what the tests need (GoogleTest, native test executables)
#   native/setup.sh --bench    and what the benches need
#   native/setup.sh --addon    only the addon: what `npm install` of the published package runs
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-run}
# With ccache, a build in another folder (the package's, a second clone) finds what one here has compiled. Paths below this
# folder are taken as relative and no others: those of system headers would depend on how deep the folder lies.
export CCACHE_BASEDIR=$(pwd -P) CCACHE_NOHASHDIR=true

say() { printf 'setup: %s\n' "$*" >&2; }

missing_packages() {
  command -v g++ >/dev/null || echo g++
  command -v cmake >/dev/null || echo cmake
  command -v ninja >/dev/null || echo ninja-build
  [ -n "$(find /usr/include /usr/local/include -maxdepth 3 -name openblas_config.h 2>/dev/null | head -n 1)" ] || echo libopenblas-dev
  if [ "$mode" = --tests ]; then
    [ -e /usr/include/gtest/gtest.h ] || echo libgtest-dev
    # Ranks as processes; a build without goes without.
    command -v mpirun >/dev/null || echo openmpi-bin
    command -v mpicxx >/dev/null || echo libopenmpi-dev
  fi
}

packages=$(missing_packages | tr '\n' ' ')
if [ -n "$packages" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $packages(apt)"
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
  else
    say "not root, so going on without: $packages(as root: apt-get install $packages)"
  fi
fi

if [ "$mode" != --addon ] && { [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; }; then
  say "installing npm packages"
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
fi

command -v cmake >/dev/null || { say "expected cmake on the PATH, found none"; exit 1; }
generator=()
if [ ! -e build/release/CMakeCache.txt ] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
tests=OFF
targets=(--target millrace_addon)
if [ "$mode" = --tests ]; then tests=ON targets=(); fi
if [ "$mode" = --bench ]; then targets+=(benches); fi

# A machine with the CUDA compiler gets the CUDA backend, if NVIDIA's headers are there too.
cuda=(-DMILLRACE_CUDA=OFF)
nvcc=$(command -v nvcc || { [ -x "${CUDA_HOME:-}/bin/nvcc" ] && echo "$CUDA_HOME/bin/nvcc"; } || true)
if [ -n "$nvcc" ] && grep -qs '^MILLRACE_CUDA:STRING=ON' build/release/CMakeCache.txt; then
  cuda=()  # as it was found before
elif [ -n "$nvcc" ]; then
  probe=$(mktemp -d)
  if cmake -S native -B "$probe" "${generator[@]}" -DMILLRACE_CUDA=ON -DCMAKE_CUDA_COMPILER="$nvcc" -DMILLRACE_ADDON=OFF \
      -DMILLRACE_TESTS=OFF >"$probe/log" 2>&1; then
    cuda=(-DMILLRACE_CUDA=ON -DCMAKE_CUDA_COMPILER="$nvcc")
    say "found $nvcc: building with CUDA"
  else
    say "found $nvcc, but going on without CUDA: $(grep -m 1 -o 'expected .*' "$probe/log" || echo "CMake refuses it")"
  fi
  rm -rf "$probe"
fi

log=build/setup.log
mkdir -p build
say "building the native addon (log in $log)"
if ! { cmake -S native -B build/release "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DMILLRACE_TESTS=$tests "${cuda[@]}" &&
       cmake --build build/release --parallel "$(nproc)" "${targets[@]}"; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  say "the native build failed; the whole log is in $log"
  exit 1
fi
grep -h 'no OpenBLAS' "$log" >&2 || true

if [ "$mode" != --addon ]; then
  say "compiling TypeScript"
  npx tsc -b
fi
