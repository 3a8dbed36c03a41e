#!/usr/bin/env bash
# The whole path on a GPU machine that has neither Node nor a network: shards made on a machine with a processor, trained on
# the GPU, and the checkpoint measured on GPU and processor.
#
#   test/gpu/whole-path.sh pack FOLDER --shards DIR --addon FILE    where Node is: everything that is needed, compressed
#   test/gpu/whole-path.sh train FOLDER                             on the GPU machine, from the same clone
#
# FOLDER lies in the clone, so that it travels with it. The addon is a build with MILLRACE_CUDA=ON; the processor's BLAS
# library that it needs comes along. Variables of `train`: OUT (results, default build/whole-path), MODEL (gpt2-355m), STEPS
# (40), GLOBAL_BATCH (512), MICRO_BATCH (16), PRECISION (bf16), DEVICE (cuda), EVAL_TOKENS (2048).
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { printf 'whole-path: %s\n' "$*" >&2; exit 2; }

# The packages that the installed program needs, without those of its development.
production_packages() {
  node -e '
    const { packages } = require("./package-lock.json");
    for (const [path, { dev, devOptional }] of Object.entries(packages)) if (path !== "" && !dev && !devOptional) console.log(path);
  ' | while read -r path; do [ ! -d "$path" ] || printf '%s\n' "$path"; done
}

pack() {
  local folder=$1 shards= addon=
  shift
  while [ $# -gt 1 ]; do
    case $1 in
      --shards) shards=$2 ;;
      --addon) addon=$2 ;;
      *) fail "expected --shards or --addon, got $1" ;;
    esac
    shift 2
  done
  [ -f "$shards/manifest.json" ] || fail "expected a folder of shards for --shards, got '$shards'"
  [ -f "$addon" ] || fail "expected an addon for --addon, got '$addon'"
  [ -f dist/cli/main.js ] || fail "expected dist/, found none; run npm run build first"
  mkdir -p "$folder"
  local stage
  stage=$(mktemp -d)
  # Expanded now: the variable is this function's own.
  # shellcheck disable=SC2064
  trap "rm -rf '$stage'" EXIT
  mkdir "$stage/lib"
  cp "$(readlink -f "$(command -v node)")" "$stage/node"
  cp "$addon" "$stage/millrace.node"
  strip "$stage/node" "$stage/millrace.node"
  ldd "$addon" | awk '/openblas|gfortran|quadmath/ { print $3 }' | while read -r library; do cp -L "$library" "$stage/lib/"; done
  cp -r "$shards" "$stage/shards"
  production_packages | tar -cf - --exclude='*.map' --exclude='*.d.ts' --exclude='*.md' --exclude='src' -T - dist package.json |
    tar -xf - -C "$stage"
  tar -C "$stage" -cf - . | xz -T0 -6 >"$folder/whole-path.tar.xz"
  printf '%s: %s\n' "$folder/whole-path.tar.xz" "$(du -h "$folder/whole-path.tar.xz" | cut -f1)"
}

train() {
  local folder=$1 out=${OUT:-build/whole-path} device=${DEVICE:-cuda}
  [ -f "$folder/whole-path.tar.xz" ] || fail "expected $folder/whole-path.tar.xz, found none; run pack first"
  local place=$folder/unpacked
  mkdir -p "$place" "$out"
  xz -dc "$folder/whole-path.tar.xz" | tar -xf - -C "$place"
  export MILLRACE_ADDON=$PWD/$place/millrace.node LD_LIBRARY_PATH=$PWD/$place/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  local millrace=("$place/node" "$place/dist/cli/main.js")
  # The checkpoint is too large to bring back: it stays beside the clone, the rest goes to $out.
  "${millrace[@]}" train --shards "$place/shards" --model "${MODEL:-gpt2-355m}" --out "$place/run" --device "$device" \
    --precision "${PRECISION:-bf16}" --steps "${STEPS:-40}" --micro-batch "${MICRO_BATCH:-16}" \
    --global-batch "${GLOBAL_BATCH:-512}" --checkpoint-every 0 --json >"$out/train.json"
  cp "$place/run/metrics.jsonl" "$out/"
  local on
  for on in "$device" cpu; do
    "${millrace[@]}" eval --checkpoint "$place/run" --shards "$place/shards" --out "$place/eval-$on" --device "$on" \
      --eval-tokens "${EVAL_TOKENS:-2048}" --max-tokens 1 --json >"$out/eval-$on.json"
    cp "$place/eval-$on/eval.json" "$out/eval-$on-loss.json"
  done
  "$place/node" -e '
    const [device, cpu] = process.argv.slice(1).map((path) => JSON.parse(require("fs").readFileSync(path, "utf8")));
    const difference = Math.abs(device.heldout_loss - cpu.heldout_loss);
    console.log(`held-out loss ${device.heldout_loss} on the device, ${cpu.heldout_loss} on the processor: difference ${difference}`);
    // Both compute in fp32, in another order.
    process.exit(difference <= 1e-4 * cpu.heldout_loss ? 0 : 1);
  ' "$out/eval-$device-loss.json" "$out/eval-cpu-loss.json"
}

command=${1:-}
[ -n "${2:-}" ] || fail "expected pack or train and a folder, got '$*'"
shift
case $command in
  pack) pack "$@" ;;
  train) train "$@" ;;
  *) fail "expected pack or train, got $command" ;;
esac
