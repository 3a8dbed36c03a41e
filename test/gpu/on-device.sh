#!/usr/bin/env bash
# What a machine with a GPU can prove, stage by stage; needs no Node and downloads nothing. Each stage ends well inside ten
# minutes. Exit code: 0 when every stage passed.
#
#   test/gpu/on-device.sh [STAGE...]
#     build     gpu-check and train-bench with CMake and this machine's nvcc, unless $BUILD has them already
#     check     gpu-check: every agreement test
#     peer      PyTorch's own error in every op, on the card
#     sanitize  gpu-check --quick under compute-sanitizer: memcheck, racecheck, initcheck
#     bench     train-bench beside compiled PyTorch in alternating blocks: $MODEL, $DROPOUT
#   Without stages: build check peer.
#
# Variables: OUT (results, default build/on-device), BUILD (default build/gpu), MODEL (gpt2-1.2b), DROPOUT (0), BLOCKS (3),
# SECONDS_A_BLOCK (20), ARCHITECTURES (90), PYTHON (python3, with PyTorch), RECORD (a list such as docs/gpu.json that the
# figures are appended to).
set -uo pipefail
cd "$(dirname "$0")/../.."
out=${OUT:-build/on-device}
build=${BUILD:-build/gpu}
python=${PYTHON:-python3}
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(build check peer)
mkdir -p "$out"
failed=()

say() { printf '== %s\n' "$*" | tee -a "$out/summary.txt"; }

# NVIDIA's libraries and headers where PyTorch brings them as wheels.
wheels=$("$python" -c 'import importlib.util as u; s = u.find_spec("nvidia"); print(next(iter(s.submodule_search_locations)) if s else "")' 2>/dev/null)
if [ -n "$wheels" ]; then
  for folder in "$wheels"/*/; do
    [ -d "$folder/lib" ] && MILLRACE_CUDA_LIBRARIES="${MILLRACE_CUDA_LIBRARIES:+$MILLRACE_CUDA_LIBRARIES:}${folder}lib"
    [ -d "$folder/include" ] && CPATH="${CPATH:+$CPATH:}${folder}include"
    [ -d "$folder/include" ] && CMAKE_INCLUDE_PATH="${CMAKE_INCLUDE_PATH:+$CMAKE_INCLUDE_PATH:}${folder}include"
  done
  export MILLRACE_CUDA_LIBRARIES CPATH CMAKE_INCLUDE_PATH
fi
# cudnn-frontend opens the runtime by name, and would take version 12 where both are.
export CUDNN_FRONTEND_CUDART_LIB_NAME=${CUDNN_FRONTEND_CUDART_LIB_NAME:-libcudart.so.13}

stage_build() {
  if [ -x "$build/gpu-check" ] && [ -x "$build/train-bench" ]; then
    echo "$build has both programs"
    return 0
  fi
  local nvcc generator=()
  nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null || ls "$wheels"/cu*/bin/nvcc 2>/dev/null | head -n 1)
  [ -n "$nvcc" ] || { echo "expected nvcc on the PATH, found none"; return 1; }
  command -v ninja >/dev/null && generator=(-G Ninja)
  cmake -S native -B "$build" "${generator[@]}" -DCMAKE_BUILD_TYPE=Release -DMILLRACE_CUDA=ON -DMILLRACE_ADDON=OFF \
    -DMILLRACE_TESTS=OFF -DCMAKE_CUDA_COMPILER="$nvcc" -DCMAKE_CUDA_ARCHITECTURES="${ARCHITECTURES:-90}" &&
    cmake --build "$build" --parallel "$(nproc)" --target gpu-check train-bench
}

stage_check() { "$build/gpu-check" --json "$out/gpu-check.json" --dump "$out/dump"; }

# The dump is large and only of use here.
stage_peer() {
  [ -d "$out/dump" ] || "$build/gpu-check" --only ops --dump "$out/dump" || return 1
  "$python" test/gpu/peer_errors.py "$out/dump" --json "$out/peer-errors.json"
}

stage_sanitize() {
  local tool status=0 ours=()
  command -v compute-sanitizer >/dev/null || { echo "expected compute-sanitizer on the PATH, found none"; return 1; }
  for tool in memcheck racecheck initcheck; do
    # The libraries' kernels are not ours to mend, and slow under these two.
    ours=()
    [ "$tool" = memcheck ] || ours=(--kernel-regex kernel_substring=millrace)
    echo "-- $tool"
    timeout 170 compute-sanitizer --tool "$tool" --error-exitcode 9 "${ours[@]}" "$build/gpu-check" --quick ||
      { echo "$tool: exit code $?"; status=1; }
  done
  return $status
}

stage_bench() {
  # Compiled kernels of PyTorch and chosen algorithms of ours outlive the process: both sides find them again.
  export TORCHINDUCTOR_CACHE_DIR=${TORCHINDUCTOR_CACHE_DIR:-$PWD/build/torchinductor} PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True
  "$python" test/gpu/compare.py "$build" --model "${MODEL:-gpt2-1.2b}" --dropout "${DROPOUT:-0}" --blocks "${BLOCKS:-3}" \
    --seconds "${SECONDS_A_BLOCK:-20}" --out "$out/bench" ${RECORD:+--record "$RECORD"}
}

date -u | tee -a "$out/summary.txt"
(nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,power.limit --format=csv || echo "no nvidia-smi") 2>&1 | tee -a "$out/summary.txt"
for stage in "${stages[@]}"; do
  declare -F "stage_$stage" >/dev/null || { say "expected build, check, peer, sanitize or bench, got $stage"; exit 2; }
  begin=$SECONDS
  if "stage_$stage" >"$out/$stage.log" 2>&1; then
    say "$stage passed in $((SECONDS - begin)) s: $(tail -n 1 "$out/$stage.log")"
  else
    failed+=("$stage")
    tail -n 30 "$out/$stage.log"
    say "$stage FAILED after $((SECONDS - begin)) s; see $out/$stage.log"
  fi
done
rm -rf "$out/dump"
[ ${#failed[@]} -eq 0 ]
