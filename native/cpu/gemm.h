// Matrix products: the one door to the BLAS library, which only ever runs single-threaded, inside a context's pool.
#ifndef MILLRACE_CPU_GEMM_H_
#define MILLRACE_CPU_GEMM_H_

#include <cstdint>

#include "core/context.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

// Sets the library up; false when this build has none.
bool prepare_gemm();

// c(m,n) = op(a)(m,k) op(b)(k,n) + c * beta, row-major; op transposes when asked to.
struct Gemm {
  bool transpose_a = false;
  bool transpose_b = false;
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  int64_t lda = 0;
  const float* b = nullptr;
  int64_t ldb = 0;
  float* c = nullptr;
  int64_t ldc = 0;
  float beta = 0.0f;
};

// On the calling thread.
void gemm_serial(const Gemm& gemm);

// A finished tile of c: rows [row, row + rows), columns [column, column + columns).
struct Tile {
  int64_t row, rows, column, columns;
};

// How c is cut: m and n, never k, so that a sum has one order whatever the pool.
struct Tiling {
  int64_t tile_m, tile_n, num_m, num_n;
  int64_t count() const { return num_m * num_n; }
  Tile tile(const Gemm& gemm, int64_t index) const;
};
constexpr int64_t kTileGranule = 16;  // of tile_m and tile_n: kernels work on multiples of 16 rows and columns
// `fused`: something follows on each tile, which therefore should stay in cache.
Tiling tile_gemm(int64_t m, int64_t n, int64_t k, int num_threads, bool fused);

void gemm_tile(const Gemm& gemm, const Tile& tile);

// On all threads; epilogue(tile) runs on each finished tile, on the thread that made it.
template <class Epilogue>
void gemm_parallel(Context& context, const Gemm& gemm, bool fused, const Epilogue& epilogue) {
  const int num_parts = context.work_parts > 0 ? context.work_parts : num_threads(context);
  const Tiling tiling = tile_gemm(gemm.m, gemm.n, gemm.k, num_parts, fused);
  for_ranges(context, tiling.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Tile tile = tiling.tile(gemm, i);
      gemm_tile(gemm, tile);
      epilogue(tile);
    }
  });
}

inline void gemm_parallel(Context& context, const Gemm& gemm) {
  gemm_parallel(context, gemm, false, [](const Tile&) {});
}

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_GEMM_H_
