// RecordReader: takes the fields Millrace knows out of one JSON object and keeps all others as they are written.
//
// Rules. Names are compared after unescaping. A name that stands twice in the record's object, or in an object that a
// field's path passes through, makes the record ambiguous: "duplicate-key". A lone surrogate is refused where its
// string is read (text, id and source, and names in those objects) and kept as written everywhere else. A source that
// is not a string is no source and stays among the other fields; so does the score, whatever it is. Bad syntax anywhere
// outranks every other reason.
#ifndef MILLRACE_TEXT_JSON_RECORD_H_
#define MILLRACE_TEXT_JSON_RECORD_H_

#include <array>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "text/byte_buffer.h"
#include "text/json_cursor.h"

namespace millrace {

// Where a field stands: the names to walk, outermost first. No names: the field is never looked up.
using FieldPath = std::vector<std::string>;

// Of a dotted path; none of an empty one.
FieldPath field_path(std::string_view dotted);

// Dotted paths ("meta.body"); all but the text's may be empty.
struct FieldNames {
  std::string_view text, id, source, score;
};

// What one record gave; it points into the line and into the reader's buffers and holds until the next read.
struct Record {
  std::string_view text;
  std::string_view id;
  std::string_view source;
  bool has_id = false;
  bool has_source = false;
  double score = std::numeric_limits<double>::quiet_NaN();  // NaN: the field is missing or not a number
  // The object without the fields above, as JSON: "{}" when nothing else was there.
  std::string_view meta;
};

struct RecordFault {
  const char* reason = nullptr;  // null: the record is good
  std::string detail;
};

class RecordReader {
 public:
  // Fails when one path is another or passes through it.
  static Status create(const FieldNames& names, size_t max_document_bytes, RecordReader* out);

  // One line without its line end, valid UTF-8.
  RecordFault read(const uint8_t* begin, const uint8_t* end, Record* out);

 private:
  enum Field : uint32_t { kText, kId, kSource, kScore, kNumFields };

  bool read_object(JsonCursor& cursor, size_t depth, uint32_t active);
  bool read_member(JsonCursor& cursor, size_t depth, uint32_t active, const uint8_t* name_begin, std::string_view name,
                   bool* first);
  bool read_field(JsonCursor& cursor, Field field, bool* taken);
  bool read_name(JsonCursor& cursor, std::string_view* out);
  // Ends an object whose names are names_[first_name..).
  void check_names(size_t first_name);
  // Remembers the first thing that is wrong with the record besides its syntax.
  void object_to(const char* reason, std::string detail = {});

  std::array<FieldPath, kNumFields> paths_;
  size_t max_document_bytes_ = 0;

  // A string without escapes stays in the line; others are unescaped into the field's buffer.
  std::array<ByteBuffer, kNumFields> buffers_;
  std::array<std::string_view, kNumFields> values_;
  std::array<bool, kNumFields> found_{};
  double score_ = 0;
  ByteBuffer meta_;
  RecordFault problem_;
  std::vector<std::string_view> names_;
  std::deque<std::string> unescaped_names_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_JSON_RECORD_H_
