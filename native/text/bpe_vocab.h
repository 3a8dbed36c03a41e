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
  std::vector<std::string> bytes;      // of each id, 0 .. size-1; empty: an id without a token
  std::vector<bool> spelled;           // by id: written in the alphabet of bytes, so that text can become it
  std::vector<BpeMerge> merges;        // by rank
  std::array<uint32_t, 256> byte_ids;  // the token of each single byte
};

// All bytes in the order of the letters that stand for them.
std::array<uint8_t, 256> bytes_in_alphabet_order();

// Refuses, naming line and byte: syntax errors, ids that are not 0 .. n-1 each once, a byte without a token, merges of
// unknown tokens or into unknown tokens, a merge given twice.
Status parse_bpe_vocab(std::string_view vocab_json, std::string_view merges_text, BpeVocab* out);

// The same for vocabularies of other origin: `added_json` ({"token": id} again) names tokens that no text becomes and
// that decode to their own UTF-8; one that is in the vocabulary too has its id. Ids may be missing.
Status parse_bpe_vocab(std::string_view vocab_json, std::string_view added_json, std::string_view merges_text,
                       BpeVocab* out);

}  // namespace millrace

#endif  // MILLRACE_TEXT_BPE_VOCAB_H_
