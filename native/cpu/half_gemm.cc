#include "cpu/half_gemm.h"

namespace millrace::cpu {

namespace {

// A matrix (rows, columns) of `from`, whose rows are `stride` apart, as f32 without gaps.
void widen_matrix(float* to, const Tensor& from, int64_t begin, int64_t stride, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row) widen_range(to + row * columns, from, begin + row * stride, columns);
}

// The largest tiles are usually smaller and square. The space is that of the largest whatever the tiles, so it grows
// with the product: one of fewer rows, which may be cut into longer tiles, fits where one of more rows was planned.
constexpr int64_t kMostTile = 512;

int64_t divide_up(int64_t a, int64_t b) { return std::max<int64_t>(1, (a + b - 1) / b); }

int64_t largest_tile(int64_t dim) { return std::min(kMostTile, divide_up(dim, kTileGranule) * kTileGranule); }

}  // namespace

HalfTiling tile_half_gemm(const Context& context, const HalfGemm& gemm) {
  const int num_parts = context.work_parts > 0 ? context.work_parts : num_threads(context);
  Tiling tiles = tile_gemm(gemm.m, gemm.n, gemm.k, num_parts, true);
  tiles.tile_m = std::min(tiles.tile_m, kMostTile);
  tiles.tile_n = std::min(tiles.tile_n, kMostTile);
  tiles.num_m = divide_up(gemm.m, tiles.tile_m);
  tiles.num_n = divide_up(gemm.n, tiles.tile_n);
  const int64_t depth = std::min(gemm.k, kDepth);
  const int64_t edges = kBf16Rows + kBf16Columns;
  const int64_t most_m = largest_tile(gemm.m);
  const int64_t most_n = largest_tile(gemm.n);
  return HalfTiling{tiles, most_m * most_n + depth * (most_m + most_n + edges)};
}

namespace {

void bf16_tile(const HalfGemm& gemm, const Tile& tile, float* values, uint32_t* space) {
  const uint16_t* a = gemm.a.as<uint16_t>();
  const uint16_t* b = gemm.b.as<uint16_t>();
  for (int64_t begin = 0; begin < gemm.k; begin += kDepth) {
    const Bf16Operand left = gemm.transpose_a ? Bf16Operand{a + begin * gemm.m + tile.row, gemm.m, tile.rows, false}
                                              : Bf16Operand{a + tile.row * gemm.k + begin, gemm.k, tile.rows, true};
    const Bf16Operand right = gemm.transpose_b
                                  ? Bf16Operand{b + tile.column * gemm.k + begin, gemm.k, tile.columns, true}
                                  : Bf16Operand{b + begin * gemm.n + tile.column, gemm.n, tile.columns, false};
    kernels().bf16_product(values, left, right, std::min(kDepth, gemm.k - begin), begin > 0, space);
  }
}

}  // namespace

void half_gemm_tile(const HalfGemm& gemm, const Tile& tile, float* values, float* pieces) {
  if (gemm.a.dtype == DType::kBF16 && bf16_products()) {
    return bf16_tile(gemm, tile, values, reinterpret_cast<uint32_t*>(pieces));
  }
  Gemm part;
  part.transpose_a = gemm.transpose_a;
  part.transpose_b = gemm.transpose_b;
  part.m = tile.rows;
  part.n = tile.columns;
  part.c = values;
  part.ldc = tile.columns;
  for (int64_t begin = 0; begin < gemm.k; begin += kDepth) {
    part.k = std::min(kDepth, gemm.k - begin);
    float* a = pieces;
    float* b = pieces + part.k * tile.rows;
    if (gemm.transpose_a) {
      widen_matrix(a, gemm.a, begin * gemm.m + tile.row, gemm.m, part.k, tile.rows);
    } else {
      widen_matrix(a, gemm.a, tile.row * gemm.k + begin, gemm.k, tile.rows, part.k);
    }
    if (gemm.transpose_b) {
      widen_matrix(b, gemm.b, tile.column * gemm.k + begin, gemm.k, tile.columns, part.k);
    } else {
      widen_matrix(b, gemm.b, begin * gemm.n + tile.column, gemm.n, part.k, tile.columns);
    }
    part.a = a;
    part.lda = gemm.transpose_a ? tile.rows : part.k;
    part.b = b;
    part.ldb = gemm.transpose_b ? part.k : tile.columns;
    gemm_serial(part);
    part.beta = 1.0f;
  }
}

}  // namespace millrace::cpu
