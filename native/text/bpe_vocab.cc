#include "text/bpe_vocab.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "text/token_ids.h"
#include "text/unicode.h"

namespace millrace {

namespace {

// GPT-2's alphabet: printable Latin-1 bytes stand for themselves, the 68 others for U+0100 on, in order.
constexpr uint32_t kAlphabetEnd = 324;
constexpr uint16_t kNotInAlphabet = 0xFFFF;

std::array<uint16_t, kAlphabetEnd> make_byte_of_letter() {
  std::array<uint16_t, kAlphabetEnd> bytes;
  bytes.fill(kNotInAlphabet);
  uint32_t next = 256;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    bytes[printable ? byte : next++] = static_cast<uint16_t>(byte);
  }
  return bytes;
}

// The bytes a token stands for. A token with a character outside the alphabet can only be a special one: its own UTF-8.
std::string token_bytes(const std::string& token, const std::array<uint16_t, kAlphabetEnd>& byte_of_letter,
                        bool* spelled) {
  std::string bytes;
  *spelled = false;
  const uint8_t* text = reinterpret_cast<const uint8_t*>(token.data());
  for (size_t position = 0; position < token.size();) {
    const uint32_t letter = decode_utf8(text, position);
    if (letter >= kAlphabetEnd || byte_of_letter[letter] == kNotInAlphabet) return token;
    bytes.push_back(static_cast<char>(byte_of_letter[letter]));
  }
  *spelled = true;
  return bytes;
}

Status id_error(size_t num_ids, uint32_t id, const std::string& token) {
  return invalid_argument("expected the ids 0 to " + std::to_string(num_ids - 1) +
                          ", each once, for the vocabulary, got " + std::to_string(id) + " for token " + token);
}

Status fill_bytes(const TokenIds& ids, BpeVocab* out) {
  const auto byte_of_letter = make_byte_of_letter();
  out->bytes.assign(ids.size(), std::string());
  out->spelled.assign(ids.size(), false);
  for (const auto& [token, id] : ids) {
    if (token.empty())
      return invalid_argument("expected no empty token for the vocabulary, got id " + std::to_string(id));
    if (id >= out->bytes.size()) {
      out->bytes.resize(id + 1);
      out->spelled.resize(id + 1, false);
    }
    if (!out->bytes[id].empty()) return id_error(ids.size(), id, token);
    bool spelled = false;
    out->bytes[id] = token_bytes(token, byte_of_letter, &spelled);
    out->spelled[id] = spelled;
  }
  for (uint32_t letter = 0; letter < kAlphabetEnd; ++letter) {
    if (byte_of_letter[letter] == kNotInAlphabet) continue;
    std::string token;
    append_utf8(token, letter);
    const auto found = ids.find(token);
    if (found == ids.end()) {
      return invalid_argument("expected a token for byte " + std::to_string(byte_of_letter[letter]) +
                              " for the vocabulary, got none");
    }
    out->byte_ids[byte_of_letter[letter]] = found->second;
  }
  return ok();
}

Status merge_error(size_t line, const std::string& expected, std::string_view got) {
  constexpr size_t kShown = 80;
  return invalid_argument("expected " + expected + " for the merges, line " + std::to_string(line) + ", got \"" +
                          std::string(got.substr(0, kShown)) + "\"");
}

Status parse_merges(std::string_view text, const TokenIds& ids, std::vector<BpeMerge>* out) {
  std::unordered_set<uint64_t> seen;
  size_t line_number = 0;
  while (!text.empty()) {
    const size_t line_end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, line_end);
    text.remove_prefix(std::min(line_end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    ++line_number;
    if (line_number == 1 && line.starts_with("#version")) continue;
    if (line.empty()) continue;
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string_view::npos) {
      return merge_error(line_number, "two tokens and one space between them", line);
    }
    const std::string left(line.substr(0, space));
    const std::string right(line.substr(space + 1));
    const auto left_id = ids.find(left);
    const auto right_id = ids.find(right);
    const auto merged_id = ids.find(left + right);
    if (left_id == ids.end() || right_id == ids.end() || merged_id == ids.end()) {
      return merge_error(line_number, "both tokens and their join in the vocabulary", line);
    }
    if (!seen.insert(static_cast<uint64_t>(left_id->second) << 32 | right_id->second).second) {
      return merge_error(line_number, "each merge once", line);
    }
    if (out->size() >= kMaxTokens) return merge_error(line_number, "fewer than 2097152 merges", line);
    out->push_back({left_id->second, right_id->second, merged_id->second});
  }
  return ok();
}

}  // namespace

std::array<uint8_t, 256> bytes_in_alphabet_order() {
  std::array<uint8_t, 256> bytes;
  size_t count = 0;
  for (const uint16_t byte : make_byte_of_letter()) {
    if (byte != kNotInAlphabet) bytes[count++] = static_cast<uint8_t>(byte);
  }
  return bytes;
}

Status parse_bpe_vocab(std::string_view vocab_json, std::string_view merges_text, BpeVocab* out) {
  TokenIds ids;
  MR_RETURN_IF_ERROR(parse_token_ids(vocab_json, &ids));
  for (const auto& [token, id] : ids) {
    if (id >= ids.size()) return id_error(ids.size(), id, token);
  }
  BpeVocab vocab;
  MR_RETURN_IF_ERROR(fill_bytes(ids, &vocab));
  MR_RETURN_IF_ERROR(parse_merges(merges_text, ids, &vocab.merges));
  *out = std::move(vocab);
  return ok();
}

Status parse_bpe_vocab(std::string_view vocab_json, std::string_view added_json, std::string_view merges_text,
                       BpeVocab* out) {
  TokenIds ids;
  TokenIds added;
  MR_RETURN_IF_ERROR(parse_token_ids(vocab_json, &ids));
  MR_RETURN_IF_ERROR(parse_token_ids(added_json, &added));
  BpeVocab vocab;
  MR_RETURN_IF_ERROR(fill_bytes(ids, &vocab));
  MR_RETURN_IF_ERROR(parse_merges(merges_text, ids, &vocab.merges));
  for (const auto& [token, id] : added) {
    const auto known = ids.find(token);
    if (known != ids.end() && known->second == id) continue;
    if (id >= vocab.bytes.size()) {
      vocab.bytes.resize(id + 1);
      vocab.spelled.resize(id + 1, false);
    }
    if (known != ids.end() || !vocab.bytes[id].empty() || token.empty()) {
      return invalid_argument("expected an id of its own for the added token " + token + ", got " + std::to_string(id));
    }
    vocab.bytes[id] = token;
  }
  *out = std::move(vocab);
  return ok();
}

}  // namespace millrace
