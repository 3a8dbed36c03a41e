#include "text/json_lines.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "text/json_cursor.h"

namespace millrace {
namespace {

constexpr std::array<std::string_view, 3> kFieldNames = {"id", "text", "source"};

struct Member {
  std::string name;           // unescaped
  std::string_view raw_name;  // with its quotes
  std::string_view raw_value;
};

std::string_view span(const uint8_t* begin, const uint8_t* end) {
  return {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)};
}

// Splits an object; false when it is not one.
bool split_members(const uint8_t* meta, size_t length, std::vector<Member>* out) {
  JsonCursor cursor(meta, meta + length);
  if (!cursor.expect('{', "")) return false;
  ByteBuffer buffer;
  for (cursor.skip_whitespace(); cursor.peek() != '}'; cursor.skip_whitespace()) {
    if (!out->empty()) {
      if (!cursor.expect(',', "")) return false;
      cursor.skip_whitespace();
    }
    if (cursor.peek() != '"') return false;
    const uint8_t* name_begin = cursor.position();
    std::string_view name;
    bool lone_surrogate = false;
    if (!cursor.read_string(buffer, &name, &lone_surrogate)) return false;
    const uint8_t* name_end = cursor.position();
    cursor.skip_whitespace();
    if (!cursor.expect(':', "")) return false;
    cursor.skip_whitespace();
    const uint8_t* value_begin = cursor.position();
    if (!cursor.skip_value(1)) return false;
    out->push_back({std::string(name), span(name_begin, name_end), span(value_begin, cursor.position())});
  }
  cursor.advance();
  return cursor.at_end();
}

bool is_field_name(std::string_view name) {
  return std::find(kFieldNames.begin(), kFieldNames.end(), name) != kFieldNames.end();
}

void append_members(const std::vector<Member>& members, std::string& out) {
  for (const Member& member : members) {
    out.push_back(',');
    if (is_field_name(member.name)) {
      std::string name = member.name;
      const auto taken = [&](const Member& other) { return other.name == name; };
      do {
        name.insert(0, "original_");
      } while (std::any_of(members.begin(), members.end(), taken));
      append_json_string(reinterpret_cast<const uint8_t*>(name.data()), name.size(), out);
    } else {
      out.append(member.raw_name);
    }
    out.push_back(':');
    out.append(member.raw_value);
  }
}

}  // namespace

Status format_jsonl(const DocumentColumns& documents, const uint8_t* keep, std::string& out) {
  std::vector<Member> members;
  for (size_t row = 0; row < documents.num_documents; ++row) {
    if (keep[row] == 0) continue;
    const size_t source = documents.source_index[row];
    out.append("{\"id\":");
    append_json_string(documents.id.begin(row), documents.id.size(row), out);
    out.append(",\"text\":");
    append_json_string(documents.text.begin(row), documents.text.size(row), out);
    out.append(",\"source\":");
    append_json_string(documents.sources.begin(source), documents.sources.size(source), out);
    members.clear();
    if (!split_members(documents.meta.begin(row), documents.meta.size(row), &members)) {
      return invalid_argument("expected a JSON object as the meta of row " + std::to_string(row));
    }
    append_members(members, out);
    out.append("}\n");
  }
  return ok();
}

}  // namespace millrace
