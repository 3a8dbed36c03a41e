// The tables behind unicode.h, as generate-unicode-tables.py writes them.
#ifndef MILLRACE_TEXT_UNICODE_TABLES_H_
#define MILLRACE_TEXT_UNICODE_TABLES_H_

#include <cstddef>
#include <cstdint>

#include "text/two_stage_table.h"

namespace millrace {

extern const char kUnicodeVersion[];

enum NfcFlag : uint8_t {
  kNfcNo = 1,     // never stands in NFC text
  kNfcMaybe = 2,  // may join the character before it
};

// Beside the bits of CharClass: the regular expressions of the official encoders (Unicode 16) have another class.
constexpr uint8_t kClassChanged = 128;

struct UnicodeProperty {
  uint8_t char_class;  // CharClass bits, kClassChanged
  uint8_t combining;   // canonical combining class
  uint8_t nfc;         // NfcFlag bits
  uint8_t folds;       // 1: kFold* map it to something else
};

// A two-stage table of numbers of properties.
constexpr uint32_t kPropertyBlock = 128;
extern const UnicodeProperty kProperties[];
extern const uint8_t kPropertyIndex[];
extern const uint8_t kPropertyLeaf[];

// Of a code point up to 0x10FFFF.
inline const UnicodeProperty& property_of(uint32_t code_point) {
  return kProperties[two_stage_value<kPropertyBlock>(kPropertyIndex, kPropertyLeaf, code_point)];
}

// Bits of CharClass, kUnspaced aside, as the regular expressions of tiktoken 0.14 and Hugging Face tokenizers 0.23.3
// have them, which are of Unicode 16: later characters are none there, and U+0295 is still a small letter.
inline uint8_t pretoken_class(uint32_t code_point) {
  const uint8_t bits = property_of(code_point).char_class;
  if ((bits & kClassChanged) == 0) return bits;
  constexpr uint8_t kSmallLetter = 1 | 64;
  return code_point == 0x295 ? kSmallLetter : uint8_t{0};
}

// Mappings of one code point to several, by two-stage tables of entries: entry e is 0 when the code point maps to
// itself, else the result is Data[Offset[e] .. Offset[e + 1]). Code points at or above the limit map to themselves.
constexpr uint32_t kMappingBlock = 64;
constexpr uint32_t kFoldLimit = 0x20000;
extern const uint8_t kFoldIndex[];
extern const uint16_t kFoldEntry[];
extern const uint16_t kFoldOffset[];
extern const uint32_t kFoldData[];
constexpr uint32_t kDecompositionLimit = 0x30000;
extern const uint8_t kDecompositionIndex[];
extern const uint16_t kDecompositionEntry[];
extern const uint16_t kDecompositionOffset[];
extern const uint32_t kDecompositionData[];

// Primary composites: key first << 32 | second, ascending.
constexpr size_t kNumPairs = 961;
extern const uint64_t kPairKey[kNumPairs];
extern const uint32_t kPairComposite[kNumPairs];

}  // namespace millrace

#endif  // MILLRACE_TEXT_UNICODE_TABLES_H_
