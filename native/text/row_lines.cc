#include "text/row_lines.h"

#include "text/json_cursor.h"

namespace millrace {

Status join_rows(std::string_view json, const TextRun* runs, size_t num_runs, const std::string_view* sources,
                 size_t num_sources, std::string& out) {
  size_t at = 0;
  for (size_t i = 0; i < num_runs; ++i) {
    const TextRun& run = runs[i];
    if (run.json_end < at || run.json_end > json.size() || run.source >= num_sources || run.begin > run.end ||
        run.end > sources[run.source].size()) {
      return invalid_argument("expected a run within its source for run " + std::to_string(i) + " of a table's rows");
    }
    out.append(json, at, run.json_end - at);
    at = run.json_end;
    const std::string_view text = sources[run.source].substr(run.begin, run.end - run.begin);
    append_json_string(reinterpret_cast<const uint8_t*>(text.data()), text.size(), out);
  }
  out.append(json, at);
  return ok();
}

}  // namespace millrace
