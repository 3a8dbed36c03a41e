// The ids of characters of three bytes, found by code point: most of Chinese, Japanese, Korean, Thai and Hindi, whose
// pieces are too long and too varied for a cache of pieces. Filled as characters are met; 1 MiB at most. Used by one
// thread at a time.
#ifndef MILLRACE_TEXT_CHARACTER_IDS_H_
#define MILLRACE_TEXT_CHARACTER_IDS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "text/huge_array.h"

namespace millrace {

class CharacterIds {
 public:
  static constexpr size_t kBytes = 3;

  CharacterIds() : entries_(size_t{1} << 16) {}

  static bool may_begin(uint8_t byte) { return byte >> 4 == 0xE; }

  // Whether three bytes have the form of a character; it need not be one that Unicode has.
  static bool is_one(const uint8_t* p) { return may_begin(p[0]) && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80; }

  // Writes the ids of such a character to `out` and returns how many; 0: not known. Four elements are written.
  size_t find(const uint8_t* p, int32_t* out) const {
    const Entry& entry = entries_[place_of(p)];
    std::memcpy(out, &entry, sizeof(entry));
    return static_cast<size_t>(entry.count);
  }

  void add(const uint8_t* p, const int32_t* ids, size_t count) {
    Entry& entry = entries_[place_of(p)];
    std::memcpy(entry.ids, ids, count * sizeof(int32_t));
    entry.count = static_cast<int32_t>(count);
  }

 private:
  struct Entry {
    int32_t ids[kBytes];  // a character has no more ids than bytes
    int32_t count;
  };

  static size_t place_of(const uint8_t* p) { return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu); }

  HugeArray<Entry> entries_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_CHARACTER_IDS_H_
