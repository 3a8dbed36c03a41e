// Reading: JavaScript values to millrace/read.h and back. Results are copied into buffers that JavaScript owns, so that
// a block can be transferred to another thread.
#include "millrace/read.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "addon/scan_values.h"
#include "addon/values.h"

namespace millrace::addon {
namespace {

constexpr napi_type_tag kSplitterTag = {0x6d696c6c72616365ull, 0x6a736f6e73706c69ull};

struct Destroy {
  void operator()(mr_texts* texts) const { mr_texts_destroy(texts); }
};

// Offsets come from JavaScript: nothing below may trust them unseen.
Napi::Uint32Array offsets_of(Napi::Env env, const Napi::Value& value, const char* name, size_t num_bytes) {
  const Napi::Uint32Array offsets = uint32_of(value, name);
  const size_t count = offsets.ElementLength();
  const uint32_t* data = offsets.Data();
  bool good = count != 0 && data[count - 1] <= num_bytes;
  for (size_t i = 1; good && i < count; ++i) good = data[i - 1] <= data[i];
  if (!good) refuse(env, std::string("expected ascending offsets inside the bytes for ") + name);
  return offsets;
}

void expect_length(Napi::Env env, size_t length, size_t expected, const char* name) {
  if (length == expected) return;
  refuse(env, "expected " + std::to_string(expected) + " elements for " + name + ", got " + std::to_string(length));
}

bool flag_of(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsBoolean()) refuse(object.Env(), std::string("expected true or false for ") + name);
  return value.As<Napi::Boolean>().Value();
}

mr_text text_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

Napi::Value unicode_version(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), mr_unicode_version());
}

// scanJsonl(bytes, options)
Napi::Value scan_jsonl(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const Napi::Uint8Array bytes = bytes_of(info[0], "bytes");
  const ScanChoices choices(object_of(info[1], "options"));
  mr_scan* scan = nullptr;
  check(env, mr_scan_jsonl(bytes.Data(), bytes.ElementLength(), &choices.options(), &scan));
  const Scan owner(scan);
  mr_scan_view view;
  check(env, mr_scan_get(scan, &view));
  Napi::Object result = object_of_scan(env, scan, view);
  if (choices.options().values != 0) result.Set("valueBegin", static_cast<double>(view.value_begin));
  result.Set("text", copied<Napi::Uint8Array>(env, view.text.data, view.text.size));
  result.Set("textOffsets", copied<Napi::Uint32Array>(env, view.text_offsets, view.num_documents + 1));
  result.Set("meta", copied<Napi::Uint8Array>(env, view.meta.data, view.meta.size));
  result.Set("metaOffsets", copied<Napi::Uint32Array>(env, view.meta_offsets, view.num_documents + 1));
  return result;
}

// createJsonSplitter(path)
Napi::Value create_json_splitter(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsString()) refuse(env, "expected a string for path");
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  mr_json_splitter* splitter = nullptr;
  check(env, mr_json_splitter_create(text_of(path), &splitter));
  auto handle = Napi::External<mr_json_splitter>::New(
      env, splitter, [](Napi::Env, mr_json_splitter* owned) { mr_json_splitter_destroy(owned); });
  handle.TypeTag(&kSplitterTag);
  return handle;
}

// splitJson(splitter, bytes, isLast)
Napi::Value split_json(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsExternal() || !info[0].As<Napi::External<mr_json_splitter>>().CheckTypeTag(&kSplitterTag)) {
    refuse(env, "expected what createJsonSplitter made for splitter");
  }
  Napi::Uint8Array bytes = bytes_of(info[1], "bytes");
  mr_json_split split;
  check(env, mr_json_splitter_push(info[0].As<Napi::External<mr_json_splitter>>().Data(), bytes.Data(),
                                   bytes.ElementLength(), info[2].ToBoolean() ? 1 : 0, &split));
  Napi::Object result = Napi::Object::New(env);
  result.Set("good", static_cast<double>(split.good));
  result.Set("completeUntil", static_cast<double>(split.complete_until));
  if (split.fault != nullptr) result.Set("fault", split.fault);
  return result;
}

// normalizeTexts(text, offsets, {nfc, newlines})
Napi::Value normalize_texts(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const Napi::Uint8Array text = bytes_of(info[0], "text");
  const Napi::Uint32Array offsets = offsets_of(env, info[1], "offsets", text.ElementLength());
  if (!info[2].IsObject()) refuse(env, "expected an object for options");
  const Napi::Object options = info[2].As<Napi::Object>();
  mr_texts* texts = nullptr;
  check(env, mr_normalize_texts(text.Data(), offsets.Data(), offsets.ElementLength() - 1, flag_of(options, "nfc"),
                                flag_of(options, "newlines"), &texts));
  const std::unique_ptr<mr_texts, Destroy> owner(texts);
  mr_text data;
  const uint32_t* new_offsets;
  check(env, mr_texts_get(texts, &data, &new_offsets));
  Napi::Object result = Napi::Object::New(env);
  result.Set("text", copied<Napi::Uint8Array>(env, data.data, data.size));
  result.Set("offsets", copied<Napi::Uint32Array>(env, new_offsets, offsets.ElementLength()));
  return result;
}

