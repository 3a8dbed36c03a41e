// The two files of a byte-level BPE vocabulary, parsed and checked: vocab.json ({"token": id}, tokens written in
// GPT-2's byte-to-unicode alphabet) and merges.txt ("left right" a line, in order of rank, after an optional "#version"
// line).
#ifndef MILLRACE_TEXT_BPE_VOCAB_H_
#define MILLRACE_TEXT_BPE_VOCAB_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace millrace {

struct BpeMerge {
  uint32_t left;
  uint32_t right;
  uint32_t merged;
};

struct BpeVocab {
  // Left, right and rank of a merge share one 64-bit word (bpe_merge.h).
  static constexpr uint32_t kMaxTokens = 1u << 21;

  std::vector<std::string> bytes;      // of each id, 0 .. size-1
  std::vector<BpeMerge> merges;        // by rank
  std::array<uint32_t, 256> byte_ids;  // the token of each single byte
};

// Refuses, naming line and byte: syntax errors, ids that are not 0 .. n-1 each once, a byte without a token, merges of
// unknown tokens or into unknown tokens, a merge given twice.
Status parse_bpe_vocab(std::string_view vocab_json, std::string_view merges_text, BpeVocab* out);

}  // namespace millrace

#endif  // MILLRACE_TEXT_BPE_VOCAB_H_
