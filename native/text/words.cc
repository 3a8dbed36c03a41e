#include "text/words.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "text/unicode_tables.h"
#include "text/words_hash.h"
#include "text/words_kernels.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace {

namespace {

// Any of them: none joins what is before or behind it.
constexpr uint32_t kIdeograph = 0x4E00;

constexpr uint8_t kWordClass = kLetter | kMark | kNumber;

// The longest folded form of a two-byte character has three of two bytes; no other grows as much.
constexpr size_t kFoldGrowth = 3;

struct AsciiBlock {
  uint64_t word;  // bit i: byte i is an ASCII letter or digit
  uint64_t high;  // bit i: byte i is not ASCII
};

#if defined(__SSE2__)

// Letters and digits by range: a byte in [low, low + count) lies, moved to the bottom of the signed range, below count.
inline __m128i in_range(__m128i bytes, char low, int count) {
  const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(-128 - low)));
  return _mm_cmplt_epi8(moved, _mm_set1_epi8(static_cast<char>(-128 + count)));
}

// Lower case of 64 bytes, and what they are.
inline AsciiBlock lower_block(const uint8_t* text, uint8_t* out) {
  AsciiBlock block{0, 0};
  for (int part = 0; part < 4; ++part) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text) + part);
    const __m128i upper = _mm_and_si128(in_range(bytes, 'A', 26), _mm_set1_epi8(0x20));
    const __m128i lower = _mm_or_si128(bytes, upper);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out) + part, lower);
    const __m128i word = _mm_or_si128(in_range(lower, 'a', 26), in_range(bytes, '0', 10));
    block.word |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(word))) << (16 * part);
    block.high |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(bytes))) << (16 * part);
  }
  return block;
}

#else

inline AsciiBlock lower_block(const uint8_t* text, uint8_t* out) {
  AsciiBlock block{0, 0};
  for (int i = 0; i < 64; ++i) {
    const uint8_t lower = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<uint8_t>(text[i] | 0x20) : text[i];
    const bool word = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    out[i] = lower;
    block.word |= static_cast<uint64_t>(word) << i;
    block.high |= static_cast<uint64_t>(text[i] >> 7) << i;
  }
  return block;
}

#endif

}  // namespace

size_t fold_ascii_scalar(AsciiRun& run) {
  uint64_t open = run.num_edges & 1;
  for (size_t position = 0; position < run.length;) {
    uint8_t last[64] = {};
    const uint8_t* text = run.text + position;
    const size_t left = run.length - position;
    if (left < 64) text = static_cast<const uint8_t*>(std::memcpy(last, text, left));
    const AsciiBlock block = lower_block(text, run.out + position);
    size_t limit = std::min<size_t>(left, 64);
    if (block.high != 0) limit = std::min<size_t>(limit, static_cast<size_t>(std::countr_zero(block.high)));
    uint64_t edges = block.word ^ (block.word << 1 | open);
    if (limit < 64) edges &= (uint64_t{1} << limit) - 1;
    for (; edges != 0; edges &= edges - 1) {
      const auto edge = static_cast<uint32_t>(position) + static_cast<uint32_t>(std::countr_zero(edges));
      run.edges[run.num_edges++] = run.offset + edge;
    }
    open = run.num_edges & 1;
    position += limit;
    if (block.high != 0 && limit < 64) return position;
  }
  return run.length;
}

#if !defined(__x86_64__)
size_t fold_ascii_avx2(AsciiRun& run) { return fold_ascii_scalar(run); }
size_t fold_ascii_avx512(AsciiRun& run) { return fold_ascii_scalar(run); }
#endif

WordSplitter::WordSplitter(SimdLevel level)
    : level_(level),
      // Three edges for two bytes at the most: a character that folds to three. Vectors write a block too many.
      edges_(new uint32_t[kPieceBytes * 3 / 2 + 128]) {
  reserve(0);
}

void WordSplitter::reserve(size_t text_bytes) {
  const size_t needed = kFoldGrowth * text_bytes + kPadding;
  if (needed <= capacity_) return;
  // Not value-initialised: pages that are never written cost address space only.
  folded_.reset(new uint8_t[needed]);
  capacity_ = needed;
}

void WordSplitter::begin(std::string_view text, bool check) {
  text_ = text;
  check_nfc_ = check;
  nfc_ = NfcCheck();
  reserve(text.size());
  position_ = 0;
  folded_bytes_ = 0;
  num_edges_ = 0;
}

void WordSplitter::start(std::string_view text) { begin(text, true); }

void WordSplitter::compose() {
  std::string composed;
  composed.swap(composed_);
  composed.clear();
  append_nfc(text_, composed);
  composed.swap(composed_);
  begin(composed_, false);
}

