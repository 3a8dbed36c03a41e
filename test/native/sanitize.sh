#!/usr/bin/env bash
# The native tests under AddressSanitizer with UBSan, then under ThreadSanitizer. Left out is tensor_parallel_test: hundreds of
# whole training runs, which take too long here; step_test and trainer_test run the same code on several ranks. Left out are
# the tests over MPI: what the library does inside is not instrumented, and is reported as leaks and races.
set -euo pipefail
cd "$(dirname "$0")/../../native"
for preset in asan tsan; do
  cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" --parallel "$(nproc)" >/dev/null
  ctest --test-dir "../build/$preset" --output-on-failure --no-tests=error --exclude-regex "tensor_parallel_test|^mpi_"
done
