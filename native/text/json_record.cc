// Walks the record's object once; members that are not fields are copied to the meta object as raw bytes.
#include "text/json_record.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace millrace {
namespace {

// How much of a name a sentence quotes.
constexpr size_t kQuotedBytes = 100;

std::string_view span(const uint8_t* begin, const uint8_t* end) {
  return {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)};
}

// The nearest double of a JSON number: infinite where it is too large, zero where it is too small.
double number_of(std::string_view digits) {
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  // from_chars tells neither case apart; strtod does, and reads no decimal point differently in the locale "C" of Node.
  return error == std::errc::result_out_of_range ? std::strtod(std::string(digits).c_str(), nullptr) : value;
}

bool passes_through(const FieldPath& longer, const FieldPath& shorter) {
  return shorter.size() <= longer.size() && std::equal(shorter.begin(), shorter.end(), longer.begin());
}

}  // namespace

FieldPath field_path(std::string_view dotted) {
  FieldPath path;
  if (dotted.empty()) return path;
  for (;;) {
    const size_t dot = dotted.find('.');
    path.emplace_back(dotted.substr(0, dot));
    if (dot == std::string_view::npos) return path;
    dotted.remove_prefix(dot + 1);
  }
}

Status RecordReader::create(const FieldNames& names, size_t max_document_bytes, RecordReader* out) {
  if (names.text.empty()) return invalid_argument("expected a name for textField, got an empty one");
  out->paths_ = {field_path(names.text), field_path(names.id), field_path(names.source), field_path(names.score)};
  out->max_document_bytes_ = max_document_bytes;
  for (const FieldPath& path : out->paths_) {
    if (std::find(path.begin(), path.end(), std::string()) != path.end()) {
      return invalid_argument("expected names between the dots of a field's path, got an empty one");
    }
    for (const FieldPath& other : out->paths_) {
      if (&path != &other && !path.empty() && !other.empty() && passes_through(path, other)) {
        return invalid_argument(
            "expected different paths for the text, id, source and score fields, got one inside another");
      }
    }
  }
  return ok();
}

RecordFault RecordReader::read(const uint8_t* begin, const uint8_t* end, Record* out) {
  found_.fill(false);
  score_ = std::numeric_limits<double>::quiet_NaN();
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
  const auto value_of = [&](Field field) { return found_[field] ? values_[field] : std::string_view(); };
  *out = {value_of(kText), value_of(kId), value_of(kSource), found_[kId], found_[kSource], score_, meta_.view()};
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
  std::string_view& value = values_[field];
  const uint8_t next = cursor.peek();
  if (next == '"' && field != kScore) {
    bool lone_surrogate = false;
    if (!cursor.read_string(buffers_[field], &value, &lone_surrogate)) return false;
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
      value = span(begin, cursor.position());
      found_[field] = *taken = true;
    } else {
      object_to("id-not-a-string-or-number");
    }
  } else if (field == kScore && (next == '-' || (next >= '0' && next <= '9'))) {
    score_ = number_of(span(begin, cursor.position()));
  }
  return true;
}

bool RecordReader::read_name(JsonCursor& cursor, std::string_view* out) {
  const JsonCursor start = cursor;
  bool escaped = false;
  if (!cursor.skip_string(&escaped)) return false;
  if (!escaped) {
    *out = span(start.position() + 1, cursor.position() - 1);
    return true;
  }
  JsonCursor again = start;
  ByteBuffer buffer;
  std::string_view name;
  bool lone_surrogate = false;
  if (!again.read_string(buffer, &name, &lone_surrogate)) return false;
  if (lone_surrogate) object_to("lone-surrogate", "an escape in a name is half a surrogate pair");
  unescaped_names_.emplace_back(name);
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
