// Tells NFC text from other text, one character after another (UAX 15, quick check, with what composes looked up). A no
// may be wrong, and costs a composition that changes nothing; a yes never is.
#ifndef MILLRACE_TEXT_NFC_CHECK_H_
#define MILLRACE_TEXT_NFC_CHECK_H_

#include <cstdint>

#include "text/unicode_tables.h"

namespace millrace {

class NfcCheck {
 public:
  // `property` is that of the code point.
  bool accepts(uint32_t code_point, const UnicodeProperty& property) {
    const bool ordered = property.combining == 0 || property.combining >= last_combining_;
    if (property.nfc != 0 || !ordered) [[unlikely]] {
      if (!ordered || !stands_alone(code_point, property)) return false;
    }
    if (property.combining == 0) starter_ = code_point;
    last_combining_ = property.combining;
    return true;
  }
  // Instead of accepts() for characters without NfcFlags and combining classes, of which this is the last.
  void skip_starter(uint32_t last) {
    starter_ = last;
    last_combining_ = 0;
  }

 private:
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  // Whether a character with NfcFlags certainly stays as it is after those before it.
  bool stands_alone(uint32_t code_point, const UnicodeProperty& property) const;

  uint32_t starter_ = kNone;
  uint8_t last_combining_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_NFC_CHECK_H_
