// How often each pre-token occurs in a corpus: an open-addressed table over one arena of bytes. Memory is bounded: a
// table that is full forgets the pieces that have occurred once, which depends on the order of the texts alone.
#ifndef MILLRACE_TEXT_PIECE_COUNTER_H_
#define MILLRACE_TEXT_PIECE_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/pretokenizer.h"

namespace millrace {

class PieceCounter {
 public:
  struct Piece {
    uint64_t offset;  // in bytes()
    uint32_t length;
    uint64_t count;
  };
  // What training then takes grows with the pieces: some 1.5 GiB for as many as these.
  static constexpr size_t kMostPieces = size_t{6} << 20;
  static constexpr size_t kMostBytes = size_t{1} << 30;

  explicit PieceCounter(PretokenPattern pattern, size_t most_pieces = kMostPieces, size_t most_bytes = kMostBytes)
      : pretokenizer_(pattern), most_pieces_(most_pieces), most_bytes_(most_bytes), slots_(1 << 12, kFree) {}

  void add(const uint8_t* text, size_t length);

  std::span<const Piece> pieces() const { return pieces_; }
  const uint8_t* bytes() const { return bytes_.data(); }
  // How many pieces were forgotten, the same ones again included.
  uint64_t num_forgotten() const { return num_forgotten_; }

 private:
  static constexpr uint32_t kFree = 0xFFFFFFFFu;

  void count(const uint8_t* piece, size_t length);
  void forget_rare();
  void rebuild(size_t num_slots);

  Pretokenizer pretokenizer_;
  const size_t most_pieces_;
  const size_t most_bytes_;
  std::vector<uint8_t> bytes_;
  std::vector<Piece> pieces_;
  std::vector<uint32_t> slots_;
  uint64_t num_forgotten_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_PIECE_COUNTER_H_