// formatJsonl(block, keep)
Napi::Value format_jsonl(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsObject() || !info[0].As<Napi::Object>().Get("sources").IsArray()) {
    refuse(env, "expected a block of documents");
  }
  const Napi::Object block = info[0].As<Napi::Object>();
  const auto num_documents = static_cast<size_t>(size_of(block.Get("numDocuments"), "numDocuments"));
  const Napi::Uint8Array text = bytes_of(block.Get("text"), "text");
  const Napi::Uint8Array id = bytes_of(block.Get("id"), "id");
  const Napi::Uint8Array meta = bytes_of(block.Get("meta"), "meta");
  const Napi::Uint32Array text_offsets = offsets_of(env, block.Get("textOffsets"), "textOffsets", text.ElementLength());
  const Napi::Uint32Array id_offsets = offsets_of(env, block.Get("idOffsets"), "idOffsets", id.ElementLength());
  const Napi::Uint32Array meta_offsets = offsets_of(env, block.Get("metaOffsets"), "metaOffsets", meta.ElementLength());
  const Napi::Uint32Array source_index = uint32_of(block.Get("sourceIndex"), "sourceIndex");
  const Napi::Uint8Array keep = bytes_of(info[1], "keep");
  expect_length(env, text_offsets.ElementLength(), num_documents + 1, "textOffsets");
  expect_length(env, id_offsets.ElementLength(), num_documents + 1, "idOffsets");
  expect_length(env, meta_offsets.ElementLength(), num_documents + 1, "metaOffsets");
  expect_length(env, source_index.ElementLength(), num_documents, "sourceIndex");
  expect_length(env, keep.ElementLength(), num_documents, "keep");

  const Napi::Array names = block.Get("sources").As<Napi::Array>();
  std::string sources;
  std::vector<uint32_t> source_offsets = {0};
  for (uint32_t i = 0; i < names.Length(); ++i) {
    const Napi::Value name = names.Get(i);
    if (!name.IsString()) refuse(env, "expected strings for sources");
    sources += name.As<Napi::String>().Utf8Value();
    source_offsets.push_back(static_cast<uint32_t>(sources.size()));
  }
  for (size_t i = 0; i < num_documents; ++i) {
    if (source_index.Data()[i] >= names.Length()) refuse(env, "expected indices of sources for sourceIndex");
  }

  const mr_documents documents = {num_documents,         text.Data(),         id.Data(),         meta.Data(),
                                  text_of(sources).data, text_offsets.Data(), id_offsets.Data(), meta_offsets.Data(),
                                  source_offsets.data(), source_index.Data()};
  mr_texts* texts = nullptr;
  check(env, mr_format_jsonl(&documents, keep.Data(), &texts));
  const std::unique_ptr<mr_texts, Destroy> owner(texts);
  mr_text lines;
  check(env, mr_texts_get(texts, &lines, nullptr));
  return copied<Napi::Uint8Array>(env, lines.data, lines.size);
}

// joinRows(json, runs, sources)
Napi::Value join_rows(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const Napi::Uint8Array json = bytes_of(info[0], "json");
  const Napi::Uint32Array runs = uint32_of(info[1], "runs");
  if (!info[2].IsArray()) refuse(env, "expected an array for sources");
  const auto arrays = info[2].As<Napi::Array>();
  std::vector<mr_text> sources(arrays.Length());
  for (uint32_t i = 0; i < arrays.Length(); ++i) {
    const Napi::Uint8Array source = bytes_of(arrays.Get(i), "sources");
    sources[i] = {source.Data(), source.ElementLength()};
  }
  mr_texts* texts = nullptr;
  check(env, mr_join_rows({json.Data(), json.ElementLength()}, runs.Data(), runs.ElementLength() / 4, sources.data(),
                          sources.size(), &texts));
  const std::unique_ptr<mr_texts, Destroy> owner(texts);
  mr_text lines;
  check(env, mr_texts_get(texts, &lines, nullptr));
  return copied<Napi::Uint8Array>(env, lines.data, lines.size);
}

}  // namespace

void register_read(Napi::Env env, Napi::Object exports) {
  exports.Set("unicodeVersion", Napi::Function::New(env, unicode_version, "unicodeVersion"));
  exports.Set("scanJsonl", Napi::Function::New(env, scan_jsonl, "scanJsonl"));
  exports.Set("createJsonSplitter", Napi::Function::New(env, create_json_splitter, "createJsonSplitter"));
  exports.Set("splitJson", Napi::Function::New(env, split_json, "splitJson"));
  exports.Set("normalizeTexts", Napi::Function::New(env, normalize_texts, "normalizeTexts"));
  exports.Set("formatJsonl", Napi::Function::New(env, format_jsonl, "formatJsonl"));
  exports.Set("joinRows", Napi::Function::New(env, join_rows, "joinRows"));
}

}  // namespace millrace::addon
