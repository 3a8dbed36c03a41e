#include "text/sentence_piece_normalizer.h"

#include <algorithm>
#include <cstring>

#include "text/sentence_piece_vocab.h"
#include "text/unicode.h"

namespace millrace {

namespace {

constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";
// Rules, and symbols, that are looked at in one place: the official library's bounds.
constexpr size_t kMostRules = 32;
constexpr size_t kMostSymbols = 64;

// A unit of Darts-clone: label and leaf flag of a node, or the value of a leaf (bit 31 set).
constexpr uint32_t label_of(uint32_t unit) { return unit & (1u << 31 | 0xFF); }
constexpr bool has_leaf(uint32_t unit) { return (unit >> 8 & 1) != 0; }
constexpr uint32_t value_of(uint32_t unit) { return unit & ~(1u << 31); }
constexpr uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & 1u << 9) >> 6); }

// Whether three bytes are a character between U+1000 and U+CFFF: most of those that are not of one or two bytes.
bool is_common(const uint8_t* text, size_t size) {
  return size == 3 && text[0] > 0xE0 && text[0] < 0xED && (text[1] & 0xC0) == 0x80 && (text[2] & 0xC0) == 0x80;
}

bool is_continuation(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; }

}  // namespace

Status Charsmap::load(std::string_view bytes) {
  if (bytes.empty()) return ok();
  const Status broken = invalid_argument("expected a charsmap of a double array and replacements, got a damaged one");
  uint32_t array_bytes = 0;
  if (bytes.size() <= sizeof(array_bytes)) return broken;
  std::memcpy(&array_bytes, bytes.data(), sizeof(array_bytes));
  bytes.remove_prefix(sizeof(array_bytes));
  if (array_bytes >= bytes.size() || array_bytes < 1024 || array_bytes % 1024 != 0) return broken;
  const size_t num_units = array_bytes / sizeof(uint32_t);
  std::vector<uint32_t> units(num_units);
  std::memcpy(units.data(), bytes.data(), array_bytes);
  const std::string_view replacements = bytes.substr(array_bytes);
  if (replacements.back() != '\0' || valid_utf8_prefix(reinterpret_cast<const uint8_t*>(replacements.data()),
                                                       replacements.size()) != replacements.size()) {
    return broken;
  }
  const auto stays = [&](size_t at) { return ((at ^ offset_of(units[at])) | 0xFF) < num_units; };
  if (label_of(units[0]) != 0 || has_leaf(units[0]) || offset_of(units[0]) == 0 || !stays(0)) return broken;
  for (size_t at = 1; at < num_units; ++at) {
    if (label_of(units[at]) > 0xFF) {
      const uint32_t value = value_of(units[at]);
      if (value >= replacements.size() || is_continuation(replacements[value])) return broken;
    } else if (!stays(at) || (has_leaf(units[at]) && label_of(units[at ^ offset_of(units[at])]) <= 0xFF)) {
      return broken;
    }
  }
  units_ = std::move(units);
  replacements_ = replacements;
  return ok();
}

bool Charsmap::begins(uint8_t byte) const { return !empty() && label_of(units_[offset_of(units_[0]) ^ byte]) == byte; }

bool Charsmap::begins(uint8_t first, uint8_t second) const {
  if (!begins(first)) return false;
  const uint32_t at = offset_of(units_[0]) ^ first;
  return label_of(units_[at ^ offset_of(units_[at]) ^ second]) == second;
}

size_t Charsmap::match(const uint8_t* text, size_t length, std::string_view* replacement) const {
  if (empty()) return 0;
  size_t longest = 0, num_rules = 0;
  uint32_t value = 0;
  uint32_t at = offset_of(units_[0]);
  for (size_t i = 0; i < length && num_rules < kMostRules; ++i) {
    at ^= text[i];
    const uint32_t unit = units_[at];
    if (label_of(unit) != text[i]) break;
    at ^= offset_of(unit);
    if (!has_leaf(unit)) continue;
    ++num_rules;
    longest = i + 1;
    value = value_of(units_[at]);
  }
  if (longest > 0) *replacement = replacements_.c_str() + value;
  return longest;
}

