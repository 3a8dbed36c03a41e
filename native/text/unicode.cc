// Character classes, case folding and UTF-8 steps; NFC has its own file.
#include "text/unicode.h"

#include "text/unicode_tables.h"

namespace millrace {

uint8_t char_class(uint32_t code_point) {
  if (code_point > 0x10FFFF) return 0;
  return property_of(code_point).char_class & static_cast<uint8_t>(~kClassChanged);
}

size_t encode_utf8(uint32_t code_point, uint8_t* out) {
  if (code_point < 0x80) {
    out[0] = static_cast<uint8_t>(code_point);
    return 1;
  }
  const size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; --i, code_point >>= 6) out[i] = static_cast<uint8_t>(0x80 | (code_point & 0x3F));
  constexpr uint8_t kLeads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  out[0] = static_cast<uint8_t>(kLeads[length] | code_point);
  return length;
}

void append_utf8(std::string& out, uint32_t code_point) {
  uint8_t bytes[4];
  out.append(reinterpret_cast<const char*>(bytes), encode_utf8(code_point, bytes));
}

std::span<const uint32_t> case_folding(uint32_t code_point) {
  const uint32_t entry =
      code_point < kFoldLimit ? two_stage_value<kMappingBlock>(kFoldIndex, kFoldEntry, code_point) : 0;
  return {kFoldData + kFoldOffset[entry], kFoldData + kFoldOffset[entry + 1]};
}

}  // namespace millrace
