// Words as BERT's normalizer and pre-tokenizer cut them, with the answers of Hugging Face tokenizers for each character
// (bert_tables.h), which are those of no single version of Unicode. A byte that is not part of valid UTF-8 counts as
// U+FFFD. ASCII goes the short way, without a branch a byte.
#ifndef MILLRACE_TEXT_BERT_TEXT_H_
#define MILLRACE_TEXT_BERT_TEXT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace {

// The switches of BertNormalizer, applied in this order.
struct BertTextOptions {
  bool clean = true;          // control characters go, other white space becomes a space
  bool chinese = true;        // spaces around ideographs
  bool strip_accents = true;  // canonical decomposition without nonspacing marks
  bool lowercase = true;
};

class BertText {
 public:
  // Words are cut off behind `most_word_bytes` or a little later, so that memory is bounded.
  BertText(const BertTextOptions& options, size_t most_word_bytes);

  // Begins a text, under 4 GiB, that stays where it is until the last next().
  void start(const uint8_t* text, size_t length);

  // Finds the next words and returns how many: 0 after the last. Word i is words()[ends()[i - 1] .. ends()[i]), the
  // first begins at 0; kReadable bytes behind the last may be read too. Valid until the next call.
  size_t next();
  const uint8_t* words() const { return words_.data(); }
  const uint32_t* ends() const { return ends_.data(); }

  static constexpr size_t kReadable = 16;

 private:
  static constexpr size_t kWindow = 4096;

  // What an ASCII character does: the byte it becomes (written, or not), whether words end before and behind it.
  struct Ascii {
    uint8_t byte;
    bool written;
    bool ends_before;
    bool ends_behind;
  };
  struct Combining {
    uint32_t code_point;
    uint8_t combining_class;
  };

  void drop_given_words();
  void ensure_room(size_t characters);
  void take_ascii(size_t stop);
  void take_character();
  void put_cleaned(uint32_t code_point);
  void put_without_accents(uint32_t code_point);
  void put_ordered();
  void put_lower(uint32_t code_point);
  void put(uint32_t code_point);
  void end_word();

  const BertTextOptions options_;
  const size_t most_word_bytes_;
  std::array<Ascii, 128> ascii_;
  const uint8_t* text_ = nullptr;
  size_t length_ = 0;
  size_t position_ = 0;
  // The first num_bytes_ of words_ and num_ends_ of ends_ count; the last word may be unfinished, it began at begin_.
  std::vector<uint8_t> words_;
  std::vector<uint32_t> ends_;
  size_t num_bytes_ = 0;
  size_t num_ends_ = 0;
  size_t begin_ = 0;
  // Characters of combining classes other than 0, in a row: they may still change places.
  std::vector<Combining> combining_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_BERT_TEXT_H_
