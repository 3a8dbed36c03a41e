#!/usr/bin/env bash
# Brings the CUDA compiler and NVIDIA's libraries, as Python wheels at pinned versions, into a cache outside the
# repository, and prints the folder. Needs python3 with pip, no GPU and no driver; a second call finds all in place.
#   native/cuda-toolchain.sh              prints FOLDER; the compiler is FOLDER/nvidia/cu13/bin/nvcc
#   native/cuda-toolchain.sh --libraries  prints the folders of the libraries, for MILLRACE_CUDA_LIBRARIES
set -euo pipefail

# The 13.0 line: compiler, runtime and cuBLAS of one toolkit; cuDNN and NCCL by their own numbers.
pins=(
  nvidia-cuda-nvcc==13.0.88
  nvidia-cuda-crt==13.0.88
  nvidia-nvvm==13.0.88
  nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cccl==13.0.85
  nvidia-cuda-nvrtc==13.0.88
  nvidia-cublas==13.0.2.14
  nvidia-cudnn-cu13==9.28.1.4
  nvidia-nccl-cu13==2.32.3
  nvidia-cudnn-frontend==1.32.0
)
digest=$(printf '%s\n' "${pins[@]}" | sha256sum | cut -c 1-12)
cache=${MILLRACE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace}
folder=$cache/cuda-13.0-$digest

say() { printf 'cuda-toolchain: %s\n' "$*" >&2; }

if [ ! -e "$folder/nvidia/cu13/bin/nvcc" ]; then
  python3 -m pip --version >/dev/null 2>&1 || { say "expected python3 with pip, found none"; exit 1; }
  mkdir -p "$cache"
  # Installed aside and renamed when complete, so that what carries the name is whole, whoever else is installing.
  aside=$(mktemp -d "$folder.XXXXXX")
  trap 'rm -rf "$aside"' EXIT
  say "installing the CUDA compiler and libraries into $folder"
  python3 -m pip install --quiet --no-deps --only-binary :all: --no-cache-dir --target "$aside" "${pins[@]}" >&2 ||
    { say "pip could not install ${pins[*]}"; exit 1; }
  # Where nvcc looks for the runtime library; the wheels call the folder lib.
  ln -s lib "$aside/nvidia/cu13/lib64"
  "$aside/nvidia/cu13/bin/nvcc" --version >/dev/null || { say "the installed nvcc does not run"; exit 1; }
  chmod 755 "$aside"
  mv -T "$aside" "$folder" 2>/dev/null || [ -e "$folder/nvidia/cu13/bin/nvcc" ] || { say "cannot write $folder"; exit 1; }
fi

if [ "${1:-}" = --libraries ]; then
  printf '%s\n' "$folder/nvidia/cu13/lib:$folder/nvidia/cudnn/lib:$folder/nvidia/nccl/lib"
else
  printf '%s\n' "$folder"
fi
