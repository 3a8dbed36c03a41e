#include "text/sentence_piece.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "text/unicode.h"

namespace millrace {

namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";
// Keys and spaces are looked for in whole words, past the end of the text.
constexpr std::string_view kPadding = "                        ";
static_assert(kPadding.size() == 24);
// A normalised text of more bytes than this is given back before the next.
constexpr size_t kKeptBytes = size_t{16} << 20;

uint64_t load_bytes(const uint8_t* bytes, size_t count) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return count >= 8 ? word : word & ((uint64_t{1} << (8 * count)) - 1);
}

void load_key(const uint8_t* segment, size_t length, uint64_t key[3]) {
  key[0] = load_bytes(segment, length);
  key[1] = length > 8 ? load_bytes(segment + 8, length - 8) : 0;
  key[2] = length > 16 ? load_bytes(segment + 16, length - 16) : 0;
}

uint64_t hash_of(const uint64_t key[3]) {
  const uint64_t mixed =
      key[0] * 0x9E3779B97F4A7C15ull ^ key[1] * 0xD1342543DE82EF95ull ^ key[2] * 0xC2B2AE3D27D4EB4Full;
  return (mixed ^ mixed >> 32) * 0x9E3779B97F4A7C15ull;
}

// How many bytes there are before the next space, eight at a time: the text is followed by one.
size_t bytes_before_space(const uint8_t* text) {
  constexpr uint64_t kOnes = 0x0101010101010101ull;
  for (size_t at = 0;; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text + at, sizeof(word));
    word ^= kOnes * ' ';
    // The lowest of these bits is at the first space; those above it may be wrong.
    const uint64_t found = (word - kOnes) & ~word & kOnes << 7;
    if (found != 0) return at + static_cast<size_t>(std::countr_zero(found)) / 8;
  }
}

// Appends bytes as UTF-8; those that are not become U+FFFD, one each.
void append_valid(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const uint8_t* data = reinterpret_cast<const uint8_t*>(bytes.data());
    const size_t valid = valid_utf8_prefix(data, bytes.size());
    out.append(bytes.substr(0, valid));
    bytes.remove_prefix(valid);
    if (bytes.empty()) break;
    out.append(kReplacementCharacter);
    bytes.remove_prefix(1);
  }
}

}  // namespace

Status SentencePiece::create(std::string_view bytes, std::unique_ptr<SentencePiece>* out) {
  SentencePieceModel model;
  MR_RETURN_IF_ERROR(parse_sentence_piece_model(bytes, &model));
  std::unique_ptr<SentencePiece> encoder(new SentencePiece(model));
  MR_RETURN_IF_ERROR(encoder->load(model));
  *out = std::move(encoder);
  return ok();
}

SentencePiece::SentencePiece(const SentencePieceModel& model) : vocab_(model) {}

Status SentencePiece::load(const SentencePieceModel& model) {
  std::vector<std::string_view> user_defined;
  for (const ModelPiece& piece : model.pieces) {
    if (piece.type == PieceType::kUserDefined) user_defined.push_back(piece.text);
  }
  MR_RETURN_IF_ERROR(normalizer_.load(model.normalizer, model.treat_whitespace_as_suffix, user_defined));
  if (!model.denormalizer.charsmap.empty()) {
    denormalizer_ = std::make_unique<SentencePieceNormalizer>();
    MR_RETURN_IF_ERROR(denormalizer_->load(model.denormalizer, false, {}));
    denormalizer_escapes_ = model.denormalizer.escape_whitespaces;
  }
  is_whole_ = model.kind == SentencePieceModel::Kind::kBpe && vocab_.has_unused;
  drops_first_spaces_ = model.normalizer.remove_extra_whitespaces;
  drops_first_space_ = drops_first_spaces_ || model.normalizer.add_dummy_prefix;
  for (const ModelPiece& piece : model.pieces) {
    types_.push_back(piece.type);
    decoded_.push_back(piece.type == PieceType::kUnknown ? model.unknown_surface : compact_text(piece.text));
    begins_with_symbol_.push_back(piece.text.starts_with(kSpaceSymbol));
  }
  if (!is_whole_) cache_ = HugeArray<CacheEntry>(size_t{1} << kCacheBits);
  if (model.kind == SentencePieceModel::Kind::kBpe) {
    bpe_ = std::make_unique<BpeModel>(vocab_);
    return bpe_->load();
  }
  unigram_ = std::make_unique<UnigramModel>(vocab_);
  return unigram_->load();
}

