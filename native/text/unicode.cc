// Character classes, case folding and UTF-8 steps; NFC has its own file.
#include "text/unicode.h"

#include "text/unicode_tables.h"

namespace millrace {

uint8_t char_class(uint32_t code_point) {
  if (code_point > 0x10FFFF) return 0;
  const uint32_t block = kPropertyIndex[code_point / kPropertyBlock];
  return kProperties[kPropertyLeaf[block * kPropertyBlock + code_point % kPropertyBlock]].char_class;
}

uint32_t decode_utf8(const uint8_t* text, size_t& position) {
  const uint8_t* p = text + position;
  const uint32_t lead = p[0];
  if (lead < 0x80) {
    position += 1;
    return lead;
  }
  if (lead < 0xE0) {
    position += 2;
    return (lead & 0x1F) << 6 | (p[1] & 0x3Fu);
  }
  if (lead < 0xF0) {
    position += 3;
    return (lead & 0x0F) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
  }
  position += 4;
  return (lead & 0x07) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
}

void append_utf8(std::string& out, uint32_t code_point) {
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    const char bytes[] = {static_cast<char>(0xC0 | code_point >> 6), static_cast<char>(0x80 | (code_point & 0x3F))};
    out.append(bytes, sizeof bytes);
  } else if (code_point < 0x10000) {
    const char bytes[] = {static_cast<char>(0xE0 | code_point >> 12),
                          static_cast<char>(0x80 | (code_point >> 6 & 0x3F)),
                          static_cast<char>(0x80 | (code_point & 0x3F))};
    out.append(bytes, sizeof bytes);
  } else {
    const char bytes[] = {
        static_cast<char>(0xF0 | code_point >> 18), static_cast<char>(0x80 | (code_point >> 12 & 0x3F)),
        static_cast<char>(0x80 | (code_point >> 6 & 0x3F)), static_cast<char>(0x80 | (code_point & 0x3F))};
    out.append(bytes, sizeof bytes);
  }
}

void append_case_folded(std::string_view text, std::string& out) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t position = 0; position < text.size();) {
    const uint8_t byte = bytes[position];
    if (byte < 0x80) {
      out.push_back(static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte));
      ++position;
      continue;
    }
    const size_t begin = position;
    const uint32_t code_point = decode_utf8(bytes, position);
    uint32_t entry = 0;
    if (code_point < kFoldLimit) {
      entry = kFoldEntry[kFoldIndex[code_point / kMappingBlock] * kMappingBlock + code_point % kMappingBlock];
    }
    if (entry == 0) {
      out.append(text.substr(begin, position - begin));
    } else {
      for (uint32_t i = kFoldOffset[entry]; i < kFoldOffset[entry + 1]; ++i) append_utf8(out, kFoldData[i]);
    }
  }
}

}  // namespace millrace
