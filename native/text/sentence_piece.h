// SentencePiece: texts are normalised, cut where no piece can reach across (before spaces, mostly), and each segment
// becomes the pieces that the model of the whole text would give it. Short segments are looked up in a bounded cache.
// Gives the ids of SentencePiece 0.2; all text is ordinary, names of control symbols too. Used by one thread at a time;
// memory is bounded by the longest segment (about 50 bytes a byte of it with BPE, 20 with a unigram model).
#ifndef MILLRACE_TEXT_SENTENCE_PIECE_H_
#define MILLRACE_TEXT_SENTENCE_PIECE_H_

#include <memory>
#include <string>
#include <vector>

#include "text/byte_buffer.h"
#include "text/huge_array.h"
#include "text/sentence_piece_bpe.h"
#include "text/sentence_piece_normalizer.h"
#include "text/sentence_piece_unigram.h"
#include "text/sentence_piece_vocab.h"
#include "text/token_encoder.h"

namespace millrace {

class SentencePiece : public TokenEncoder {
 public:
  // `bytes`: a model file.
  static Status create(std::string_view bytes, std::unique_ptr<SentencePiece>* out);

  size_t vocab_size() const override { return vocab_.pieces.size(); }
  void encode(const uint8_t* text, size_t length, IdBuffer& out) override;
  // The text that the official library decodes to, as UTF-8: byte pieces that form no character are U+FFFD.
  Status decode(const int32_t* ids, size_t count, std::string& out) const override;

 private:
  // A segment of 1 to 23 bytes with at most 8 known pieces: one line of the processor's cache. `reach`: how large the
  // sum of scores before it may be for these to be its pieces (UnigramModel::cut_anywhere). Empty: length 0.
  struct CacheEntry {
    uint64_t key[3];
    uint8_t length, count;
    float reach;
    int32_t ids[8];
  };
  static constexpr int kCacheBits = 17;  // 131,072 entries = 8 MiB
  static constexpr size_t kCachedIds = 8;
  static constexpr size_t kSegmentsAtOnce = 32;

  // Text that no piece enters or leaves; if it is short, its key and its place in the cache.
  struct Segment {
    const uint8_t* bytes;
    size_t length;
    size_t place;
    uint64_t key[3];
  };

  explicit SentencePiece(const SentencePieceModel& model);
  Status load(const SentencePieceModel& model);

  void encode_normalized(const uint8_t* text, size_t length, IdBuffer& out);
  // `text` is followed by spaces that do not count.
  size_t segment_end(const uint8_t* text, size_t begin, size_t length) const;
  void encode_segment(const Segment& segment, IdBuffer& out);
  void cut_missed(const Segment& segment, IdBuffer& out);
  void cut(const Segment& segment, IdBuffer& out);
  void append_spans(const uint8_t* segment, IdBuffer& out);
  void append_unknown(const uint8_t* bytes, size_t length, IdBuffer& out);

  const SentencePieceVocab vocab_;
  SentencePieceNormalizer normalizer_;
  std::unique_ptr<UnigramModel> unigram_;  // or
  std::unique_ptr<BpeModel> bpe_;
  bool is_whole_ = false;  // texts are not cut

  // What decoding needs of a piece: its text with spaces, by id.
  std::vector<std::string> decoded_;
  std::vector<bool> begins_with_symbol_;
  std::vector<PieceType> types_;
  bool drops_first_space_ = false, drops_first_spaces_ = false;
  std::unique_ptr<SentencePieceNormalizer> denormalizer_;
  bool denormalizer_escapes_ = false;

  HugeArray<CacheEntry> cache_;
  // Of the text at hand.
  std::unique_ptr<ByteBuffer> normalized_;
  std::vector<PieceSpan> spans_;
  float sum_ = 0;
  bool after_unknown_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SENTENCE_PIECE_H_
