#include "text/pretokenizer.h"

#include <algorithm>
#include <array>
#include <string>

#include "text/unicode.h"
#include "text/unicode_tables.h"
#include "text/wide_character.h"

namespace millrace {

namespace {

constexpr uint8_t kNewline = 128;  // besides the bits of CharClass: CR and LF

std::array<uint8_t, 128> make_ascii_classes() {
  std::array<uint8_t, 128> classes;
  for (uint32_t c = 0; c < 128; ++c) classes[c] = char_class(c) | (c == '\r' || c == '\n' ? kNewline : 0);
  return classes;
}

const std::array<uint8_t, 128> kAsciiClasses = make_ascii_classes();

// Reads the alternatives of a pattern in order, each as regular expressions do: greedy, giving back what it must.
class Scanner {
 public:
  Scanner(const uint8_t* text, size_t length, PretokenPattern pattern)
      : text_(text), length_(length), pattern_(pattern) {}

  size_t piece_end(size_t begin) const {
    if (is_cased()) {
      const size_t end = cased_end(begin);
      if (end != begin) return pattern_ == PretokenPattern::kO200k ? contraction_end(end) : end;
    } else if (const size_t end = contraction_end(begin); end != begin) {
      return end;
    }
    const Character first = at(begin);
    const size_t after = begin + first.length;
    const uint8_t next = after < length_ ? at(after).bits : kNoCharacter;
    if (!is_cased()) {
      if ((first.bits & kLetter) || (!(first.bits & (kNumber | kNewline)) && has(next, kLetter))) {
        return run_end(after, kLetter);
      }
    }
    if (first.bits & kNumber) return number_end(after);
    if (is_other(first.bits)) return symbols_end(after);
    if (text_[begin] == ' ' && next != kNoCharacter && is_other(next)) return symbols_end(after);
    return white_end(begin);
  }

 private:
  static constexpr uint8_t kNoCharacter = 0xFF;
  struct Character {
    uint8_t bits;
    uint32_t length;
  };

  // Whether a change from small letters to capitals begins a piece.
  bool is_cased() const { return pattern_ == PretokenPattern::kO200k || pattern_ == PretokenPattern::kTekken; }

  static bool has(uint8_t bits, uint8_t wanted) { return bits != kNoCharacter && (bits & wanted) != 0; }
  static bool is_other(uint8_t bits) { return !(bits & (kLetter | kNumber | kWhitespace)); }
  // Capitals and what has no case; small letters and what has no case.
  static bool is_capital(uint8_t bits) { return (bits & kMark) || ((bits & kLetter) && !(bits & kLower)); }
  static bool is_small(uint8_t bits) { return (bits & kMark) || ((bits & kLetter) && !(bits & kUpper)); }

  Character at(size_t position) const {
    if (text_[position] < 0x80) return {kAsciiClasses[text_[position]], 1};
    const WideCharacter wide = decode_wide(text_ + position, length_ - position);
    return {pretoken_class(wide.code_point), wide.length};
  }

  template <typename Holds>
  size_t run_while(size_t position, Holds&& holds) const {
    while (position < length_) {
      const Character character = at(position);
      if (!holds(character.bits)) break;
      position += character.length;
    }
    return position;
  }

  size_t run_end(size_t position, uint8_t wanted) const {
    return run_while(position, [wanted](uint8_t bits) { return (bits & wanted) != 0; });
  }

  // The end of a contraction in letters of either case at `begin`, or `begin`. U+017F folds to s.
  size_t contraction_end(size_t begin) const {
    if (length_ - begin < 2 || text_[begin] != '\'') return begin;
    const uint8_t a = text_[begin + 1] | 0x20;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return begin + 2;
    if (length_ - begin < 3) return begin;
    if (text_[begin + 1] == 0xC5 && text_[begin + 2] == 0xBF) return begin + 3;
    const uint8_t b = text_[begin + 2] | 0x20;
    return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? begin + 3 : begin;
  }

  // The end of the first two alternatives of o200k without their contraction, or `begin`.
  size_t cased_end(size_t begin) const {
    const Character first = at(begin);
    const bool may_lead = !(first.bits & (kNewline | kLetter | kNumber));
    const size_t led = may_lead ? begin + first.length : begin;
    for (const auto alternative : {&Scanner::small_end, &Scanner::capital_end}) {
      if (may_lead) {
        const size_t end = (this->*alternative)(led);
        if (end != led) return end;
      }
      const size_t end = (this->*alternative)(begin);
      if (end != begin) return end;
    }
    return begin;
  }

  // Capitals, then at least one small letter: where none follows, the last character without case is taken for it.
  size_t small_end(size_t begin) const {
    size_t last_small_end = begin;
    size_t position = begin;
    while (position < length_) {
      const Character character = at(position);
      if (!is_capital(character.bits)) break;
      position += character.length;
      if (is_small(character.bits)) last_small_end = position;
    }
    const size_t end = run_while(position, is_small);
    return end != position ? end : last_small_end;
  }

  // Small letters after the capitals would have made a match of small_end.
  size_t capital_end(size_t begin) const { return run_while(begin, is_capital); }

  size_t number_end(size_t position) const {
    if (pattern_ == PretokenPattern::kQwen2 || pattern_ == PretokenPattern::kTekken) return position;
    for (int i = 0; i < 2 && position < length_; ++i) {
      const Character character = at(position);
      if (!(character.bits & kNumber)) break;
      position += character.length;
    }
    return position;
  }

  size_t symbols_end(size_t position) const {
    position = run_while(position, is_other);
    const bool slashes = is_cased();
    while (position < length_ &&
           (text_[position] == '\r' || text_[position] == '\n' || (slashes && text_[position] == '/'))) {
      ++position;
    }
    return position;
  }

  // Up to the last line end of the run; without one, all of the run at the end of the text, and elsewhere all but the
  // last character, unless it is alone.
  size_t white_end(size_t begin) const {
    size_t last = begin;
    size_t line_end = begin;
    size_t end = begin;
    while (end < length_) {
      const Character character = at(end);
      if (!(character.bits & kWhitespace)) break;
      last = end;
      end += character.length;
      if (character.bits & kNewline) line_end = end;
    }
    if (line_end != begin) return line_end;
    return end == length_ || last == begin ? end : last;
  }

  const uint8_t* const text_;
  const size_t length_;
  const PretokenPattern pattern_;
};

}  // namespace

Status parse_pretoken_pattern(std::string_view name, PretokenPattern* out) {
  constexpr std::string_view kNames[] = {"gpt2", "llama3", "qwen2", "o200k", "tekken", "whole"};
  const auto found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) {
    return invalid_argument("expected gpt2, llama3, qwen2, o200k, tekken or whole for the pattern, got " +
                            std::string(name));
  }
  *out = static_cast<PretokenPattern>(found - std::begin(kNames));
  return ok();
}

void Pretokenizer::start(const uint8_t* text, size_t length) {
  text_ = text;
  length_ = length;
  position_ = 0;
  if (pattern_ == PretokenPattern::kGpt2) gpt2_.start(text, length);
}

size_t Pretokenizer::next(uint32_t* ends) {
  if (pattern_ == PretokenPattern::kGpt2) return gpt2_.next(ends);
  const Scanner scanner(text_, length_, pattern_);
  size_t count = 0;
  while (count < kMaxEnds && position_ < length_) {
    position_ = pattern_ == PretokenPattern::kWhole ? length_ : scanner.piece_end(position_);
    ends[count++] = static_cast<uint32_t>(position_);
  }
  return count;
}

}  // namespace millrace
