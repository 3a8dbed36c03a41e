// The pre-tokenizers of byte-level vocabularies, by name: what cuts a text into the pieces inside which byte-pair
// merges happen. In all of them \s is the property White_Space, and a byte that is not part of valid UTF-8 is one
// character that is neither letter, number nor white space.
//
//   gpt2    pretokenize.h
//   llama3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+
//           |\s+(?!\S)|\s+                                                                    (also cl100k_base)
//   qwen2   the same with \p{N} for \p{N}{1,3}
//   o200k   [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//           |[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//           |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
//   tekken  o200k without its contractions, each number by itself (Mistral's since Nemo)
//   whole   every text is one piece
#ifndef MILLRACE_TEXT_PRETOKENIZER_H_
#define MILLRACE_TEXT_PRETOKENIZER_H_

#include <string_view>

#include "core/status.h"
#include "text/pretokenize.h"

namespace millrace {

enum class PretokenPattern { kGpt2, kLlama3, kQwen2, kO200k, kTekken, kWhole };

Status parse_pretoken_pattern(std::string_view name, PretokenPattern* out);

// The contract is Gpt2Pretokenizer's, which does the work for its pattern; the others are read a character at a time.
class Pretokenizer {
 public:
  static constexpr size_t kMaxEnds = Gpt2Pretokenizer::kMaxEnds;
  static constexpr size_t kSlack = Gpt2Pretokenizer::kSlack;

  explicit Pretokenizer(PretokenPattern pattern = PretokenPattern::kGpt2, SimdLevel level = best_simd_level())
      : pattern_(pattern), gpt2_(level) {}

  void start(const uint8_t* text, size_t length);
  size_t next(uint32_t* ends);
  bool any_wide() const { return pattern_ != PretokenPattern::kGpt2 || gpt2_.any_wide(); }

 private:
  const PretokenPattern pattern_;
  Gpt2Pretokenizer gpt2_;
  const uint8_t* text_ = nullptr;
  size_t length_ = 0;
  size_t position_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_PRETOKENIZER_H_
