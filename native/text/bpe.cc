#include "text/bpe.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "text/pretokenize.h"

namespace millrace {

namespace {

constexpr size_t kPiecesAtOnce = 64;
constexpr uint32_t kIdMask = 0x00FFFFFFu;  // ids stay under 2^21 (BpeVocab::kMaxTokens)

struct PieceKey {
  uint64_t low, high;
};

struct KeyMask {
  uint64_t low, high;
};

constexpr std::array<KeyMask, 16> make_key_masks() {
  std::array<KeyMask, 16> masks{};
  for (size_t length = 0; length < 16; ++length) {
    masks[length].low = length >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * length)) - 1;
    masks[length].high = length <= 8 ? 0 : (uint64_t{1} << (8 * (length - 8))) - 1;
  }
  return masks;
}

constexpr std::array<KeyMask, 16> kKeyMasks = make_key_masks();

// The bytes of a piece of at most 15 bytes in two words. `available` bytes may be read from `piece` on.
inline PieceKey key_of(const uint8_t* piece, size_t length, size_t available) {
  PieceKey key{0, 0};
  if (available >= 16) {
    std::memcpy(&key.low, piece, 8);
    std::memcpy(&key.high, piece + 8, 8);
    key.low &= kKeyMasks[length].low;
    key.high &= kKeyMasks[length].high;
  } else {
    uint8_t padded[16] = {};
    std::memcpy(padded, piece, length);
    std::memcpy(&key.low, padded, 8);
    std::memcpy(&key.high, padded + 8, 8);
  }
  key.high |= static_cast<uint64_t>(length) << 56;
  return key;
}

inline uint64_t hash_of(PieceKey key) {
  uint64_t hash = key.low * 0x9E3779B97F4A7C15ull ^ (key.high + 0x632BE59BD9B4E019ull) * 0xD6E8FEB86659FD93ull;
  hash ^= hash >> 32;
  return hash * 0xFF51AFD7ED558CCDull;
}

}  // namespace

void IdBuffer::reserve(size_t capacity) {
  if (capacity <= capacity_) return;
  const size_t grown = std::max(capacity, capacity_ + capacity_ / 2);
  std::unique_ptr<int32_t[]> data(new int32_t[grown]);
  if (size_ > 0) std::memcpy(data.get(), data_.get(), size_ * sizeof(int32_t));
  data_ = std::move(data);
  capacity_ = grown;
}

ByteLevelBpe::ByteLevelBpe(BpeVocab vocab)
    : vocab_(std::move(vocab)), table_(vocab_), merger_(table_), cache_(size_t{1} << kCacheLineBits) {}

void ByteLevelBpe::encode(const uint8_t* text, size_t length, IdBuffer& out) {
  size_t ends[kPiecesAtOnce];
  for (size_t position = 0; position < length;) {
    const size_t count = next_pretokens(text, length, position, ends, kPiecesAtOnce);
    encode_pieces(text, length, position, ends, count, out);
    position = ends[count - 1];
  }
}

// Keys of all pieces first, with their cache lines asked for; by the time the ids are copied the lines have arrived.
void ByteLevelBpe::encode_pieces(const uint8_t* text, size_t length, size_t start, const size_t* ends, size_t count,
                                 IdBuffer& out) {
  PieceKey keys[kPiecesAtOnce];
  uint32_t lines[kPiecesAtOnce];
  size_t begin = start;
  for (size_t i = 0; i < count; ++i) {
    const size_t size = ends[i] - begin;
    if (size <= kCachedBytes) {
      keys[i] = key_of(text + begin, size, length - begin);
      lines[i] = static_cast<uint32_t>(hash_of(keys[i]) >> (64 - kCacheLineBits));
      __builtin_prefetch(&cache_[lines[i]]);
    }
    begin = ends[i];
  }
  // A piece has no more ids than bytes; a cached one writes four whatever it has.
  out.reserve(out.size() + (ends[count - 1] - start) + kCachedIds);
  begin = start;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* piece = text + begin;
    const size_t size = ends[i] - begin;
    begin = ends[i];
    if (size > kCachedBytes) {
      out.advance(merger_.merge(piece, size, out.end()));
      continue;
    }
    CacheLine& line = cache_[lines[i]];
    const CacheEntry* found = nullptr;
    for (const CacheEntry& entry : line.entries) {
      if (entry.low == keys[i].low && entry.high == keys[i].high) found = &entry;
    }
    if (found != nullptr) {
      const uint32_t first = found->ids[0];
      std::memcpy(out.end(), found->ids, sizeof(found->ids));
      *out.end() = static_cast<int32_t>(first & kIdMask);
      out.advance(first >> 24);
      continue;
    }
    const size_t num_ids = merger_.merge(piece, size, out.end());
    if (num_ids <= kCachedIds) {
      line.entries[1] = line.entries[0];
      CacheEntry& entry = line.entries[0];
      entry = {keys[i].low, keys[i].high, {0, 0, 0, 0}};
      for (size_t k = 0; k < num_ids; ++k) entry.ids[k] = static_cast<uint32_t>(out.end()[k]);
      entry.ids[0] |= static_cast<uint32_t>(num_ids) << 24;
    }
    out.advance(num_ids);
  }
}

Status ByteLevelBpe::decode(const int32_t* ids, size_t count, std::string& out) const {
  for (size_t i = 0; i < count; ++i) {
    if (ids[i] < 0 || static_cast<size_t>(ids[i]) >= vocab_.bytes.size()) {
      return invalid_argument("expected ids from 0 to " + std::to_string(vocab_.bytes.size() - 1) +
                              " for decoding, got " + std::to_string(ids[i]) + " at position " + std::to_string(i));
    }
    out += vocab_.bytes[static_cast<size_t>(ids[i])];
  }
  return ok();
}

}  // namespace millrace
