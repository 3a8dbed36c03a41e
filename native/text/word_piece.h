// WordPiece: each word is cut into the longest tokens from left to right; a word that they do not make up is the
// unknown token as a whole. "[SEP]" in a text is ordinary text, as all special tokens are. Used by one thread at a
// time.
#ifndef MILLRACE_TEXT_WORD_PIECE_H_
#define MILLRACE_TEXT_WORD_PIECE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "text/bert_text.h"
#include "text/piece_cache.h"
#include "text/token_encoder.h"
#include "text/token_trie.h"

namespace millrace {

// As BERT has it.
struct WordPieceOptions {
  std::string unknown = "[UNK]";
  std::string prefix = "##";       // before a token that does not begin a word
  uint32_t most_characters = 100;  // a longer word is unknown
  // How texts become words; none: every text is one word as it is.
  std::optional<BertTextOptions> words = BertTextOptions{};
};

class WordPiece : public TokenEncoder {
 public:
  // `tokens` by id, an empty string where an id has none; of equal ones the last counts. Refuses a vocabulary without
  // the unknown token or of 16 MiB and more.
  static Status create(std::vector<std::string> tokens, const WordPieceOptions& options,
                       std::unique_ptr<TokenEncoder>* out);

  size_t vocab_size() const override { return tokens_.size(); }
  void encode(const uint8_t* text, size_t length, IdBuffer& out) override;
  // The words with a space between them: what is before them, case and accents are gone.
  Status decode(const int32_t* ids, size_t count, std::string& out) const override;

 private:
  WordPiece(std::vector<std::string> tokens, const WordPieceOptions& options, size_t num_bytes);

  void encode_words(const uint8_t* words, size_t readable, const uint32_t* ends, size_t count, IdBuffer& out);
  size_t cut(const uint8_t* word, size_t length, int32_t* out) const;

  static constexpr uint32_t kBegin = 0, kInside = 1;  // roots of the trie

  const std::vector<std::string> tokens_;
  const std::string prefix_;
  const size_t most_characters_;
  TokenTrie trie_;
  int32_t unknown_ = -1;
  std::optional<BertText> words_;
  PieceCache cache_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_WORD_PIECE_H_
