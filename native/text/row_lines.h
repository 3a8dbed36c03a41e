// Lines of JSON for rows of a table: what is JSON already, with the texts of the rows between, which are escaped here.
#ifndef MILLRACE_TEXT_ROW_LINES_H_
#define MILLRACE_TEXT_ROW_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"

namespace millrace {

// Behind json[.. json_end): the bytes [begin, end) of a source, as a JSON string. They need not be UTF-8.
struct TextRun {
  uint32_t json_end;
  uint32_t source;
  uint32_t begin;
  uint32_t end;
};

// Appends all of `json`, with the runs where they stand; json_end must not go back.
Status join_rows(std::string_view json, const TextRun* runs, size_t num_runs, const std::string_view* sources,
                 size_t num_sources, std::string& out);

}  // namespace millrace

#endif  // MILLRACE_TEXT_ROW_LINES_H_
