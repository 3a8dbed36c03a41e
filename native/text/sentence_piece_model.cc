#include "text/sentence_piece_model.h"

#include <cmath>
#include <cstring>
#include <unordered_set>

#include "text/unicode.h"

namespace millrace {

namespace {

// One field of a protocol buffer message: a number (varint, fixed32 or fixed64) or bytes.
struct Field {
  uint32_t number = 0;
  bool is_bytes = false;
  uint64_t value = 0;
  std::string_view bytes;
};

class FieldReader {
 public:
  explicit FieldReader(std::string_view message) : rest_(message) {}

  bool done() const { return rest_.empty(); }

  // False: no field begins here.
  bool next(Field* out) {
    uint64_t key = 0;
    if (!varint(&key) || key >> 3 == 0 || key >> 32 != 0) return false;
    out->number = static_cast<uint32_t>(key >> 3);
    out->is_bytes = (key & 7) == 2;
    switch (key & 7) {
      case 0:
        return varint(&out->value);
      case 1:
        return fixed(8, &out->value);
      case 2: {
        uint64_t size = 0;
        if (!varint(&size) || size > rest_.size()) return false;
        out->bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return true;
      }
      case 5:
        return fixed(4, &out->value);
      default:
        return false;
    }
  }

 private:
  bool varint(uint64_t* out) {
    *out = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (rest_.empty()) return false;
      const uint8_t byte = static_cast<uint8_t>(rest_[0]);
      rest_.remove_prefix(1);
      if (shift < 64) *out |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool fixed(size_t size, uint64_t* out) {
    if (rest_.size() < size) return false;
    *out = 0;
    for (size_t i = 0; i < size; ++i) *out |= static_cast<uint64_t>(static_cast<uint8_t>(rest_[i])) << (8 * i);
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
};

// Calls `take` with every field of a message; a field of a number that is known with another type counts as unknown.
template <typename Take>
bool read_fields(std::string_view message, Take take) {
  FieldReader reader(message);
  while (!reader.done()) {
    Field field;
    if (!reader.next(&field) || !take(field)) return false;
  }
  return true;
}

float float_of(uint64_t bits) {
  const uint32_t low = static_cast<uint32_t>(bits);
  float value = 0;
  std::memcpy(&value, &low, sizeof(value));
  return value;
}

bool read_piece(std::string_view message, ModelPiece* out) {
  return read_fields(message, [&](const Field& field) {
    if (field.number == 1 && field.is_bytes) out->text = field.bytes;
    if (field.number == 2 && !field.is_bytes) out->score = float_of(field.value);
    if (field.number == 3 && !field.is_bytes) {
      if (field.value < 1 || field.value > 6) return false;
      out->type = static_cast<PieceType>(field.value);
    }
    return true;
  });
}

bool read_trainer(std::string_view message, SentencePieceModel* out) {
  return read_fields(message, [&](const Field& field) {
    if (field.number == 3 && !field.is_bytes) {
      if (field.value < 1 || field.value > 4) return false;
      out->kind = static_cast<SentencePieceModel::Kind>(field.value);
    }
    if (field.number == 24 && !field.is_bytes) out->treat_whitespace_as_suffix = field.value != 0;
    if (field.number == 35 && !field.is_bytes) out->byte_fallback = field.value != 0;
    if (field.number == 44 && field.is_bytes) out->unknown_surface = field.bytes;
    return true;
  });
}

bool read_normalizer(std::string_view message, NormalizerSpec* out) {
  return read_fields(message, [&](const Field& field) {
    if (field.number == 2 && field.is_bytes) out->charsmap = field.bytes;
    if (field.number == 3 && !field.is_bytes) out->add_dummy_prefix = field.value != 0;
    if (field.number == 4 && !field.is_bytes) out->remove_extra_whitespaces = field.value != 0;
    if (field.number == 5 && !field.is_bytes) out->escape_whitespaces = field.value != 0;
    return true;
  });
}

bool read_model(std::string_view bytes, SentencePieceModel* out) {
  return read_fields(bytes, [&](const Field& field) {
    if (!field.is_bytes) return true;
    if (field.number == 1) return read_piece(field.bytes, &out->pieces.emplace_back());
    if (field.number == 2) return read_trainer(field.bytes, out);
    if (field.number == 3) return read_normalizer(field.bytes, &out->normalizer);
    if (field.number == 5) return read_normalizer(field.bytes, &out->denormalizer);
    return true;
  });
}

// As the official library does with files that were converted by others: a piece of one NUL beside the byte pieces is
// no piece.
bool is_forgotten(const SentencePieceModel& model, const ModelPiece& piece) {
  return piece.text == std::string_view("\0", 1) && (model.byte_fallback || piece.type == PieceType::kUnused);
}

Status check_piece(const SentencePieceModel& model, const ModelPiece& piece, const std::string& name) {
  constexpr size_t kMostBytes = 8000;
  if (piece.text.empty()) return invalid_argument("expected text for " + name + ", got none");
  if (piece.text.size() >= kMostBytes) return invalid_argument("expected under 8000 bytes for " + name + ", got more");
  if (piece.text.find('\0') != std::string::npos) return invalid_argument("expected no NUL in " + name + ", got one");
  if (valid_utf8_prefix(reinterpret_cast<const uint8_t*>(piece.text.data()), piece.text.size()) != piece.text.size()) {
    return invalid_argument("expected UTF-8 for " + name + ", got other bytes");
  }
  if (model.kind == SentencePieceModel::Kind::kUnigram && !std::isfinite(piece.score)) {
    return invalid_argument("expected a finite score for " + name + ", got another");
  }
  if (piece.type != PieceType::kByte) return ok();
  if (!model.byte_fallback) return invalid_argument("expected no byte piece without byte fallback, got " + name);
  if (byte_of_piece(piece.text) < 0) return invalid_argument("expected <0x00> to <0xFF> for " + name);
  return ok();
}

Status check_pieces(SentencePieceModel* model) {
  // BPE has one name space, the unigram model one for what texts become and one for the rest.
  std::unordered_set<std::string_view> names[2];
  bool has_unknown = false;
  size_t num_bytes = 0;
  for (size_t id = 0; id < model->pieces.size(); ++id) {
    ModelPiece& piece = model->pieces[id];
    if (is_forgotten(*model, piece)) {
      piece.type = PieceType::kUnused;
      continue;
    }
    const std::string name = "piece " + std::to_string(id);
    MR_RETURN_IF_ERROR(check_piece(*model, piece, name));
    const bool second = model->kind != SentencePieceModel::Kind::kBpe && !piece.is_ordinary();
    if (!names[second ? 1 : 0].insert(piece.text).second) {
      return invalid_argument("expected a text of its own for " + name + ", got " + piece.text + " again");
    }
    if (piece.type == PieceType::kUnknown) {
      if (has_unknown) return invalid_argument("expected one unknown piece, got a second, " + name);
      has_unknown = true;
    }
    if (piece.type == PieceType::kByte) ++num_bytes;
  }
  if (!has_unknown && !model->byte_fallback) return invalid_argument("expected an unknown piece, got none");
  if (model->byte_fallback && num_bytes != 256) {
    return invalid_argument("expected 256 byte pieces, got " + std::to_string(num_bytes));
  }
  return ok();
}

}  // namespace

int byte_of_piece(std::string_view text) {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return -1;
  int value = 0;
  for (const char digit : text.substr(3, 2)) {
    if (digit >= '0' && digit <= '9') {
      value = value * 16 + (digit - '0');
    } else if (digit >= 'A' && digit <= 'F') {
      value = value * 16 + (digit - 'A' + 10);
    } else {
      return -1;
    }
  }
  return value;
}

Status parse_sentence_piece_model(std::string_view bytes, SentencePieceModel* out) {
  if (!read_model(bytes, out) || out->pieces.empty()) {
    return invalid_argument("expected a SentencePiece model, got a file that is none or is damaged");
  }
  if (out->kind != SentencePieceModel::Kind::kUnigram && out->kind != SentencePieceModel::Kind::kBpe) {
    return invalid_argument(std::string("expected a unigram or BPE model, got one of ") +
                            (out->kind == SentencePieceModel::Kind::kWord ? "words" : "characters"));
  }
  const std::string& surface = out->unknown_surface;
  if (valid_utf8_prefix(reinterpret_cast<const uint8_t*>(surface.data()), surface.size()) != surface.size()) {
    return invalid_argument("expected UTF-8 for the unknown surface, got other bytes");
  }
  return check_pieces(out);
}

}  // namespace millrace
