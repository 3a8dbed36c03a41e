// Walks the record's object once; members that are not fields are copied to the meta object as raw bytes.
#include "text/json_record.h"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

// How much of a name a sentence quotes.
constexpr size_t kQuotedBytes = 100;

FieldPath split_path(std::string_view dotted) {
  FieldPath path;
  if (dotted.empty()) return path;
  for (;;) {
    const size_t dot = dotted.find('.');
    path.emplace_back(dotted.substr(0, dot));
    if (dot == std::string_view::npos) return path;
    dotted.remove_prefix(dot + 1);
  }
}

bool passes_through(const FieldPath& longer, const FieldPath& shorter) {
  return shorter.size() <= longer.size() && std::equal(shorter.begin(), shorter.end(), longer.begin());
}

}  // namespace

Status RecordReader::create(std::string_view text_field, std::string_view id_field, std::string_view source_field,
                            size_t max_document_bytes, RecordReader* out) {
  if (text_field.empty()) return invalid_argument("expected a name for textField, got an empty one");
  out->paths_ = {split_path(text_field), split_path(id_field), split_path(source_field)};
  out->max_document_bytes_ = max_document_bytes;
  for (const FieldPath& path : out->paths_) {
    if (std::find(path.begin(), path.end(), std::string()) != path.end()) {
      return invalid_argument("expected names between the dots of a field's path, got an empty one");
    }
    for (const FieldPath& other : out->paths_) {
      if (&path != &other && !path.empty() && !other.empty() && passes_through(path, other)) {
        return invalid_argument("expected different paths for the text, id and source fields, got one inside another");
      }
    }
  }
  return ok();
}

RecordFault RecordReader::read(const uint8_t* begin, const uint8_t* end, Record* out) {
  for (ByteBuffer& value : values_) value.clear();
  found_.fill(false);
  meta_.clear();
  problem_ = {};
  names_.clear();
  unescaped_names_.clear();

  JsonCursor cursor(begin, end);
  cursor.skip_whitespace();
  bool parsed;
  if (cursor.peek() == '{') {
    uint32_t active = 0;
    for (uint32_t field = 0; field < kNumFields; ++field) active |= paths_[field].empty() ? 0u : 1u << field;
    parsed = read_object(cursor, 0, active);
  } else {
    parsed = cursor.skip_value(0);
    object_to("not-an-object", "expected an object as the record");
  }
  if (parsed) {
    cursor.skip_whitespace();
    parsed = cursor.at_end() || cursor.fail("expected the end of the record after its value");
  }
  if (!parsed) {
    const auto offset = static_cast<size_t>(cursor.position() - begin);
    return {"invalid-json", std::string(cursor.fault()) + " at byte " + std::to_string(offset) + " of the record"};
  }
  if (problem_.reason == nullptr && !found_[kText]) object_to("missing-text");
  if (problem_.reason != nullptr) return std::move(problem_);
  *out = {values_[kText].view(), values_[kId].view(), values_[kSource].view(),
          found_[kId],           found_[kSource],     meta_.view()};
  return {};
}

bool RecordReader::read_object(JsonCursor& cursor, size_t depth, uint32_t active) {
  const size_t first_name = names_.size();
  bool first = true;
  cursor.advance();
  meta_.push_back('{');
  cursor.skip_whitespace();
  if (cursor.peek() == '}') {
    cursor.advance();
    meta_.push_back('}');
    return true;
  }
  for (;;) {
    if (cursor.peek() != '"') return cursor.fail("expected a name in quotes");
    const uint8_t* name_begin = cursor.position();
    std::string_view name;
    if (!read_name(cursor, &name)) return false;
    names_.push_back(name);
    cursor.skip_whitespace();
    if (!cursor.expect(':', "expected a colon after a name")) return false;
    cursor.skip_whitespace();
    if (!read_member(cursor, depth, active, name_begin, name, &first)) return false;
    cursor.skip_whitespace();
    if (cursor.peek() == '}') {
      cursor.advance();
      meta_.push_back('}');
      check_names(first_name);
      return true;
    }
    if (!cursor.expect(',', "expected a comma or } after a member")) return false;
    cursor.skip_whitespace();
  }
}

