// The table behind bert_text.h, as generate-bert-tables.py writes it: what the reference answers for each code point.
#ifndef MILLRACE_TEXT_BERT_TABLES_H_
#define MILLRACE_TEXT_BERT_TABLES_H_

#include <cstdint>

#include "text/two_stage_table.h"

namespace millrace {

enum BertFlag : uint8_t {
  kBertDropped = 1,      // by cleaning
  kBertCleaned = 2,      // becomes a space by cleaning
  kBertSpace = 4,        // separates words
  kBertPunctuation = 8,  // is a word by itself
  kBertChinese = 16,     // gets spaces around it
  kBertMark = 32,        // goes with the accents
  kBertDecomposes = 64,  // has a canonical decomposition that the reference's version of Unicode knows
};

struct BertProperty {
  uint8_t flags;
  uint8_t combining;  // canonical combining class
  int32_t lower;      // what lower case adds to the code point; U+0130, which becomes two, has 0
};

// A two-stage table of numbers of properties.
constexpr uint32_t kBertBlock = 128;
extern const BertProperty kBertProperties[];
extern const uint8_t kBertIndex[];
extern const uint8_t kBertLeaf[];

// Of a code point up to 0x10FFFF.
inline const BertProperty& bert_property_of(uint32_t code_point) {
  return kBertProperties[two_stage_value<kBertBlock>(kBertIndex, kBertLeaf, code_point)];
}

}  // namespace millrace

#endif  // MILLRACE_TEXT_BERT_TABLES_H_
