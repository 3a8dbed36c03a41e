// Canonical composition (UAX 15). Text is walked by the quick check; only the stretch between two characters that
// cannot interact with their neighbours is decomposed, ordered and composed when the check fails inside it.
#include <algorithm>
#include <iterator>
#include <vector>

#include "text/nfc_check.h"
#include "text/unicode.h"
#include "text/unicode_tables.h"

namespace millrace {
namespace {

// Below U+0300 and from U+4000 to U+9FFF (ideographs) every character is NFC and starts a new stretch; in UTF-8 that is
// said by the lead byte. Continuation bytes count as such, so that runs are walked by bytes.
bool is_inert(uint8_t byte) { return byte < 0xCC || (byte >= 0xE4 && byte <= 0xE9); }

// Hangul syllables compose by arithmetic (Unicode core specification, 3.12).
constexpr uint32_t kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11A7, kSBase = 0xAC00;
constexpr uint32_t kLCount = 19, kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

struct Character {
  uint32_t code_point;
  uint8_t combining;
};

uint32_t decomposition_entry(uint32_t code_point) {
  if (code_point >= kDecompositionLimit) return 0;
  return two_stage_value<kMappingBlock>(kDecompositionIndex, kDecompositionEntry, code_point);
}

void decompose(uint32_t code_point, std::vector<Character>& out) {
  uint32_t parts[kMaxDecomposition];
  const size_t count = canonical_decomposition(code_point, parts);
  for (size_t i = 0; i < count; ++i) out.push_back({parts[i], property_of(parts[i]).combining});
}

// 0 when the two do not compose.
uint32_t composite_of(uint32_t first, uint32_t second) {
  if (first - kLBase < kLCount && second - kVBase < kVCount) {
    return kSBase + ((first - kLBase) * kVCount + (second - kVBase)) * kTCount;
  }
  if (first - kSBase < kSCount && (first - kSBase) % kTCount == 0 && second - kTBase - 1 < kTCount - 1) {
    return first + (second - kTBase);
  }
  const uint64_t key = static_cast<uint64_t>(first) << 32 | second;
  const uint64_t* found = std::lower_bound(std::begin(kPairKey), std::end(kPairKey), key);
  return found != std::end(kPairKey) && *found == key ? kPairComposite[found - std::begin(kPairKey)] : 0;
}

void order(std::vector<Character>& characters) {
  for (auto begin = characters.begin(); begin != characters.end();) {
    if (begin->combining == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, characters.end(), [](const Character& c) { return c.combining == 0; });
    std::stable_sort(begin, end, [](const Character& a, const Character& b) { return a.combining < b.combining; });
    begin = end;
  }
}

void compose(std::vector<Character>& characters) {
  size_t written = 0;
  size_t starter = characters.size();  // index of the last starter written; size() while there is none
  for (size_t i = 0; i < characters.size(); ++i) {
    const Character current = characters[i];
    if (starter != characters.size()) {
      // Blocked when something between has the same or a higher class; ordered runs make the last one the highest.
      const bool adjacent = written == starter + 1;
      if (adjacent || characters[written - 1].combining < current.combining) {
        const uint32_t composite = composite_of(characters[starter].code_point, current.code_point);
        if (composite != 0) {
          characters[starter].code_point = composite;
          continue;
        }
      }
    }
    if (current.combining == 0) starter = written;
    characters[written++] = current;
  }
  characters.resize(written);
}

void append_normalized(std::string_view text, std::vector<Character>& scratch, std::string& out) {
  scratch.clear();
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t position = 0; position < text.size();) decompose(decode_utf8(bytes, position), scratch);
  order(scratch);
  compose(scratch);
  for (const Character& character : scratch) append_utf8(out, character.code_point);
}

}  // namespace

bool NfcCheck::stands_alone(uint32_t code_point, const UnicodeProperty& property) const {
  if ((property.nfc & kNfcNo) != 0) return false;
  if (starter_ == kNone) return true;
  // Marks hidden in a composed starter may have to change places with this one.
  if (decomposition_entry(starter_) != 0 || decomposition_entry(code_point) != 0) return false;
  const bool blocked = last_combining_ != 0 && last_combining_ >= property.combining;
  return blocked || composite_of(starter_, code_point) == 0;
}

size_t canonical_decomposition(uint32_t code_point, uint32_t out[kMaxDecomposition]) {
  if (code_point - kSBase < kSCount) {
    const uint32_t s = code_point - kSBase;
    out[0] = kLBase + s / (kVCount * kTCount);
    out[1] = kVBase + s % (kVCount * kTCount) / kTCount;
    if (s % kTCount == 0) return 2;
    out[2] = kTBase + s % kTCount;
    return 3;
  }
  const uint32_t entry = decomposition_entry(code_point);
  if (entry == 0) {
    out[0] = code_point;
    return 1;
  }
  return static_cast<size_t>(std::copy(kDecompositionData + kDecompositionOffset[entry],
                                       kDecompositionData + kDecompositionOffset[entry + 1], out) -
                             out);
}

void append_nfc(std::string_view text, std::string& out) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  std::vector<Character> scratch;
  size_t copied = 0;   // everything before is in `out`
  size_t stretch = 0;  // begin of the last character that cannot interact with what is before it
  uint8_t last_combining = 0;
  bool normal = true;  // of [stretch, position)

  const auto end_stretch = [&](size_t end) {
    if (!normal) {
      out.append(text.substr(copied, stretch - copied));
      append_normalized(text.substr(stretch, end - stretch), scratch, out);
      copied = end;
      normal = true;
    }
    stretch = end;
    last_combining = 0;
  };

  for (size_t position = 0; position < text.size();) {
    if (is_inert(bytes[position])) {
      end_stretch(position);
      // All but the last character of a run of inert ones stand alone.
      while (position < text.size() && is_inert(bytes[position])) ++position;
      stretch = position - 1;
      while ((bytes[stretch] & 0xC0) == 0x80) --stretch;
      continue;
    }
    const size_t begin = position;
    const UnicodeProperty& property = property_of(decode_utf8(bytes, position));
    if (property.combining == 0 && property.nfc == 0) {
      end_stretch(begin);
      continue;
    }
    if (property.nfc != 0 || property.combining < last_combining) normal = false;
    // A starter that may join backwards resets the order of the marks behind it.
    last_combining = property.combining;
  }
  end_stretch(text.size());
  out.append(text.substr(copied));
}

}  // namespace millrace
