// Matrix products of 16-bit operands with sums in f32. A tile of the result is made from pieces of both operands,
// kDepth of the inner dimension at a time: bf16 by its own instruction where the processor has it, else converted as
// they are needed and multiplied by the BLAS library. No whole operand ever exists in f32.
#ifndef MILLRACE_CPU_HALF_GEMM_H_
#define MILLRACE_CPU_HALF_GEMM_H_

#include <algorithm>

#include "cpu/gemm.h"
#include "cpu/half.h"
#include "cpu/workers.h"

namespace millrace::cpu {

// op(a)(m,k) op(b)(k,n), row-major, without gaps between rows; op transposes when asked to.
struct HalfGemm {
  bool transpose_a = false;
  bool transpose_b = false;
  int64_t m = 0, n = 0, k = 0;
  Tensor a, b;
};

// Pieces are added in their order, so a sum has one order whatever the pool.
constexpr int64_t kDepth = 512;

struct HalfTiling {
  Tiling tiles;
  // Floats a thread: the tile, then a piece of each operand, as f32 or as packed pairs. Grows with m, n and k.
  int64_t width;
};
HalfTiling tile_half_gemm(const Context& context, const HalfGemm& gemm);

// values(tile.rows, tile.columns) = that tile of the product.
void half_gemm_tile(const HalfGemm& gemm, const Tile& tile, float* values, float* pieces);

// On all threads; finish(tile, values) stores what becomes of each tile of the product, on the thread that made it.
template <class Finish>
Status half_gemm(Context& context, const HalfGemm& gemm, const Finish& finish) {
  const auto [tiles, width] = tile_half_gemm(context, gemm);
  Gemm size;
  size.m = gemm.m;
  size.n = gemm.n;
  return for_items(context, tiles.count(), width, [&, &tiles = tiles](float* workspace, int64_t item) {
    const Tile tile = tiles.tile(size, item);
    half_gemm_tile(gemm, tile, workspace, workspace + tiles.tile_m * tiles.tile_n);
    finish(tile, workspace);
  });
}

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_HALF_GEMM_H_
