#include "text/sentence_piece_bpe.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <string_view>

#include "text/unicode.h"

namespace millrace {

namespace {

// The official library's bound on how often parts fall apart.
constexpr int kMostDepth = 100;
constexpr size_t kMostSymbols = 64;

// Floats in the order in which the official library takes them: by their bits, the sign first.
int32_t order_of(float score) {
  const int32_t bits = std::bit_cast<int32_t>(score);
  return bits < 0 ? bits ^ 0x7FFFFFFF : bits;
}

uint32_t code_point(const uint8_t* character) {
  size_t position = 0;
  return decode_utf8(character, position);
}

const uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

}  // namespace

void PieceMerges::rank_pieces(const SentencePieceVocab& vocab) {
  std::vector<uint32_t> order(vocab.pieces.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto key = [&](uint32_t id) { return order_of(vocab.pieces[id].score); };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return key(a) > key(b); });
  ranks_.resize(order.size());
  uint32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && key(order[i]) != key(order[i - 1])) ++rank;
    ranks_[order[i]] = rank;
  }
}

void PieceMerges::insert(uint32_t left, uint32_t right, uint32_t merged) {
  const uint64_t key = static_cast<uint64_t>(left) << 32 | right;
  size_t at = place_of(key);
  while (pairs_[at].key != kEmpty) at = (at + 1) & mask_;
  pairs_[at] = {key, merged};
}

void PieceMerges::build(const SentencePieceVocab& vocab) {
  rank_pieces(vocab);
  std::fill(std::begin(ascii_), std::end(ascii_), kNone);
  std::unordered_map<std::string_view, uint32_t> symbols;
  size_t num_characters = 0;
  for (uint32_t id = 0; id < vocab.pieces.size(); ++id) {
    const std::string& text = vocab.pieces[id].text;
    if (text.empty()) continue;
    symbols.emplace(text, id);
    for (size_t i = 0; i < text.size(); i += character_bytes(static_cast<uint8_t>(text[i]))) ++num_characters;
  }
  uint32_t num_symbols = static_cast<uint32_t>(vocab.pieces.size());
  for (const SentencePieceVocab::Piece& piece : vocab.pieces) {
    for (size_t i = 0, size = 0; i < piece.text.size(); i += size) {
      size = character_bytes(static_cast<uint8_t>(piece.text[i]));
      const std::string_view character = std::string_view(piece.text).substr(i, size);
      const auto [entry, is_new] = symbols.emplace(character, num_symbols);
      num_symbols += is_new ? 1 : 0;
      const uint32_t code = code_point(bytes_of(character));
      if (code < 128) {
        ascii_[code] = entry->second;
      } else {
        characters_.emplace(code, entry->second);
      }
    }
  }
  const size_t num_places = std::bit_ceil(std::max<size_t>(2 * num_characters, 16));
  shift_ = 64 - std::countr_zero(num_places);
  mask_ = num_places - 1;
  pairs_ = HugeArray<Pair>(num_places);
  std::fill_n(pairs_.data(), num_places, Pair{kEmpty, 0});
  for (uint32_t id = 0; id < vocab.pieces.size(); ++id) {
    const std::string_view text = vocab.pieces[id].text;
    if (text.empty()) continue;
    for (size_t i = character_bytes(bytes_of(text)[0]); i < text.size(); i += character_bytes(bytes_of(text)[i])) {
      const auto left = symbols.find(text.substr(0, i));
      const auto right = symbols.find(text.substr(i));
      if (left != symbols.end() && right != symbols.end()) insert(left->second, right->second, id);
    }
  }
}

uint32_t PieceMerges::symbol_of(const uint8_t* character, size_t size) const {
  if (size == 1) return *character < 128 ? ascii_[*character] : kNone;
  const auto found = characters_.find(code_point(character));
  return found == characters_.end() ? kNone : found->second;
}

Status BpeModel::load() {
  std::vector<PieceTrie::Key> keys;
  for (size_t id = 0; id < vocab_.pieces.size(); ++id) {
    const SentencePieceVocab::Piece& piece = vocab_.pieces[id];
    if (piece.type != PieceType::kUserDefined || piece.text.empty()) continue;
    keys.push_back({piece.text, static_cast<int32_t>(id)});
  }
  merges_.build(vocab_);
  return user_defined_.build(std::move(keys));
}

void BpeModel::start(const uint8_t* segment, size_t length) {
  symbols_.clear();
  for (size_t begin = 0; begin < length;) {
    const uint32_t index = static_cast<uint32_t>(symbols_.size());
    const size_t symbol = user_defined_.longest_prefix(segment + begin, length - begin, kMostSymbols);
    const size_t size = symbol > 0 ? symbol : std::min(character_bytes(segment[begin]), length - begin);
    const uint32_t id = symbol > 0 ? kNone : merges_.symbol_of(segment + begin, size);
    begin += size;
    symbols_.push_back({id, static_cast<uint32_t>(begin - size), kNone, begin < length ? index + 1 : kNone,
                        index == 0 ? kNone : index - 1});
  }
  pairs_.assign(symbols_.size(), kNoPair);
}