namespace {

// Whether the character that begins here is one of U+4E00 to U+9FFF: three bytes, a word by itself, the same in every
// normal form. Most of Chinese and Japanese text is made of them.
inline bool is_ideograph(const uint8_t* text) {
  return (text[0] >= 0xE5 && text[0] <= 0xE9) || (text[0] == 0xE4 && text[1] >= 0xB8);
}

// Appends the edges that a character of folded text at [begin, end) makes.
inline void mark(size_t begin, size_t end, uint8_t kind, uint32_t* edges, size_t& num_edges) {
  const bool is_word = (kind & kWordClass) != 0;
  const bool alone = is_word && (kind & kUnspaced) != 0;
  const bool joins = is_word && !alone;
  const bool open = (num_edges & 1) != 0;
  edges[num_edges] = static_cast<uint32_t>(begin);
  num_edges += open != joins ? 1 : 0;
  edges[num_edges] = static_cast<uint32_t>(begin);
  edges[num_edges + 1] = static_cast<uint32_t>(end);
  num_edges += alone ? 2 : 0;
}

bool are_ascii(const uint8_t* text) { return (load64(text) & 0x8080808080808080u) == 0; }

inline void copy_character(const uint8_t* text, size_t length, uint8_t* out) {
  out[0] = text[0];
  out[1] = text[1];
  if (length > 2) out[2] = text[2];
  if (length > 3) out[3] = text[3];
}

}  // namespace

// Character by character, until eight ASCII bytes promise a run of them. False: the text may not be NFC.
bool WordSplitter::fold_characters(size_t limit) {
  const auto* text = reinterpret_cast<const uint8_t*>(text_.data());
  uint8_t* const out = folded_.get();
  uint32_t* const edges = edges_.get();
  size_t position = position_;
  size_t num_edges = num_edges_;
  size_t folded = folded_bytes_;
  NfcCheck nfc = nfc_;
  while (position < limit) {
    const size_t begin = folded;
    const uint8_t lead = text[position];
    if (lead < 0x80) {
      if (text_.size() - position >= 8 && are_ascii(text + position)) break;
      const bool upper = lead >= 'A' && lead <= 'Z';
      out[folded++] = static_cast<uint8_t>(lead | (upper ? 0x20 : 0));
      mark(begin, folded, property_of(lead).char_class, edges, num_edges);
      nfc.skip_starter(lead);
      ++position;
      continue;
    }
    if (is_ideograph(text + position)) {
      copy_character(text + position, 3, out + folded);
      folded += 3;
      mark(begin, folded, kLetter | kUnspaced, edges, num_edges);
      nfc.skip_starter(kIdeograph);
      position += 3;
      continue;
    }
    const size_t start = position;
    const uint32_t character = decode_utf8(text, position);
    const UnicodeProperty& property = property_of(character);
    if (check_nfc_ && !nfc.accepts(character, property)) return false;
    if (property.folds == 0) {
      copy_character(text + start, position - start, out + folded);
      folded += position - start;
      mark(begin, folded, property.char_class, edges, num_edges);
      continue;
    }
    for (const uint32_t code_point : case_folding(character)) {
      const size_t from = folded;
      folded += encode_utf8(code_point, out + folded);
      mark(from, folded, char_class(code_point), edges, num_edges);
    }
  }
  position_ = position;
  num_edges_ = num_edges;
  folded_bytes_ = folded;
  nfc_ = nfc;
  return true;
}

WordSplitter::Step WordSplitter::next() {
  const auto* text = reinterpret_cast<const uint8_t*>(text_.data());
  const size_t limit = std::min(text_.size(), position_ + kPieceBytes);
  if ((num_edges_ & 1) != 0) edges_[0] = edges_[num_edges_ - 1];
  num_edges_ &= 1;
  while (position_ < limit) {
    AsciiRun run{
        text + position_, limit - position_, folded_.get() + folded_bytes_, static_cast<uint32_t>(folded_bytes_),
        edges_.get(),     num_edges_};
    const size_t length = level_ == SimdLevel::kAvx512 ? fold_ascii_avx512(run)
                          : level_ == SimdLevel::kAvx2 ? fold_ascii_avx2(run)
                                                       : fold_ascii_scalar(run);
    if (length != 0) nfc_.skip_starter(text[position_ + length - 1]);
    num_edges_ = run.num_edges;
    folded_bytes_ += length;
    position_ += length;
    if (!fold_characters(limit)) return Step::kNotComposed;
  }
  if (position_ < text_.size()) return Step::kMore;
  if ((num_edges_ & 1) != 0) edges_[num_edges_++] = static_cast<uint32_t>(folded_bytes_);
  return Step::kEnd;
}

}  // namespace millrace
