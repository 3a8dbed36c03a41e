#include "text/bert_text.h"

#include <algorithm>
#include <cstring>

#include "text/bert_tables.h"
#include "text/unicode.h"
#include "text/wide_character.h"

namespace millrace {

namespace {

constexpr uint32_t kReplacement = 0xFFFD;
constexpr uint32_t kDottedI = 0x130;  // the one character whose lower case is two
constexpr uint32_t kDotAbove = 0x307;

}  // namespace

BertText::BertText(const BertTextOptions& options, size_t most_word_bytes)
    : options_(options), most_word_bytes_(most_word_bytes) {
  for (uint32_t c = 0; c < ascii_.size(); ++c) {
    const uint8_t flags = bert_property_of(c).flags;
    const bool dropped = options.clean && (flags & kBertDropped);
    const bool space = (flags & kBertSpace) || (options.clean && (flags & kBertCleaned));
    const int32_t lower = options.lowercase ? bert_property_of(c).lower : 0;
    const bool punctuation = !dropped && (flags & kBertPunctuation);
    ascii_[c] = {static_cast<uint8_t>(static_cast<int32_t>(c) + lower), !dropped && !space,
                 !dropped && (space || punctuation), punctuation};
  }
}

void BertText::start(const uint8_t* text, size_t length) {
  text_ = text;
  length_ = length;
  position_ = 0;
  combining_.clear();
  num_bytes_ = num_ends_ = begin_ = 0;
}

size_t BertText::next() {
  drop_given_words();
  while (position_ < length_) {
    const size_t stop = std::min(length_, position_ + kWindow);
    while (position_ < stop) {
      if (combining_.empty() && text_[position_] < 0x80) {
        take_ascii(stop);
      } else {
        take_character();
      }
    }
    if (num_ends_ > 0) return num_ends_;
    drop_given_words();
  }
  put_ordered();
  end_word();
  return num_ends_;
}

// What is left is the beginning of an unfinished word. One that is too long already need not grow.
void BertText::drop_given_words() {
  const size_t kept = std::min(num_bytes_ - begin_, most_word_bytes_);
  if (begin_ > 0) std::memmove(words_.data(), words_.data() + begin_, kept);
  num_bytes_ = kept;
  num_ends_ = begin_ = 0;
}

void BertText::ensure_room(size_t characters) {
  const size_t num_bytes = num_bytes_ + 4 * characters + kReadable;
  if (words_.size() < num_bytes) words_.resize(num_bytes + num_bytes / 2);
  const size_t num_ends = num_ends_ + 2 * characters;
  if (ends_.size() < num_ends) ends_.resize(num_ends + num_ends / 2);
}

// All characters up to `stop` or to one that is not ASCII.
void BertText::take_ascii(size_t stop) {
  ensure_room(stop - position_ + 1);
  uint8_t* const words = words_.data();
  uint32_t* const ends = ends_.data();
  size_t position = position_, num_bytes = num_bytes_, num_ends = num_ends_, begin = begin_;
  for (; position < stop && text_[position] < 0x80; ++position) {
    const Ascii character = ascii_[text_[position]];
    ends[num_ends] = static_cast<uint32_t>(num_bytes);
    num_ends += character.ends_before & (num_bytes != begin);
    begin = character.ends_before ? num_bytes : begin;
    words[num_bytes] = character.byte;
    num_bytes += character.written;
    ends[num_ends] = static_cast<uint32_t>(num_bytes);
    num_ends += character.ends_behind;
    begin = character.ends_behind ? num_bytes : begin;
  }
  position_ = position;
  num_bytes_ = num_bytes;
  num_ends_ = num_ends;
  begin_ = begin;
}

void BertText::take_character() {
  const uint8_t lead = text_[position_];
  uint32_t code_point = lead;
  uint32_t length = 1;
  if (lead >= 0x80) {
    const WideCharacter wide = decode_wide(text_ + position_, length_ - position_);
    code_point = wide.code_point == 0 ? kReplacement : wide.code_point;
    length = wide.length;
  }
  position_ += length;
  const uint8_t flags = bert_property_of(code_point).flags;
  if (options_.clean && (flags & kBertDropped)) return;
  if (options_.clean && (flags & kBertCleaned)) code_point = ' ';
  if (options_.chinese && (flags & kBertChinese)) {
    put_cleaned(' ');
    put_cleaned(code_point);
    put_cleaned(' ');
  } else {
    put_cleaned(code_point);
  }
}

void BertText::put_cleaned(uint32_t code_point) {
  if (!options_.strip_accents) return put_lower(code_point);
  if (!(bert_property_of(code_point).flags & kBertDecomposes)) return put_without_accents(code_point);
  uint32_t parts[kMaxDecomposition];
  const size_t count = canonical_decomposition(code_point, parts);
  for (size_t i = 0; i < count; ++i) put_without_accents(parts[i]);
}

// One character of a decomposition. A mark goes, but separates what stands on its two sides where its class is 0.
void BertText::put_without_accents(uint32_t code_point) {
  const BertProperty& property = bert_property_of(code_point);
  if (property.combining == 0) put_ordered();
  if (property.flags & kBertMark) return;
  if (property.combining == 0) {
    put_lower(code_point);
  } else {
    combining_.push_back({code_point, property.combining});
  }
}

void BertText::put_ordered() {
  if (combining_.empty()) return;
  std::stable_sort(combining_.begin(), combining_.end(),
                   [](const Combining& a, const Combining& b) { return a.combining_class < b.combining_class; });
  for (const Combining& character : combining_) put_lower(character.code_point);
  combining_.clear();
}

void BertText::put_lower(uint32_t code_point) {
  if (!options_.lowercase) return put(code_point);
  if (code_point == kDottedI) {
    put('i');
    return put(kDotAbove);
  }
  put(code_point + static_cast<uint32_t>(bert_property_of(code_point).lower));
}

void BertText::put(uint32_t code_point) {
  ensure_room(1);
  const uint8_t flags = bert_property_of(code_point).flags;
  if (flags & (kBertSpace | kBertPunctuation)) end_word();
  if (flags & kBertSpace) return;
  num_bytes_ += encode_utf8(code_point, words_.data() + num_bytes_);
  if (flags & kBertPunctuation) end_word();
}

void BertText::end_word() {
  if (num_bytes_ == begin_) return;
  ensure_room(1);
  ends_[num_ends_++] = static_cast<uint32_t>(num_bytes_);
  begin_ = num_bytes_;
}

}  // namespace millrace
