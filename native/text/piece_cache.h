// The ids of pieces by their bytes: what spares encoders nearly all of their work. The key is the piece itself, so a
// collision is impossible; 20 MiB, never more. Used by one thread at a time.
#ifndef MILLRACE_TEXT_PIECE_CACHE_H_
#define MILLRACE_TEXT_PIECE_CACHE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "text/huge_array.h"

namespace millrace {

class PieceCache {
 public:
  // Elements behind the last id that encode() may write.
  static constexpr size_t kSlack = 4;

  PieceCache() : entries_(size_t{1} << kBits), records_(kMostRecords) {}

  // Writes the ids of pieces, each of at least one byte, to `out` and returns their end. Piece i is
  // text[ends[i - 1] .. ends[i]), the first begins at `begin`; `readable` bytes of text may be read.
  //   part(begin, end)             where the first part of a piece ends that can be encoded by itself; asked only for
  //                                pieces that are long or not ASCII
  //   missed(piece, length, out)   writes the ids of what the cache lacks and returns how many, at most `length`
  template <class Part, class Missed>
  int32_t* encode(const uint8_t* text, size_t readable, size_t begin, const uint32_t* ends, size_t count, int32_t* out,
                  const Part& part, const Missed& missed) {
    Key keys[kPiecesAtOnce];
    uint32_t places[kPiecesAtOnce];
    uint32_t part_ends[kPiecesAtOnce];
    size_t first = begin;
    for (size_t i = 0; i < count;) {
      // Keys of all pieces first, with their cache lines asked for; by the time the ids are copied the lines have
      // arrived.
      size_t num_keys = 0;
      const auto ask_for = [&](Key key, size_t end) {
        keys[num_keys] = key;
        places[num_keys] = static_cast<uint32_t>(place_of(key));
        part_ends[num_keys] = static_cast<uint32_t>(end);
        __builtin_prefetch(&entries_[places[num_keys]]);
        ++num_keys;
        first = end;
      };
      begin = first;
      for (; i < count && num_keys < kPiecesAtOnce; ++i) {
        const size_t end = ends[i];
        const Key key = key_of(text + first, end - first, readable - first);
        if (!is_special(key)) [[likely]] {
          ask_for(key, end);
          continue;
        }
        while (first < end && num_keys < kPiecesAtOnce) {
          const size_t part_end = part(first, end);
          const size_t length = part_end - first;
          ask_for(
              length > kMostBytes ? key_of_long(text + first, length) : key_of(text + first, length, readable - first),
              part_end);
        }
        if (first < end) break;
      }
      for (size_t k = 0; k < num_keys; ++k) {
        const Entry& entry = entries_[places[k]];
        const size_t num_ids = entry.high >> kCountShift;
        if (holds(entry, keys[k]) && num_ids > 0) [[likely]] {
          std::memcpy(out, entry.ids, sizeof(entry.ids));
          out += num_ids;
        } else {
          out += encode_missed(places[k], keys[k], text + begin, part_ends[k] - begin, out, missed);
        }
        begin = part_ends[k];
      }
    }
    return out;
  }

 private:
  // A piece of 1 to 15 bytes is its own key: zero-padded, in the top byte of `high` the length (bits 56 to 59). The key
  // of a longer one is a hash and the length. Bits 60 to 63 say how many ids there are, if at most four; 0: they are in
  // a record, and ids[0] and ids[1] say where and how many. An empty entry is zero.
  struct Entry {
    uint64_t low, high;
    int32_t ids[4];
  };
  struct Key {
    uint64_t low, high;
  };
  // What makes a key of the first 16 bytes of a piece of some length.
  struct KeyMask {
    uint64_t low, high;
    uint64_t length;
  };

  // Entries come in pairs that share a cache line. A piece is looked up at its own place, then at the other; a new one
  // takes its place, whose piece moves over and pushes the other's out. So the entries never grow in number. Records
  // (ids, and behind them the bytes of a long piece) are added until there is no room; then everything is forgotten.
  static constexpr int kBits = 19;                         // 524,288 entries = 16 MiB
  static constexpr size_t kMostRecords = size_t{1} << 20;  // 4 MiB
  static constexpr size_t kMostBytes = 15;
  static constexpr size_t kMostIds = 4;
  static constexpr size_t kMostRecordBytes = 128;
  static constexpr int kLengthShift = 56;
  static constexpr int kCountShift = 60;
  static constexpr uint64_t kCountBits = uint64_t{0xF} << kCountShift;
  static constexpr size_t kPiecesAtOnce = 64;

  // What key_of() gives for all long pieces: no byte of a short one has its place.
  static constexpr uint64_t kIsLong = uint64_t{0x80} << kLengthShift;

