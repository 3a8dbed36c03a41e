#include "text/bpe.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace millrace {

namespace {

constexpr size_t kPiecesAtOnce = 64;
constexpr int kLengthShift = 56;
constexpr int kCountShift = 60;
constexpr uint64_t kCountBits = uint64_t{0xF} << kCountShift;

// What makes a key of the first 16 bytes of a piece of some length.
struct KeyMask {
  uint64_t low, high;
  uint64_t length;
};

constexpr std::array<KeyMask, 17> make_key_masks() {
  constexpr auto first_bytes = [](size_t count) {
    return count >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * count)) - 1;
  };
  std::array<KeyMask, 17> masks{};
  for (size_t length = 0; length < 16; ++length) {
    masks[length] = {first_bytes(length), first_bytes(length > 8 ? length - 8 : 0), uint64_t{length} << kLengthShift};
  }
  // Pieces that are too long for the cache have one key, which no entry has: it is not zero, and its length is.
  masks[16].length = 1;
  return masks;
}

constexpr std::array<KeyMask, 17> kKeyMasks = make_key_masks();

}  // namespace

void IdBuffer::reserve(size_t wanted) {
  if (wanted <= capacity()) return;
  HugeArray<int32_t> data(std::max(wanted, capacity() + capacity() / 2));
  if (size_ > 0) std::memcpy(data.data(), data_.data(), size_ * sizeof(int32_t));
  data_ = std::move(data);
}

ByteLevelBpe::ByteLevelBpe(BpeVocab vocab, const BpeOptions& options)
    : vocab_(std::move(vocab)),
      prefix_space_(options.prefix_space),
      table_(vocab_),
      merger_(table_, options.simd),
      pretokenizer_(options.pattern, options.simd),
      cache_(size_t{1} << kCacheBits) {
  if (!options.ignore_merges) return;
  whole_.reserve(vocab_.bytes.size());
  for (uint32_t id = 0; id < vocab_.bytes.size(); ++id) {
    if (vocab_.spelled[id]) whole_.emplace(vocab_.bytes[id], id);
  }
}

// `available` bytes may be read from `piece` on.
inline ByteLevelBpe::PieceKey ByteLevelBpe::key_of(const uint8_t* piece, size_t length, size_t available) {
  const KeyMask& mask = kKeyMasks[std::min<size_t>(length, 16)];
  uint64_t words[2] = {0, 0};
  if (available >= 16) [[likely]] {
    std::memcpy(words, piece, 16);
  } else {
    std::memcpy(words, piece, std::min<size_t>(length, 15));
  }
  return {words[0] & mask.low, (words[1] & mask.high) | mask.length};
}

inline size_t ByteLevelBpe::place_of(PieceKey key) {
  uint64_t hash = key.low * 0x9E3779B97F4A7C15ull ^ (key.high + 0x632BE59BD9B4E019ull) * 0xD6E8FEB86659FD93ull;
  hash ^= hash >> 32;
  return static_cast<size_t>((hash * 0xFF51AFD7ED558CCDull) >> (64 - kCacheBits));
}

inline bool ByteLevelBpe::holds(const CacheEntry& entry, PieceKey key) {
  return ((entry.low ^ key.low) | ((entry.high ^ key.high) & ~kCountBits)) == 0;
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
    // A piece has no more ids than bytes; a cached one writes kCachedIds whatever it has.
    out.reserve(out.size() + (ends[count - 1] - begin) + kCachedIds);
    int32_t* end = out.end();
    for (size_t i = 0; i < count; i += kPiecesAtOnce) {
      const size_t taken = std::min(kPiecesAtOnce, count - i);
      end = encode_pieces(text, length, begin, ends + i, taken, end);
      begin = ends[i + taken - 1];
    }
    out.set_end(end);
  }
}

// Keys of all pieces first, with their cache lines asked for; by the time the ids are copied the lines have arrived.
int32_t* ByteLevelBpe::encode_pieces(const uint8_t* text, size_t length, size_t begin, const uint32_t* ends,
                                     size_t count, int32_t* out) {
  PieceKey keys[kPiecesAtOnce];
  uint32_t places[kPiecesAtOnce];
  size_t first = begin;
  for (size_t i = 0; i < count; ++i) {
    keys[i] = key_of(text + first, ends[i] - first, length - first);
    places[i] = static_cast<uint32_t>(place_of(keys[i]));
    __builtin_prefetch(&cache_[places[i]]);
    first = ends[i];
  }
  first = begin;
  for (size_t i = 0; i < count; ++i) {
    const CacheEntry& entry = cache_[places[i]];
    if (holds(entry, keys[i])) [[likely]] {
      std::memcpy(out, entry.ids, sizeof(entry.ids));
      out += entry.high >> kCountShift;
    } else {
      out += encode_missed(places[i], keys[i], text + first, ends[i] - first, out);
    }
    first = ends[i];
  }
  return out;
}

// Kept out of line: it is rarely reached, and the loop above has the registers to itself.
[[gnu::noinline]] size_t ByteLevelBpe::encode_missed(size_t place, PieceKey key, const uint8_t* piece, size_t length,
                                                     int32_t* out) {
  if (length > kCachedBytes) return merge(piece, length, out);
  CacheEntry& entry = cache_[place];
  CacheEntry& other = cache_[place ^ 1];
  if (holds(other, key)) {
    std::swap(entry, other);
    std::memcpy(out, entry.ids, sizeof(entry.ids));
    return entry.high >> kCountShift;
  }
  const size_t num_ids = merge(piece, length, out);
  if (num_ids > kCachedIds) return num_ids;
  other = entry;
  entry = {key.low, key.high | static_cast<uint64_t>(num_ids) << kCountShift, {}};
  std::copy_n(out, num_ids, entry.ids);
  return num_ids;
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
    if (ids[i] < 0 || static_cast<size_t>(ids[i]) >= vocab_.bytes.size()) {
      return invalid_argument("expected ids from 0 to " + std::to_string(vocab_.bytes.size() - 1) +
                              " for decoding, got " + std::to_string(ids[i]) + " at position " + std::to_string(i));
    }
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