void SentencePiece::encode(const uint8_t* text, size_t length, IdBuffer& out) {
  if (normalized_ == nullptr || normalized_->size() > kKeptBytes) normalized_ = std::make_unique<ByteBuffer>();
  normalized_->clear();
  normalizer_.normalize(text, length, *normalized_);
  const size_t normalized_bytes = normalized_->size();
  normalized_->append(kPadding);
  encode_normalized(normalized_->data(), normalized_bytes, out);
}

size_t SentencePiece::segment_end(const uint8_t* text, size_t begin, size_t length) const {
  if (is_whole_) return length;
  for (size_t at = begin;; ++at) {
    at += bytes_before_space(text + at);
    if (at >= length) return length;
    if (at > begin && !vocab_.joins_before_space[text[at - 1]]) return at;
    if (at + 1 == length) return length;
    if (text[at + 1] != ' ' && !vocab_.joins_after_space[text[at + 1]]) return at + 1;
  }
}

// Looks segments up some at a time: by when one's turn comes, its place in the cache has come from memory.
void SentencePiece::encode_normalized(const uint8_t* text, size_t length, IdBuffer& out) {
  sum_ = 0;
  after_unknown_ = false;
  out.reserve(out.size() + length / 4 + kCachedIds);
  Segment segments[kSegmentsAtOnce];
  for (size_t begin = 0; begin < length;) {
    size_t count = 0;
    for (; count < kSegmentsAtOnce && begin < length; ++count) {
      Segment& segment = segments[count];
      const size_t end = segment_end(text, begin, length);
      segment.bytes = text + begin;
      segment.length = end - begin;
      begin = end;
      if (segment.length > UnigramModel::kShortSegment || cache_.size() == 0) continue;
      load_key(segment.bytes, segment.length, segment.key);
      segment.place = hash_of(segment.key) >> (64 - kCacheBits);
      __builtin_prefetch(&cache_[segment.place]);
    }
    for (size_t i = 0; i < count; ++i) encode_segment(segments[i], out);
  }
}

void SentencePiece::encode_segment(const Segment& segment, IdBuffer& out) {
  if (segment.length > UnigramModel::kShortSegment || cache_.size() == 0) return cut(segment, out);
  for (const size_t at : {segment.place, segment.place ^ 1}) {
    const CacheEntry& entry = cache_[at];
    const uint64_t difference = (entry.key[0] ^ segment.key[0]) | (entry.key[1] ^ segment.key[1]) |
                                (entry.key[2] ^ segment.key[2]) | (entry.length ^ segment.length);
    if (difference != 0) continue;
    if (!(std::abs(sum_) <= entry.reach)) return cut(segment, out);
    out.reserve(out.size() + kCachedIds);
    std::memcpy(out.end(), entry.ids, sizeof(entry.ids));
    out.set_end(out.end() + entry.count);
    if (unigram_ != nullptr) sum_ = unigram_->add_scores(sum_, entry.ids, entry.count);
    after_unknown_ = false;
    return;
  }
  cut_missed(segment, out);
}