  static constexpr std::array<KeyMask, 17> make_key_masks() {
    constexpr auto first_bytes = [](size_t count) {
      return count >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * count)) - 1;
    };
    std::array<KeyMask, 17> masks{};
    for (size_t length = 0; length < 16; ++length) {
      masks[length] = {first_bytes(length), first_bytes(length > 8 ? length - 8 : 0), uint64_t{length} << kLengthShift};
    }
    masks[16].length = kIsLong;
    return masks;
  }

  // `readable` bytes may be read from `piece` on.
  static Key key_of(const uint8_t* piece, size_t length, size_t readable) {
    static constexpr std::array<KeyMask, 17> kKeyMasks = make_key_masks();
    const KeyMask& mask = kKeyMasks[std::min<size_t>(length, 16)];
    uint64_t words[2] = {0, 0};
    if (readable >= 16) [[likely]] {
      std::memcpy(words, piece, 16);
    } else {
      std::memcpy(words, piece, std::min<size_t>(length, 15));
    }
    return {words[0] & mask.low, (words[1] & mask.high) | mask.length};
  }

  // Long, or not ASCII.
  static bool is_special(Key key) { return ((key.low | key.high) & 0x8080808080808080ull) != 0; }

  static Key key_of_long(const uint8_t* piece, size_t length) {
    if (length > kMostRecordBytes) return {0, length + 1};  // never recorded
    uint64_t hash = length;
    const auto mix = [&hash](const uint8_t* bytes) {
      uint64_t word;
      std::memcpy(&word, bytes, sizeof(word));
      hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
      hash ^= hash >> 32;
    };
    for (size_t i = 0; i + 8 < length; i += 8) mix(piece + i);
    mix(piece + length - 8);
    return {hash, length + 1};
  }

  static size_t place_of(Key key) {
    const auto product = static_cast<unsigned __int128>(key.low ^ 0x9E3779B97F4A7C15ull) *
                         static_cast<unsigned __int128>(key.high ^ 0xD6E8FEB86659FD93ull);
    const uint64_t hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
    return static_cast<size_t>(hash >> (64 - kBits));
  }

  static bool holds(const Entry& entry, Key key) {
    return ((entry.low ^ key.low) | ((entry.high ^ key.high) & ~kCountBits)) == 0;
  }

  // Kept out of line: it is rarely reached, and the loop above has the registers to itself.
  template <class Missed>
  [[gnu::noinline]] size_t encode_missed(size_t place, Key key, const uint8_t* text, size_t length, int32_t* out,
                                         const Missed& missed) {
    Entry& entry = entries_[place];
    Entry& other = entries_[place ^ 1];
    if (holds(other, key)) std::swap(entry, other);
    if (holds(entry, key)) {
      const size_t num_ids = entry.high >> kCountShift;
      if (num_ids == 0) return copy_record(entry, text, length, out, missed);
      std::memcpy(out, entry.ids, sizeof(entry.ids));
      return num_ids;
    }
    const size_t num_ids = missed(text, length, out);
    if (num_ids <= kMostIds && length <= kMostBytes) {
      other = entry;
      entry = {key.low, key.high | static_cast<uint64_t>(num_ids) << kCountShift, {}};
      std::copy_n(out, num_ids, entry.ids);
    } else if (length <= kMostRecordBytes) {
      add_record(place, key, text, length, out, num_ids);
    }
    return num_ids;
  }

  static size_t words_of(size_t num_bytes) { return (num_bytes + sizeof(int32_t) - 1) / sizeof(int32_t); }

  void add_record(size_t place, Key key, const uint8_t* piece, size_t length, const int32_t* ids, size_t num_ids) {
    const size_t size = num_ids + (length > kMostBytes ? words_of(length) : 0);
    if (num_records_ + size > kMostRecords) {
      std::memset(static_cast<void*>(entries_.data()), 0, entries_.size() * sizeof(Entry));
      num_records_ = 0;
    }
    int32_t* record = records_.data() + num_records_;
    std::copy_n(ids, num_ids, record);
    if (length > kMostBytes) std::memcpy(record + num_ids, piece, length);
    entries_[place ^ 1] = entries_[place];
    entries_[place] = {key.low, key.high, {static_cast<int32_t>(num_records_), static_cast<int32_t>(num_ids)}};
    num_records_ += size;
  }

  // Two long pieces may have one hash: their bytes decide.
  template <class Missed>
  size_t copy_record(const Entry& entry, const uint8_t* piece, size_t length, int32_t* out, const Missed& missed) {
    const int32_t* record = records_.data() + entry.ids[0];
    const size_t num_ids = static_cast<size_t>(entry.ids[1]);
    if (length > kMostBytes && std::memcmp(record + num_ids, piece, length) != 0) return missed(piece, length, out);
    std::memcpy(out, record, num_ids * sizeof(int32_t));
    return num_ids;
  }

  HugeArray<Entry> entries_;
  HugeArray<int32_t> records_;
  size_t num_records_ = 0;  // elements in use
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_PIECE_CACHE_H_