Status SentencePieceNormalizer::load(const NormalizerSpec& spec, bool space_is_suffix,
                                     const std::vector<std::string_view>& user_defined) {
  MR_RETURN_IF_ERROR(charsmap_.load(spec.charsmap));
  space_is_suffix_ = space_is_suffix;
  add_dummy_prefix_ = spec.add_dummy_prefix;
  remove_extra_ = spec.remove_extra_whitespaces;
  escape_ = spec.escape_whitespaces;
  std::vector<PieceTrie::Key> keys;
  for (const std::string_view symbol : user_defined) keys.push_back({symbol, 0});
  MR_RETURN_IF_ERROR(user_defined_.build(std::move(keys)));

  for (size_t byte = 0; byte < 256; ++byte) {
    const uint8_t first = static_cast<uint8_t>(byte);
    uint64_t unit = user_defined_.empty() ? 0 : user_defined_.root();
    const bool begins_symbol = !user_defined_.empty() && user_defined_.step(unit, first);
    begins_rule_[byte] = begins_symbol || charsmap_.begins(first);
    if (byte >= 0x80) continue;
    classes_[byte] = byte == ' ' ? kSpace : kPlain;
    std::string_view becomes;
    bool has_rule = begins_symbol || charsmap_.match(&first, 1, &becomes) > 0;
    for (uint8_t second = 0; second < 0x80 && !has_rule; ++second) has_rule = charsmap_.begins(first, second);
    if (has_rule) classes_[byte] = kRule;
  }
  return ok();
}

size_t SentencePieceNormalizer::match(const uint8_t* text, size_t length, std::string_view* becomes) const {
  const char* chars = reinterpret_cast<const char*>(text);
  if (begins_rule_[text[0]]) {
    const size_t symbol = user_defined_.longest_prefix(text, length, kMostSymbols);
    if (symbol > 0) {
      *becomes = {chars, symbol};
      return symbol;
    }
    const size_t rule = charsmap_.match(text, length, becomes);
    if (rule > 0) return rule;
  }
  const size_t size = std::min(character_bytes(text[0]), length);
  if (is_common(text, size) || valid_utf8_prefix(text, size) == size) {
    *becomes = {chars, size};
    return size;
  }
  *becomes = kReplacementCharacter;
  return 1;
}

void SentencePieceNormalizer::append(std::string_view text, ByteBuffer& out) const {
  const uint8_t lead = static_cast<uint8_t>(text[0]);
  const bool is_character = text.size() == character_bytes(lead);
  const bool is_other =
      is_character ? text[0] != kSpaceSymbol[0] : text.find(kSpaceSymbol[0]) == std::string_view::npos;
  if (!escape_ || is_other) return out.append(text);
  while (!text.empty()) {
    const bool is_symbol = text.starts_with(kSpaceSymbol);
    out.push_back(is_symbol ? ' ' : static_cast<uint8_t>(text[0]));
    text.remove_prefix(is_symbol ? kSpaceSymbol.size() : 1);
  }
}

// Copies bytes that stay themselves; the last of them waits where it and what follows might be a rule.
const uint8_t* SentencePieceNormalizer::copy_plain(const uint8_t* at, const uint8_t* end, bool& after_space,
                                                   ByteBuffer& out) const {
  const uint8_t* to = at;
  bool space = after_space;
  for (; to < end; ++to) {
    const ByteClass kind = classes_[*to];
    if (kind == kRule || (kind == kSpace && space && remove_extra_)) break;
    space = kind == kSpace;
  }
  if (to < end && *to >= 0x80 && to > at && begins_rule_[to[-1]]) --to;
  if (to == at) return at;
  after_space = remove_extra_ && to[-1] == ' ';
  out.append(at, static_cast<size_t>(to - at));
  return to;
}

void SentencePieceNormalizer::normalize(const uint8_t* text, size_t length, ByteBuffer& out) const {
  const uint8_t* at = text;
  const uint8_t* const end = text + length;
  std::string_view becomes;
  while (remove_extra_ && at < end) {
    const size_t size = match(at, static_cast<size_t>(end - at), &becomes);
    if (becomes != " ") break;
    at += size;
  }
  if (at == end) return;
  const size_t begin = out.size();
  out.reserve(begin + static_cast<size_t>(end - at) + 1);
  if (!space_is_suffix_ && add_dummy_prefix_) out.push_back(' ');
  bool after_space = remove_extra_;
  while (at < end) {
    at = copy_plain(at, end, after_space, out);
    if (at == end) break;
    at += match(at, static_cast<size_t>(end - at), &becomes);
    while (after_space && becomes.starts_with(' ')) becomes.remove_prefix(1);
    if (becomes.empty()) continue;
    append(becomes, out);
    after_space = remove_extra_ && becomes.ends_with(' ');
  }
  while (remove_extra_ && out.size() > begin && out.data()[out.size() - 1] == ' ') out.truncate(out.size() - 1);
  if (space_is_suffix_ && add_dummy_prefix_) out.push_back(' ');
}

}  // namespace millrace
