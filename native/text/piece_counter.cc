#include "text/piece_counter.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace millrace {

namespace {

uint64_t hash_of(const uint8_t* bytes, size_t length) {
  uint64_t hash = length * 0x9E3779B97F4A7C15ull;
  for (; length >= 8; bytes += 8, length -= 8) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    hash = (std::rotl(hash, 27) ^ word) * 0xD6E8FEB86659FD93ull;
  }
  uint64_t last = 0;
  std::memcpy(&last, bytes, length);
  hash = (std::rotl(hash, 27) ^ last) * 0xFF51AFD7ED558CCDull;
  return hash ^ hash >> 32;
}

}  // namespace

void PieceCounter::add(const uint8_t* text, size_t length) {
  uint32_t ends[Pretokenizer::kMaxEnds + Pretokenizer::kSlack];
  size_t begin = 0;
  pretokenizer_.start(text, length);
  while (const size_t num_pieces = pretokenizer_.next(ends)) {
    for (size_t i = 0; i < num_pieces; begin = ends[i++]) count(text + begin, ends[i] - begin);
  }
}

void PieceCounter::count(const uint8_t* piece, size_t length) {
  // A piece of one byte has no pair.
  if (length < 2) return;
  const size_t mask = slots_.size() - 1;
  size_t slot = hash_of(piece, length) & mask;
  for (; slots_[slot] != kFree; slot = (slot + 1) & mask) {
    Piece& known = pieces_[slots_[slot]];
    if (known.length == length && std::memcmp(bytes_.data() + known.offset, piece, length) == 0) {
      ++known.count;
      return;
    }
  }
  slots_[slot] = static_cast<uint32_t>(pieces_.size());
  pieces_.push_back({bytes_.size(), static_cast<uint32_t>(length), 1});
  bytes_.insert(bytes_.end(), piece, piece + length);
  if (pieces_.size() >= most_pieces_ || bytes_.size() >= most_bytes_) forget_rare();
  if (pieces_.size() * 2 >= slots_.size()) rebuild(slots_.size() * 2);
}

// Twice as many occurrences are asked for until half of the room is free again.
void PieceCounter::forget_rare() {
  for (uint64_t least = 2; pieces_.size() > most_pieces_ / 2 || bytes_.size() > most_bytes_ / 2; least *= 2) {
    size_t kept = 0;
    size_t end = 0;
    for (const Piece piece : pieces_) {
      if (piece.count < least) continue;
      std::memmove(bytes_.data() + end, bytes_.data() + piece.offset, piece.length);
      pieces_[kept++] = {end, piece.length, piece.count};
      end += piece.length;
    }
    num_forgotten_ += pieces_.size() - kept;
    pieces_.resize(kept);
    bytes_.resize(end);
  }
  rebuild(slots_.size());
}

void PieceCounter::rebuild(size_t num_slots) {
  slots_.assign(num_slots, kFree);
  for (size_t i = 0; i < pieces_.size(); ++i) {
    size_t slot = hash_of(bytes_.data() + pieces_[i].offset, pieces_[i].length) & (num_slots - 1);
    while (slots_[slot] != kFree) slot = (slot + 1) & (num_slots - 1);
    slots_[slot] = static_cast<uint32_t>(i);
  }
}

}  // namespace millrace
