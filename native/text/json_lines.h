// Documents back to JSON lines: {"id":...,"text":...,"source":...,<the other fields as they were>}.
#ifndef MILLRACE_TEXT_JSON_LINES_H_
#define MILLRACE_TEXT_JSON_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/status.h"

namespace millrace {

// Bytes of row i: data[offsets[i] .. offsets[i + 1]).
struct Column {
  const uint8_t* data;
  const uint32_t* offsets;

  const uint8_t* begin(size_t row) const { return data + offsets[row]; }
  size_t size(size_t row) const { return offsets[row + 1] - offsets[row]; }
};

struct DocumentColumns {
  size_t num_documents;
  Column text;
  Column id;
  Column meta;                   // JSON objects
  Column sources;                // distinct names
  const uint32_t* source_index;  // row of `sources`, one a document
};

// Appends the rows with keep[i] != 0, each ending in LF. The three fields come first, under fixed names; another field
// that already bears one of them is kept as "original_<name>" (with the prefix again for as long as that is taken too).
Status format_jsonl(const DocumentColumns& documents, const uint8_t* keep, std::string& out);

}  // namespace millrace

#endif  // MILLRACE_TEXT_JSON_LINES_H_
