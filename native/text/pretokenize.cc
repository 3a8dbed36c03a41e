#include "text/pretokenize.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "text/unicode.h"
#include "text/unicode_tables.h"
#include "text/wide_character.h"

namespace millrace {

namespace {

// The length of the contraction whose apostrophe stands at `p`, or 0.
inline size_t contraction_length(const uint8_t* p, size_t available) {
  if (available < 2) return 0;
  const uint8_t a = p[1];
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  if (available < 3) return 0;
  const uint8_t b = p[2];
  return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
}

}  // namespace

void Gpt2Pretokenizer::start(const uint8_t* text, size_t length) {
  text_ = text;
  length_ = length;
  position_ = 0;
  before_ = {};
  contraction_ = {};
}

size_t Gpt2Pretokenizer::next(uint32_t* ends) {
  while (position_ < length_) {
    const bool last = length_ - position_ <= 64 * kWindowBlocks;
    const size_t size = last ? length_ - position_ : 64 * kWindowBlocks;
    classify_window(size);
    find_starts(size);
    // Where pieces begin in the last block may depend on what follows it.
    const size_t num_blocks = last ? (size + 63) / 64 : kWindowBlocks - 1;
    size_t count = emit(num_blocks, ends);
    if (last) {
      ends[count++] = static_cast<uint32_t>(length_);
      position_ = length_;
      return count;
    }
    const ByteClasses& end = classes_[num_blocks - 1];
    before_ = {end.letters >> 63, end.numbers >> 63, 0, end.white >> 63, end.spaces >> 63};
    before_.others = 1 ^ (before_.letters | before_.numbers | before_.white);
    position_ += 64 * num_blocks + spill_;
    if (count > 0) return count;
  }
  return 0;
}

void Gpt2Pretokenizer::classify_window(size_t size) {
  const size_t full = size / 64;
  classify_(text_ + position_, full, classes_);
  size_t num_blocks = full;
  if (size % 64 != 0) {
    uint8_t padded[64] = {};
    std::memcpy(padded, text_ + position_ + 64 * full, size % 64);
    classify_(padded, 1, classes_ + full);
    ++num_blocks;
  }
  uint64_t wide = 0;
  for (size_t block = 0; block < num_blocks; ++block) wide |= classes_[block].wide;
  spill_ = 0;
  any_wide_ = wide != 0;
  any_wide_white_ = false;
  if (any_wide_) classify_wide(num_blocks);
}

// All bytes of a wide character get its class.
void Gpt2Pretokenizer::classify_wide(size_t num_blocks) {
  const size_t boundary = 64 * (kWindowBlocks - 1);
  classes_[num_blocks].letters = classes_[num_blocks].numbers = classes_[num_blocks].white = 0;
  std::memset(white2_, 0, sizeof white2_);
  std::memset(white3_, 0, sizeof white3_);
  size_t place = 0;  // everything before has been classified
  for (size_t block = 0; block < num_blocks; ++block) {
    uint64_t wide = classes_[block].wide;
    if (place > 64 * block) wide &= ~uint64_t{0} << (place - 64 * block);
    while (wide != 0) {
      const size_t bit = static_cast<size_t>(std::countr_zero(wide));
      place = 64 * block + bit;
      const WideCharacter character = decode_wide(text_ + position_ + place, length_ - position_ - place);
      const uint8_t kind = pretoken_class(character.code_point) & (kLetter | kNumber | kWhitespace);
      const uint64_t bytes = (uint64_t{1} << character.length) - 1;
      const uint64_t here = bytes << bit;
      const uint64_t beyond = bit > 60 ? bytes >> (64 - bit) : 0;
      if (kind & kLetter) {
        classes_[block].letters |= here;
        classes_[block + 1].letters |= beyond;
      } else if (kind & kNumber) {
        classes_[block].numbers |= here;
        classes_[block + 1].numbers |= beyond;
      } else if (kind & kWhitespace) {
        classes_[block].white |= here;
        classes_[block + 1].white |= beyond;
        (character.length == 2 ? white2_ : white3_)[block] |= uint64_t{1} << bit;
        any_wide_white_ = true;
      }
      wide &= ~here;
      const size_t end = place + character.length;
      if (place < boundary && end > boundary) spill_ = end - boundary;
      place = end;
    }
  }
}

// With the run of one class that a character stands in, a piece begins
//   - at a letter, number or other character whose run begins there, unless a space stands before it, which it takes;
//   - where a run of white space begins;
//   - at the last character of a run of white space that does not end the text.
// Contractions change that: join_contractions.
void Gpt2Pretokenizer::find_starts(size_t size) {
  const size_t num_blocks = (size + 63) / 64;
  uint64_t letters = before_.letters << 63, numbers = before_.numbers << 63, others = before_.others << 63;
  uint64_t white = before_.white << 63, spaces = before_.spaces << 63;
  uint64_t valid = num_blocks > 1 ? ~uint64_t{0} : ~uint64_t{0} >> (64 * num_blocks - size);
  uint64_t apostrophes = 0;
  for (size_t block = 0; block < num_blocks; ++block) {
    const ByteClasses& here = classes_[block];
    const uint64_t other = valid & ~(here.letters | here.numbers | here.white);
    const uint64_t run_starts = (here.letters & ~(here.letters << 1 | letters >> 63)) |
                                (here.numbers & ~(here.numbers << 1 | numbers >> 63)) |
                                (other & ~(other << 1 | others >> 63));
    uint64_t next_black = 0;
    uint64_t next_valid = 0;
    if (block + 1 < num_blocks) {
      next_valid = block + 2 < num_blocks ? ~uint64_t{0} : ~uint64_t{0} >> (64 * num_blocks - size);
      next_black = next_valid & ~classes_[block + 1].white;
    }
    const uint64_t black = valid & ~here.white;
    uint64_t last_white = here.white & (black >> 1 | next_black << 63);
    if (any_wide_white_) {
      last_white &= ~here.wide;
      last_white |= white2_[block] & (black >> 2 | next_black << 62);
      last_white |= white3_[block] & (black >> 3 | next_black << 61);
    }
    starts_[block] = (run_starts & ~(here.spaces << 1 | spaces >> 63)) |
                     (here.white & ~(here.white << 1 | white >> 63)) | last_white;
    apostrophes |= starts_[block] & here.apostrophes;
    letters = here.letters;
    numbers = here.numbers;
    others = other;
    white = here.white;
    spaces = here.spaces;
    valid = next_valid;
  }
  starts_[num_blocks] = 0;
  if (contraction_.end > 0) join(contraction_);
  contraction_ = {};
  if (apostrophes != 0) {
    for (size_t block = 0; block < num_blocks; ++block) {
      if ((starts_[block] & classes_[block].apostrophes) != 0) join_contractions(block);
    }
  }
  if (position_ == 0) starts_[0] &= ~uint64_t{1};
  if (size % 64 != 0) starts_[num_blocks - 1] &= ~uint64_t{0} >> (64 * num_blocks - size);
}

void Gpt2Pretokenizer::join_contractions(size_t block) {
  const size_t boundary = position_ + 64 * (kWindowBlocks - 1);
  uint64_t apostrophes = starts_[block] & classes_[block].apostrophes;
  do {
    const size_t place = position_ + 64 * block + static_cast<size_t>(std::countr_zero(apostrophes));
    apostrophes &= apostrophes - 1;
    const Contraction contraction{place, place + contraction_length(text_ + place, length_ - place)};
    if (contraction.end == place) continue;
    join(contraction);
    if (place < boundary && contraction.end >= boundary) contraction_ = contraction;
  } while (apostrophes != 0);
}

// The letters after the apostrophe belong to it, and what follows them begins anew.
void Gpt2Pretokenizer::join(Contraction contraction) {
  const size_t letter = contraction.begin + 1 - position_;
  const size_t end = contraction.end - position_;
  if (contraction.begin + 1 >= position_) starts_[letter / 64] &= ~(uint64_t{1} << letter % 64);
  starts_[end / 64] |= uint64_t{1} << end % 64;
}

size_t Gpt2Pretokenizer::emit(size_t num_blocks, uint32_t* ends) const {
  uint32_t* out = ends;
  uint32_t offset = static_cast<uint32_t>(position_);
  for (size_t block = 0; block < num_blocks; ++block, offset += 64) {
    uint64_t bits = starts_[block];
    uint32_t* const end = out + std::popcount(bits);
    while (bits != 0) {
      for (int i = 0; i < 8; ++i) {
        out[i] = offset + static_cast<uint32_t>(std::countr_zero(bits));
        bits &= bits - 1;
      }
      out += 8;
    }
    out = end;
  }
  return static_cast<size_t>(out - ends);
}

}  // namespace millrace
