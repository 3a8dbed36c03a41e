#include "text/bpe.h"

#include <utility>

namespace millrace {

ByteLevelBpe::ByteLevelBpe(BpeVocab vocab, const BpeOptions& options)
    : vocab_(std::move(vocab)),
      prefix_space_(options.prefix_space),
      table_(vocab_),
      merger_(table_, options.simd),
      borders_(vocab_, options.ignore_merges),
      pretokenizer_(options.pattern, options.simd) {
  if (!options.ignore_merges) return;
  whole_.reserve(vocab_.bytes.size());
  for (uint32_t id = 0; id < vocab_.bytes.size(); ++id) {
    if (vocab_.spelled[id]) whole_.emplace(vocab_.bytes[id], id);
  }
}

void ByteLevelBpe::encode(const uint8_t* text, size_t length, IdBuffer& out) {
  if (!prefix_space_ || length == 0 || text[0] == ' ') return encode_text(text, length, out);
  prefixed_.assign(1, ' ').append(reinterpret_cast<const char*>(text), length);
  encode_text(reinterpret_cast<const uint8_t*>(prefixed_.data()), prefixed_.size(), out);
}

void ByteLevelBpe::encode_text(const uint8_t* text, size_t length, IdBuffer& out) {
  uint32_t ends[Pretokenizer::kMaxEnds + Pretokenizer::kSlack];
  // English has an id every 3.7 bytes: most texts need no second allocation.
  out.reserve(out.size() + length / 3);
  size_t begin = 0;
  pretokenizer_.start(text, length);
  while (const size_t count = pretokenizer_.next(ends)) {
    // A piece has no more ids than bytes.
    out.reserve(out.size() + (ends[count - 1] - begin) + PieceCache::kSlack);
    out.set_end(pretokenizer_.any_wide() ? encode_wide_pieces(text, length, begin, ends, count, out.end())
                                         : encode_pieces(text, length, begin, ends, count, out.end()));
    begin = ends[count - 1];
  }
}

int32_t* ByteLevelBpe::encode_pieces(const uint8_t* text, size_t length, size_t begin, const uint32_t* ends,
                                     size_t count, int32_t* out) {
  return cache_.encode(
      text, length, begin, ends, count, out,
      [this, text](size_t first, size_t end) { return borders_.next(text, first, end); },
      [this](const uint8_t* piece, size_t size, int32_t* ids) { return merge(piece, size, ids); });
}

// Pieces that begin with a character of three bytes go by characters, the runs between them through the cache.
int32_t* ByteLevelBpe::encode_wide_pieces(const uint8_t* text, size_t length, size_t begin, const uint32_t* ends,
                                          size_t count, int32_t* out) {
  size_t run_begin = begin;
  size_t run = 0;
  for (size_t i = 0; i < count; begin = ends[i++]) {
    if (!CharacterIds::may_begin(text[begin])) continue;
    out = encode_pieces(text, length, run_begin, ends + run, i - run, out);
    out = encode_characters(text, length, begin, ends[i], out);
    run = i + 1;
    run_begin = ends[i];
  }
  return encode_pieces(text, length, run_begin, ends + run, count - run, out);
}

int32_t* ByteLevelBpe::encode_characters(const uint8_t* text, size_t length, size_t begin, size_t end, int32_t* out) {
  constexpr size_t kBytes = CharacterIds::kBytes;
  while (begin < end) {
    const uint8_t* p = text + begin;
    const size_t left = end - begin;
    if (left >= kBytes && CharacterIds::is_one(p) && (left == kBytes || !borders_.joins(p[kBytes - 1], p[kBytes]))) {
      size_t num_ids = characters_.find(p, out);
      if (num_ids == 0) [[unlikely]] {
        num_ids = merge(p, kBytes, out);
        characters_.add(p, out, num_ids);
      }
      out += num_ids;
      begin += kBytes;
    } else {
      const uint32_t part_end = static_cast<uint32_t>(borders_.next(text, begin, end));
      out = encode_pieces(text, length, begin, &part_end, 1, out);
      begin = part_end;
    }
  }
  return out;
}

size_t ByteLevelBpe::merge(const uint8_t* piece, size_t length, int32_t* out) {
  if (!whole_.empty()) {
    const auto found = whole_.find({reinterpret_cast<const char*>(piece), length});
    if (found != whole_.end()) {
      out[0] = static_cast<int32_t>(found->second);
      return 1;
    }
  }
  return merger_.merge(piece, length, out);
}

Status ByteLevelBpe::decode(const int32_t* ids, size_t count, std::string& out) const {
  for (size_t i = 0; i < count; ++i) {
    MR_RETURN_IF_ERROR(check_id(ids[i], i));
    const std::string& bytes = vocab_.bytes[static_cast<size_t>(ids[i])];
    if (bytes.empty()) {
      return invalid_argument("expected ids of tokens for decoding, got " + std::to_string(ids[i]) + " at position " +
                              std::to_string(i));
    }
    out += bytes;
  }
  return ok();
}

}  // namespace millrace
