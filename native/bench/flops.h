// The work of a training step and the speed that cards are sold with: what a rate is a share of.
#ifndef MILLRACE_BENCH_FLOPS_H_
#define MILLRACE_BENCH_FLOPS_H_

#include <array>
#include <string>
#include <string_view>

#include "millrace/trainer.h"

namespace millrace::bench {

enum class Attention { kCausal, kFull };  // whether the half of the scores that a causal mask drops is counted

// Floating-point operations that a token's forward and backward pass need (a multiply-add is two), recomputation not
// counted: 6 a weight of the matrices and of the head, and 6 T C a layer for causal attention, twice that for full.
inline double flops_per_token(const mr_model_config& model, int time, Attention attention) {
  const double channels = model.hidden_size;
  const double weights = 12.0 * model.num_layers * channels * channels + channels * model.padded_vocab_size;
  const double scores = (attention == Attention::kCausal ? 6.0 : 12.0) * model.num_layers * time * channels;
  return 6.0 * weights + scores;
}

// Dense 16-bit matrix rates of data sheets, floating-point operations a second; 0 for a card that is not listed and for
// fp32.
inline double datasheet_rate(std::string_view card, std::string_view precision) {
  struct Card {
    std::string_view name;
    double rate;
  };
  constexpr std::array<Card, 7> kCards = {{{"H100 80GB HBM3", 989.4e12},
                                           {"H100 SXM", 989.4e12},
                                           {"H100 PCIe", 756e12},
                                           {"H100 NVL", 835e12},
                                           {"GH200", 989.4e12},
                                           {"H200", 989.4e12},
                                           {"A100", 312e12}}};
  if (precision != "bf16" && precision != "fp16") return 0;
  for (const Card& known : kCards) {
    if (card.find(known.name) != std::string_view::npos) return known.rate;
  }
  return 0;
}

}  // namespace millrace::bench

#endif  // MILLRACE_BENCH_FLOPS_H_
