#include "random_cases.h"

#include <cmath>

namespace millrace::testing {

namespace {

// A stream of draws; sizes are spread evenly over their magnitudes, so that small ones come often.
class Draws {
 public:
  explicit Draws(uint64_t seed) : seed_(seed) {}

  int64_t between(int64_t least, int64_t most) {
    const double unit = (random_value(seed_, next_++) + 1.0) / 2.0;
    const double low = std::log(static_cast<double>(least)), high = std::log(static_cast<double>(most + 1));
    return std::min(most, static_cast<int64_t>(std::exp(low + unit * (high - low))));
  }
  bool coin() { return random_value(seed_, next_++) < 0; }
  template <class T, size_t kSize>
  T one_of(const T (&values)[kSize]) {
    const double unit = (random_value(seed_, next_++) + 1.0) / 2.0;
    return values[std::min(kSize - 1, static_cast<size_t>(unit * kSize))];
  }

 private:
  uint64_t seed_;
  int64_t next_ = 0;
};

// As the model has it in every second case, else none.
float dropout_probability(Draws& draws) { return draws.coin() ? 0.1f : 0.0f; }

// The name says the probability, for the numbers of a case do not.
OpCase named(OpCase op, float p) {
  if (p > 0) op.name.append(" ").append(std::to_string(p), 0, 4);
  return op;
}

RandomCase random_linear(Draws& draws, int64_t most) {
  const int64_t n = draws.between(1, most), o = draws.between(1, most), i = draws.between(1, most);
  const bool bias = draws.coin();
  return {"linear", {n, o, i, bias}, 0, Site::kInit, linear_case(n, o, i, bias)};
}

RandomCase random_mlp(Draws& draws, int64_t most) {
  // Of a few columns all may lie in GELU's tail, where one rounding of its input is many of its own.
  const int64_t n = draws.between(1, most), f = draws.between(16, most), c = draws.between(8, most);
  const bool tanh = draws.coin();
  return {tanh ? "mlp gelu tanh" : "mlp gelu erf",
          {n, f, c},
          0,
          Site::kInit,
          mlp_case(tanh ? Gelu::kTanh : Gelu::kErf, n, f, c)};
}

RandomCase random_layernorm(Draws& draws, int64_t most) {
  // The norm of a few values is mostly the rounding of their difference; such rows are among the fixed cases.
  const int64_t n = draws.between(1, most), c = draws.between(16, 4 * most);
  return {"layernorm", {n, c}, 0, Site::kInit, layernorm_case(n, c)};
}

RandomCase random_residual(Draws& draws, int64_t most) {
  const int64_t b = draws.between(1, 5), t = draws.between(1, most / 2), c = draws.between(16, 2 * most);
  const float p = dropout_probability(draws);
  const bool bias = draws.coin(), norm = draws.coin();
  return {"residual layernorm",
          {b, t, c, bias, norm},
          p,
          Site::kMlpOutput,
          named(residual_case(b, t, c, p, bias, norm), p)};
}

RandomCase random_attention(Draws& draws, int64_t most) {
  constexpr int64_t kHeadSizes[] = {64, 80, 96, 128};
  const int64_t b = draws.between(1, 3), t = draws.between(1, most), h = draws.between(1, 3);
  const int64_t d = draws.one_of(kHeadSizes), begin = draws.between(1, 4) - 1,
                total = begin + h + draws.between(1, 3) - 1;
  const float p = dropout_probability(draws);
  const bool causal = !draws.coin() || !draws.coin();
  return {causal ? "attention causal" : "attention full",
          {b, t, h, d, begin, total},
          p,
          Site::kAttention,
          named(attention_case(heads(b, t, h, d, begin, total, causal), p), p)};
}

RandomCase random_embedding(Draws& draws, int64_t most) {
  const int64_t b = draws.between(1, 5), t = draws.between(1, most / 2), c = draws.between(1, 2 * most);
  const int64_t rows = draws.between(2, 2 * most), begin = draws.coin() ? 0 : rows;
  const float p = dropout_probability(draws);
  return {"embedding",
          {b, t, c, rows, begin},
          p,
          Site::kEmbedding,
          named(embedding_case(b, t, c, rows, VocabRange{begin, begin + rows}, p), p)};
}

RandomCase random_cross_entropy(Draws& draws, int64_t most) {
  const int64_t n = draws.between(1, most / 4), v = draws.between(2, 32 * most), size = draws.between(v / 2 + 1, v);
  // The last number is a thousandth of the gradient's scale in the case.
  return {"cross entropy", {n, v, size, 370}, 0, Site::kInit, cross_entropy_case(n, v, size)};
}

RandomCase random_elementwise(Draws& draws, int64_t most) {
  const int64_t n = draws.between(1, 64 * most);
  const bool wide = draws.coin();
  return {wide ? "fill add maximum scale of wide tensors" : "fill add maximum scale",
          {n},
          0,
          Site::kInit,
          elementwise_case(n, wide ? Type::kWide : Type::kTable)};
}

RandomCase random_sums(Draws& draws, int64_t most) {
  const int64_t n = draws.between(1, 256 * most);
  if (draws.coin()) return {"sum", {n}, 0, Site::kInit, sum_case(n)};
  return {"sum_squares", {n}, 0, Site::kInit, sum_squares_case(n)};
}

RandomCase random_count(Draws& draws, int64_t most) {
  const int64_t n = draws.between(1, 64 * most);
  return {"count_non_finite", {n}, 0, Site::kInit, count_non_finite_case(n, draws.coin() ? Type::kTable : Type::kWide)};
}

RandomCase random_cast(Draws& draws, int64_t most) {
  const int64_t n = draws.between(1, 64 * most);
  return {"cast", {n}, 0, Site::kInit, cast_case(n)};
}

RandomCase random_adamw(Draws& draws, int64_t most) {
  const int64_t n = draws.between(1, 64 * most), step = draws.between(1, 1000);
  return {"adamw", {n, step}, 0, Site::kInit, adamw_case(n, step)};
}

}  // namespace

std::vector<RandomCase> random_cases(uint64_t seed, int count, bool small) {
  using Maker = RandomCase (*)(Draws&, int64_t);
  constexpr Maker kMakers[] = {random_linear,    random_mlp,       random_layernorm,     random_residual,
                               random_attention, random_embedding, random_cross_entropy, random_elementwise,
                               random_sums,      random_count,     random_cast,          random_adamw};
  std::vector<RandomCase> cases;
  Draws draws(seed);
  for (const Maker make : kMakers) {
    for (int i = 0; i < count; ++i) cases.push_back(make(draws, small ? 70 : 400));
  }
  return cases;
}

}  // namespace millrace::testing
