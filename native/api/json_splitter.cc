// mr_json_splitter of millrace/read.h.
#include "text/json_splitter.h"

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "api/last_error.h"
#include "millrace/read.h"

struct mr_json_splitter {
  millrace::JsonSplitter splitter;
};

namespace {

using millrace::report;
using millrace::Status;

std::vector<std::string> names_of(mr_text path) {
  std::vector<std::string> names;
  if (path.size == 0) return names;
  names.emplace_back();
  for (size_t i = 0; i < path.size; ++i) {
    if (path.data[i] == '.') {
      names.emplace_back();
    } else {
      names.back().push_back(static_cast<char>(path.data[i]));
    }
  }
  return names;
}

template <class Body>
mr_code guarded(Body body) {
  try {
    body();
    return MR_OK;
  } catch (const std::bad_alloc&) {
    return report(Status(MR_OUT_OF_MEMORY, "not enough memory for a reader of JSON"));
  } catch (const std::exception& error) {
    return report(millrace::internal_error(error.what()));
  }
}

}  // namespace

extern "C" {

mr_code mr_json_splitter_create(mr_text path, mr_json_splitter** out) {
  return guarded([&] { *out = new mr_json_splitter{millrace::JsonSplitter(names_of(path))}; });
}

void mr_json_splitter_destroy(mr_json_splitter* splitter) { delete splitter; }

mr_code mr_json_splitter_push(mr_json_splitter* splitter, uint8_t* bytes, size_t size, int last, mr_json_split* out) {
  if (splitter->splitter.fault() != nullptr) {
    return report(millrace::invalid_argument("expected no more bytes after a fault"));
  }
  return guarded([&] {
    millrace::JsonSplitter& json = splitter->splitter;
    const size_t good = json.push(bytes, size);
    if (last != 0 && json.fault() == nullptr) json.finish();
    *out = {good, json.complete_until(), json.fault()};
  });
}

}  // extern "C"
