#include "cpu/gemm.h"

#include <algorithm>

#if defined(MILLRACE_HAVE_OPENBLAS)
#include <cblas.h>
#endif

namespace millrace::cpu {

namespace {

constexpr double kTileFlops = 4e9;                   // some 40 ms: a long product still shows signs of life
constexpr double kFusedTileElements = 128.0 * 1024;  // 512 KiB: half of a common second-level cache
constexpr double kSmallFlops = 1e6;                  // below, waking a thread costs more than it gives

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Dimension cut into `parts`, in granules.
int64_t tile_size(int64_t dim, int64_t parts) {
  return std::max(kTileGranule, divide_up(divide_up(dim, parts), kTileGranule) * kTileGranule);
}

}  // namespace

Tiling tile_gemm(int64_t m, int64_t n, int64_t k, int num_threads, bool fused) {
  const double elements = static_cast<double>(m) * static_cast<double>(n);
  const double flops = 2.0 * elements * static_cast<double>(k);
  double wanted = flops < kSmallFlops ? 1.0 : num_threads;
  wanted = std::max(wanted, flops / kTileFlops);
  if (fused) wanted = std::max(wanted, elements / kFusedTileElements);
  // Every tile packs its rows of a and its columns of b: of the grids with enough tiles take the one that packs least,
  // counting the threads that idle in the last round as lost.
  Tiling best{};
  double best_cost = 0.0;
  const int64_t most_m = std::max<int64_t>(1, divide_up(m, kTileGranule));
  for (int64_t parts = 1; parts <= most_m; ++parts) {
    Tiling t{};
    t.tile_m = tile_size(m, parts);
    t.num_m = std::max<int64_t>(1, divide_up(m, t.tile_m));
    t.tile_n = tile_size(n, std::max<int64_t>(1, static_cast<int64_t>(wanted / static_cast<double>(t.num_m) + 0.999)));
    t.num_n = std::max<int64_t>(1, divide_up(n, t.tile_n));
    const double rounds = static_cast<double>(divide_up(t.count(), num_threads));
    const double tile_m = static_cast<double>(t.tile_m);
    const double tile_n = static_cast<double>(t.tile_n);
    // Multiplying costs m n k and packing (m + n) k times what a moved element costs more than a multiplied one (a load
    // and a store against a 16th of an instruction); k is common to both.
    constexpr double kPackCost = 8.0;
    const double cost = rounds * (tile_m * tile_n + kPackCost * (tile_m + tile_n));
    if (parts == 1 || cost < best_cost) {
      best = t;
      best_cost = cost;
    }
    if (static_cast<double>(t.num_m) >= wanted) break;
  }
  return best;
}

Tile Tiling::tile(const Gemm& gemm, int64_t index) const {
  const int64_t row = index % num_m * tile_m;
  const int64_t column = index / num_m * tile_n;
  return Tile{row, std::min(tile_m, gemm.m - row), column, std::min(tile_n, gemm.n - column)};
}

void gemm_tile(const Gemm& gemm, const Tile& tile) {
  Gemm part = gemm;
  part.m = tile.rows;
  part.n = tile.columns;
  part.a += gemm.transpose_a ? tile.row : tile.row * gemm.lda;
  part.b += gemm.transpose_b ? tile.column * gemm.ldb : tile.column;
  part.c += tile.row * gemm.ldc + tile.column;
  gemm_serial(part);
}

#if defined(MILLRACE_HAVE_OPENBLAS)

bool prepare_gemm() {
  static const bool prepared = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  return prepared;
}

void gemm_serial(const Gemm& g) {
  if (g.m <= 0 || g.n <= 0) return;
  cblas_sgemm(CblasRowMajor, g.transpose_a ? CblasTrans : CblasNoTrans, g.transpose_b ? CblasTrans : CblasNoTrans,
              static_cast<blasint>(g.m), static_cast<blasint>(g.n), static_cast<blasint>(g.k), 1.0f, g.a,
              static_cast<blasint>(g.lda), g.b, static_cast<blasint>(g.ldb), g.beta, g.c, static_cast<blasint>(g.ldc));
}

#else

bool prepare_gemm() { return false; }
void gemm_serial(const Gemm&) {}

#endif

}  // namespace millrace::cpu
