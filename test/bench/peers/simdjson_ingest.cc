// What simdjson needs to read a corpus: every record's id and text, on demand, from the file's first byte to its last.
// simdjson_ingest array|lines FILE prints {"documents", "textBytes", "seconds"}.
#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <cstring>

namespace {

size_t documents = 0;
size_t text_bytes = 0;

template <class Object>
void take(Object object) {
  const std::string_view id = object["id"];
  const std::string_view text = object["text"];
  documents += id.empty() ? 0 : 1;
  text_bytes += text.size();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto begin = std::chrono::steady_clock::now();
  const simdjson::padded_string json = simdjson::padded_string::load(argv[2]);
  simdjson::ondemand::parser parser;
  if (std::strcmp(argv[1], "array") == 0) {
    simdjson::ondemand::document document = parser.iterate(json);
    for (simdjson::ondemand::object object : document.get_array()) take(object);
  } else {
    // Batches of a MiB, as large as the records are expected to be.
    simdjson::ondemand::document_stream stream = parser.iterate_many(json, 1 << 20);
    for (auto document : stream) take(simdjson::ondemand::object(document.get_object()));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("{\"documents\": %zu, \"textBytes\": %zu, \"seconds\": %f}\n", documents, text_bytes, seconds.count());
  return 0;
}
