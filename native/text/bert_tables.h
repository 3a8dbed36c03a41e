// The table behind bert_text.h, as generate-bert-tables.py writes it: what the reference answers for each code point.
#ifndef MILLRACE_TEXT_BERT_TABLES_H_
#define MILLRACE_TEXT_BERT_TABLES_H_

#include <cstdint>

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

// Property of c: kBertProperties[kBertLeaf[kBertIndex[c / 128] * 128 + c % 128]].
constexpr uint32_t kBertBlock = 128;
extern const BertProperty kBertProperties[];
extern const uint8_t kBertIndex[];
extern const uint8_t kBertLeaf[];

// Of a code point up to 0x10FFFF.
inline const BertProperty& bert_property_of(uint32_t code_point) {
  const uint32_t block = kBertIndex[code_point / kBertBlock];
  return kBertProperties[kBertLeaf[block * kBertBlock + code_point % kBertBlock]];
}

}  // namespace millrace

#endif  // MILLRACE_TEXT_BERT_TABLES_H_