bool RecordReader::read_member(JsonCursor& cursor, size_t depth, uint32_t active, const uint8_t* name_begin,
                               std::string_view name, bool* first) {
  const uint8_t* value_begin = cursor.position();
  uint32_t inside = 0;  // fields whose path goes on inside this member
  bool taken = false;
  bool read = false;
  for (uint32_t field = 0; field < kNumFields; ++field) {
    if ((active >> field & 1) == 0 || paths_[field][depth] != name) continue;
    if (paths_[field].size() > depth + 1) {
      inside |= 1u << field;
    } else {
      if (!read_field(cursor, static_cast<Field>(field), &taken)) return false;
      read = true;
    }
  }
  if (taken) return true;
  const size_t meta_size = meta_.size();
  if (!*first) meta_.push_back(',');
  *first = false;
  if (inside != 0 && cursor.peek() == '{') {
    meta_.append(name_begin, static_cast<size_t>(value_begin - name_begin));
    return read_object(cursor, depth + 1, inside);
  }
  if (!read && !cursor.skip_value(static_cast<int>(depth) + 1)) {
    meta_.truncate(meta_size);
    return false;
  }
  meta_.append(name_begin, static_cast<size_t>(cursor.position() - name_begin));
  return true;
}

// Reads the value of a field. *taken: it is one, and leaves the other fields.
bool RecordReader::read_field(JsonCursor& cursor, Field field, bool* taken) {
  ByteBuffer& value = values_[field];
  const uint8_t next = cursor.peek();
  if (next == '"') {
    bool lone_surrogate = false;
    value.clear();
    if (!cursor.read_string(value, &lone_surrogate)) return false;
    if (lone_surrogate) object_to("lone-surrogate", "an escape names half a surrogate pair");
    if (field == kText && max_document_bytes_ != 0 && value.size() > max_document_bytes_) {
      object_to("too-long", std::to_string(value.size()) + " bytes of text");
    }
    found_[field] = *taken = true;
    return true;
  }
  const uint8_t* begin = cursor.position();
  if (!cursor.skip_value(static_cast<int>(paths_[field].size()))) return false;
  if (field == kText) {
    found_[field] = *taken = true;
    object_to("text-not-a-string");
  } else if (field == kId) {
    if (next == '-' || (next >= '0' && next <= '9')) {
      value.clear();
      value.append(begin, static_cast<size_t>(cursor.position() - begin));
      found_[field] = *taken = true;
    } else {
      object_to("id-not-a-string-or-number");
    }
  }
  return true;
}

bool RecordReader::read_name(JsonCursor& cursor, std::string_view* out) {
  const JsonCursor start = cursor;
  bool escaped = false;
  if (!cursor.skip_string(&escaped)) return false;
  if (!escaped) {
    const auto* text = reinterpret_cast<const char*>(start.position()) + 1;
    *out = {text, static_cast<size_t>(cursor.position() - start.position()) - 2};
    return true;
  }
  JsonCursor again = start;
  ByteBuffer name;
  bool lone_surrogate = false;
  if (!again.read_string(name, &lone_surrogate)) return false;
  if (lone_surrogate) object_to("lone-surrogate", "an escape in a name is half a surrogate pair");
  unescaped_names_.emplace_back(name.view());
  *out = unescaped_names_.back();
  return true;
}

void RecordReader::check_names(size_t first_name) {
  const auto begin = names_.begin() + static_cast<ptrdiff_t>(first_name);
  std::sort(begin, names_.end());
  const auto twice = std::adjacent_find(begin, names_.end());
  if (twice != names_.end()) object_to("duplicate-key", std::string(twice->substr(0, kQuotedBytes)));
  names_.resize(first_name);
}

void RecordReader::object_to(const char* reason, std::string detail) {
  if (problem_.reason == nullptr) problem_ = {reason, std::move(detail)};
}

}  // namespace millrace
