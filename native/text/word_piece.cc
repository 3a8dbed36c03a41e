#include "text/word_piece.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace millrace {

namespace {

constexpr size_t kMostVocabBytes = size_t{1} << 24;

size_t count_characters(const uint8_t* text, size_t length) {
  return static_cast<size_t>(std::count_if(text, text + length, [](uint8_t byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace

Status WordPiece::create(std::vector<std::string> tokens, const WordPieceOptions& options,
                         std::unique_ptr<TokenEncoder>* out) {
  // A token that begins with the prefix stands in both tries.
  size_t num_bytes = 0;
  for (const std::string& token : tokens) num_bytes += 2 * token.size();
  if (num_bytes >= kMostVocabBytes) {
    return invalid_argument("expected less than 8 MiB of tokens for the vocabulary, got " +
                            std::to_string(num_bytes / 2) + " bytes");
  }
  if (options.unknown.empty() || std::find(tokens.begin(), tokens.end(), options.unknown) == tokens.end()) {
    return invalid_argument("expected the token " + options.unknown + " for the vocabulary, got none");
  }
  out->reset(new WordPiece(std::move(tokens), options, num_bytes));
  return ok();
}

WordPiece::WordPiece(std::vector<std::string> tokens, const WordPieceOptions& options, size_t num_bytes)
    : tokens_(std::move(tokens)),
      prefix_(options.prefix),
      most_characters_(options.most_characters),
      trie_(num_bytes, 2) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view token = tokens_[i];
    const int32_t id = static_cast<int32_t>(i);
    if (token == options.unknown) unknown_ = id;
    if (token.empty()) continue;
    trie_.add(kBegin, token, id);
    if (token.size() > prefix_.size() && token.starts_with(prefix_)) {
      trie_.add(kInside, token.substr(prefix_.size()), id);
    }
  }
  // More bytes than the longest word that can be known.
  if (options.words) words_.emplace(*options.words, 4 * (most_characters_ + 1));
}

void WordPiece::encode(const uint8_t* text, size_t length, IdBuffer& out) {
  if (!words_) {
    const uint32_t end = static_cast<uint32_t>(length);
    if (length > 0) encode_words(text, length, &end, 1, out);
    return;
  }
  words_->start(text, length);
  while (const size_t count = words_->next()) {
    const uint32_t* ends = words_->ends();
    encode_words(words_->words(), ends[count - 1] + BertText::kReadable, ends, count, out);
  }
}

void WordPiece::encode_words(const uint8_t* words, size_t readable, const uint32_t* ends, size_t count, IdBuffer& out) {
  // A word has no more ids than bytes.
  out.reserve(out.size() + ends[count - 1] + PieceCache::kSlack);
  out.set_end(cache_.encode(
      words, readable, 0, ends, count, out.end(), [](size_t, size_t end) { return end; },
      [this](const uint8_t* word, size_t length, int32_t* ids) { return cut(word, length, ids); }));
}

size_t WordPiece::cut(const uint8_t* word, size_t length, int32_t* out) const {
  size_t count = 0;
  // A character has at least one byte: most words need no counting.
  bool known = length <= most_characters_ || count_characters(word, length) <= most_characters_;
  for (size_t begin = 0; known && begin < length;) {
    const auto [taken, id] = trie_.longest(begin == 0 ? kBegin : kInside, word + begin, length - begin);
    known = taken > 0;
    out[count++] = id;
    begin += taken;
  }
  if (known) return count;
  out[0] = unknown_;
  return 1;
}

Status WordPiece::decode(const int32_t* ids, size_t count, std::string& out) const {
  for (size_t i = 0; i < count; ++i) {
    MR_RETURN_IF_ERROR(check_id(ids[i], i));
    const std::string_view token = tokens_[static_cast<size_t>(ids[i])];
    const bool continues = i > 0 && token.starts_with(prefix_);
    if (i > 0 && !continues) out += ' ';
    out += continues ? token.substr(prefix_.size()) : token;
  }
  return ok();
}

}  // namespace millrace
