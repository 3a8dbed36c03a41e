// mr_json_splitter of millrace/read.h.
#include "text/json_splitter.h"

#include <string_view>

#include "api/guard.h"
#include "millrace/read.h"
#include "text/json_record.h"

struct mr_json_splitter {
  millrace::JsonSplitter splitter;
};

namespace {

using millrace::report;

template <class Body>
mr_code guarded(Body body) {
  return millrace::guarded(body, "not enough memory for a reader of JSON");
}

}  // namespace

extern "C" {

mr_code mr_json_splitter_create(mr_text path, mr_json_splitter** out) {
  return guarded([&] {
    const std::string_view dotted(reinterpret_cast<const char*>(path.data), path.size);
    *out = new mr_json_splitter{millrace::JsonSplitter(millrace::field_path(dotted))};
    return millrace::ok();
  });
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
    return millrace::ok();
  });
}

}  // extern "C"