void BpeModel::find_pair(uint32_t left) {
  Symbol& symbol = symbols_[left];
  pairs_[left] = kNoPair;
  if (symbol.next == kNone) return;
  const uint32_t right = symbols_[symbol.next].id;
  if (symbol.id == kNone || right == kNone) return;
  symbol.merged = merges_.merged(symbol.id, right);
  if (symbol.merged == kNone) return;
  pairs_[left] = static_cast<uint64_t>(merges_.rank(symbol.merged)) << 32 | left;
  if (vocab_.has_unused && vocab_.pieces[symbol.merged].type == PieceType::kUnused) {
    parts_[symbol.merged] = {symbol.id, right};
  }
  if (!uses_heap_) return;
  heap_.push_back(pairs_[left]);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

void BpeModel::merge(uint32_t left) {
  Symbol& symbol = symbols_[left];
  const Symbol& right = symbols_[symbol.next];
  pairs_[symbol.next] = kNoPair;
  symbol.id = symbol.merged;
  symbol.next = right.next;
  if (symbol.next != kNone) symbols_[symbol.next].previous = left;
  if (symbol.previous != kNone) find_pair(symbol.previous);
  find_pair(left);
}

void BpeModel::merge_few() {
  for (;;) {
    uint64_t best = kNoPair;
    for (const uint64_t pair : pairs_) best = std::min(best, pair);
    if (best == kNoPair) return;
    merge(static_cast<uint32_t>(best));
  }
}

void BpeModel::merge_many() {
  uses_heap_ = true;
  heap_.clear();
  std::copy_if(pairs_.begin(), pairs_.end(), std::back_inserter(heap_), [](uint64_t pair) { return pair != kNoPair; });
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const uint64_t pair = heap_.back();
    heap_.pop_back();
    if (pairs_[static_cast<uint32_t>(pair)] == pair) merge(static_cast<uint32_t>(pair));
  }
  uses_heap_ = false;
}

uint32_t BpeModel::length_of(uint32_t id, const uint8_t* at) const {
  const size_t size = id < vocab_.pieces.size() ? vocab_.pieces[id].text.size() : character_bytes(*at);
  return static_cast<uint32_t>(size);
}

void BpeModel::append(uint32_t id, const uint8_t* segment, uint32_t begin, int depth,
                      std::vector<PieceSpan>& out) const {
  const uint32_t length = length_of(id, segment + begin);
  if (id >= vocab_.pieces.size()) {
    out.push_back({SentencePieceVocab::kUnknown, length});
    return;
  }
  if (depth > kMostDepth || vocab_.pieces[id].type != PieceType::kUnused) {
    out.push_back({static_cast<int32_t>(id), length});
    return;
  }
  const auto parts = parts_.find(id);
  if (parts == parts_.end()) {
    out.push_back({SentencePieceVocab::kUnknown, length});
    return;
  }
  append(parts->second.left, segment, begin, depth + 1, out);
  append(parts->second.right, segment, begin + length_of(parts->second.left, segment + begin), depth + 1, out);
}

void BpeModel::cut(const uint8_t* segment, size_t length, std::vector<PieceSpan>& out) {
  if (length == 0) return;
  parts_.clear();
  start(segment, length);
  for (uint32_t left = 0; left + 1 < symbols_.size(); ++left) find_pair(left);
  if (symbols_.size() <= kFewSymbols) {
    merge_few();
  } else {
    merge_many();
  }
  for (uint32_t at = 0; at != kNone; at = symbols_[at].next) {
    const Symbol& symbol = symbols_[at];
    const uint32_t end = symbol.next == kNone ? static_cast<uint32_t>(length) : symbols_[symbol.next].begin;
    if (symbol.id != kNone) {
      append(symbol.id, segment, symbol.begin, 0, out);
      continue;
    }
    // A user-defined symbol, or a character that is in no piece.
    uint64_t unit = user_defined_.empty() ? 0 : user_defined_.root();
    uint32_t to = symbol.begin;
    while (!user_defined_.empty() && to < end && user_defined_.step(unit, segment[to])) ++to;
    const bool is_symbol = !user_defined_.empty() && to == end && PieceTrie::value(unit) >= 0;
    out.push_back({is_symbol ? PieceTrie::value(unit) : SentencePieceVocab::kUnknown, end - symbol.begin});
  }
  release_scratch();
}

// One giant segment must not hold its memory for the rest of the run.
void BpeModel::release_scratch() {
  constexpr size_t kKeptSymbols = size_t{1} << 18;
  if (symbols_.capacity() <= kKeptSymbols) return;
  std::vector<Symbol>().swap(symbols_);
  std::vector<uint64_t>().swap(pairs_);
  std::vector<uint64_t>().swap(heap_);
}

}  // namespace millrace