void SentencePiece::cut_missed(const Segment& segment, IdBuffer& out) {
  spans_.clear();
  CacheEntry entry = {
      {segment.key[0], segment.key[1], segment.key[2]}, static_cast<uint8_t>(segment.length), 0, HUGE_VALF, {}};
  if (unigram_ != nullptr) {
    entry.reach = unigram_->cut_anywhere(segment.bytes, segment.length, spans_);
  } else {
    bpe_->cut(segment.bytes, segment.length, spans_);
  }
  const bool is_known = spans_.size() <= kCachedIds &&
                        std::none_of(spans_.begin(), spans_.end(), [](const PieceSpan& span) { return span.id < 0; });
  if (is_known) {
    for (const PieceSpan& span : spans_) entry.ids[entry.count++] = span.id;
    cache_[segment.place ^ 1] = cache_[segment.place];
    cache_[segment.place] = entry;
  }
  if (unigram_ != nullptr) {
    if (!(std::abs(sum_) <= entry.reach)) return cut(segment, out);
    sum_ = unigram_->add_scores(sum_, spans_);
  }
  append_spans(segment.bytes, out);
}

void SentencePiece::cut(const Segment& segment, IdBuffer& out) {
  spans_.clear();
  if (unigram_ != nullptr) {
    unigram_->cut(segment.bytes, segment.length, sum_, spans_);
  } else {
    bpe_->cut(segment.bytes, segment.length, spans_);
  }
  append_spans(segment.bytes, out);
}

void SentencePiece::append_spans(const uint8_t* segment, IdBuffer& out) {
  out.reserve(out.size() + spans_.size());
  for (const PieceSpan& span : spans_) {
    if (span.id >= 0) {
      *out.end() = span.id;
      out.set_end(out.end() + 1);
      after_unknown_ = false;
    } else {
      append_unknown(segment, span.length, out);
    }
    segment += span.length;
  }
  constexpr size_t kKeptSpans = size_t{1} << 18;
  if (spans_.capacity() > kKeptSpans) std::vector<PieceSpan>().swap(spans_);
}

void SentencePiece::append_unknown(const uint8_t* bytes, size_t length, IdBuffer& out) {
  // The rest of the spans has room of its own.
  out.reserve(out.size() + spans_.size() + kSpaceSymbol.size() * length);
  int32_t* end = out.end();
  if (!vocab_.byte_fallback) {
    if (!after_unknown_) *end++ = vocab_.unknown_id;
    after_unknown_ = true;
  } else if (vocab_.escapes_whitespace && *bytes == ' ') {
    for (const char byte : kSpaceSymbol) *end++ = vocab_.byte_ids[static_cast<uint8_t>(byte)];
  } else {
    for (size_t i = 0; i < length; ++i) *end++ = vocab_.byte_ids[bytes[i]];
  }
  out.set_end(end);
}

Status SentencePiece::decode(const int32_t* ids, size_t count, std::string& out) const {
  std::string text, bytes;
  bool is_first = true;
  const auto end_bytes = [&] {
    append_valid(bytes, text);
    bytes.clear();
  };
  for (size_t i = 0; i < count; ++i) {
    MR_RETURN_IF_ERROR(check_id(ids[i], i));
    const size_t id = static_cast<size_t>(ids[i]);
    if (types_[id] == PieceType::kByte) {
      bytes.push_back(static_cast<char>(byte_of_piece(decoded_[id])));
      continue;
    }
    end_bytes();
    if (!text.empty()) is_first = false;
    if (types_[id] == PieceType::kControl) continue;
    std::string_view piece = decoded_[id];
    const bool drops = is_first && drops_first_space_ && begins_with_symbol_[id];
    if (drops && types_[id] != PieceType::kUnknown) piece.remove_prefix(1);
    text.append(piece);
    if ((drops && !drops_first_spaces_) || !text.empty()) is_first = false;
  }
  end_bytes();
  if (denormalizer_ == nullptr) {
    out += text;
    return ok();
  }
  ByteBuffer denormalized;
  denormalizer_->normalize(reinterpret_cast<const uint8_t*>(text.data()), text.size(), denormalized);
  for (const char byte : denormalized.view()) {
    if (byte == ' ' && denormalizer_escapes_) {
      out += kSpaceSymbol;
    } else {
      out += byte;
    }
  }
  return ok();
}

}  // namespace millrace
