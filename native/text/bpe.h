// Byte-level BPE: pre-tokens, each looked up in a bounded cache and merged on a miss. "<|endoftext|>" in a text is
// ordinary text, as all added tokens are. Used by one thread at a time; memory is bounded by the longest piece (24
// bytes a byte of it).
#ifndef MILLRACE_TEXT_BPE_H_
#define MILLRACE_TEXT_BPE_H_

#include <string>
#include <string_view>
#include <unordered_map>

#include "text/bpe_merge.h"
#include "text/bpe_vocab.h"
#include "text/character_ids.h"
#include "text/merge_borders.h"
#include "text/piece_cache.h"
#include "text/pretokenizer.h"
#include "text/token_encoder.h"

namespace millrace {

// As GPT-2 has it, unless said otherwise.
struct BpeOptions {
  PretokenPattern pattern = PretokenPattern::kGpt2;
  // A piece that is a token becomes it, whatever the merges say.
  bool ignore_merges = false;
  // A text that is not empty and does not begin with a space gets one.
  bool prefix_space = false;
  // How fast, never what.
  SimdLevel simd = best_simd_level();
};

class ByteLevelBpe : public TokenEncoder {
 public:
  explicit ByteLevelBpe(BpeVocab vocab, const BpeOptions& options = {});

  size_t vocab_size() const override { return vocab_.bytes.size(); }
  void encode(const uint8_t* text, size_t length, IdBuffer& out) override;
  Status decode(const int32_t* ids, size_t count, std::string& out) const override;

 private:
  void encode_text(const uint8_t* text, size_t length, IdBuffer& out);
  int32_t* encode_pieces(const uint8_t* text, size_t length, size_t begin, const uint32_t* ends, size_t count,
                         int32_t* out);
  int32_t* encode_wide_pieces(const uint8_t* text, size_t length, size_t begin, const uint32_t* ends, size_t count,
                              int32_t* out);
  int32_t* encode_characters(const uint8_t* text, size_t length, size_t begin, size_t end, int32_t* out);
  size_t merge(const uint8_t* piece, size_t length, int32_t* out);

  const BpeVocab vocab_;
  const bool prefix_space_;
  MergeTable table_;
  BpeMerger merger_;
  const MergeBorders borders_;
  Pretokenizer pretokenizer_;
  // Where merges are ignored, the tokens that text can become, by their bytes.
  std::unordered_map<std::string_view, uint32_t> whole_;
  std::string prefixed_;
  PieceCache cache_;
  CharacterIds characters_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_BPE_H_
