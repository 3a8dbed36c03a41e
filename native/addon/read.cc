// Reading: JavaScript values to millrace/read.h and back. Results are copied into buffers that JavaScript owns, so that
// a block can be transferred to another thread.
#include "millrace/read.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "addon/registration.h"

namespace millrace::addon {
namespace {

struct Destroy {
  void operator()(mr_scan* scan) const { mr_scan_destroy(scan); }
  void operator()(mr_texts* texts) const { mr_texts_destroy(texts); }
};

void check(Napi::Env env, mr_code code) {
  if (code != MR_OK) throw error_of(env, code, mr_last_error());
}

[[noreturn]] void refuse(Napi::Env env, const std::string& sentence) {
  throw error_of(env, MR_INVALID_ARGUMENT, sentence.c_str());
}

template <class Array>
Array array_of(Napi::Env env, const Napi::Value& value, napi_typedarray_type type, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    refuse(env, std::string("expected another kind of value for ") + name);
  }
  return value.As<Array>();
}

Napi::Uint8Array bytes_of(Napi::Env env, const Napi::Value& value, const char* name) {
  return array_of<Napi::Uint8Array>(env, value, napi_uint8_array, name);
}

Napi::Uint32Array uint32_of(Napi::Env env, const Napi::Value& value, const char* name) {
  return array_of<Napi::Uint32Array>(env, value, napi_uint32_array, name);
}

// Offsets come from JavaScript: nothing below may trust them unseen.
Napi::Uint32Array offsets_of(Napi::Env env, const Napi::Value& value, const char* name, size_t num_bytes) {
  const Napi::Uint32Array offsets = uint32_of(env, value, name);
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

std::string string_of(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) refuse(object.Env(), std::string("expected a string for ") + name);
  return value.As<Napi::String>().Utf8Value();
}

uint64_t count_of(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1.0;
  if (!(number >= 0 && number <= 9007199254740991.0)) {
    refuse(object.Env(), std::string("expected a number from 0 to 2^53 - 1 for ") + name);
  }
  return static_cast<uint64_t>(number);
}

bool flag_of(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsBoolean()) refuse(object.Env(), std::string("expected true or false for ") + name);
  return value.As<Napi::Boolean>().Value();
}

mr_text text_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

Napi::String string_from(Napi::Env env, mr_text text) {
  return Napi::String::New(env, reinterpret_cast<const char*>(text.data), text.size);
}

template <class Array, class Element>
Array array_from(Napi::Env env, const Element* data, size_t count) {
  Array array = Array::New(env, count);
  if (count != 0) std::memcpy(array.Data(), data, count * sizeof(Element));
  return array;
}

Napi::Value unicode_version(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), mr_unicode_version());
}

Napi::Object object_of_scan(Napi::Env env, const mr_scan* scan) {
  mr_scan_view view;
  check(env, mr_scan_get(scan, &view));
  const size_t rows = view.num_documents;
  Napi::Object result = Napi::Object::New(env);
  result.Set("numDocuments", static_cast<double>(rows));
  result.Set("text", array_from<Napi::Uint8Array>(env, view.text.data, view.text.size));
  result.Set("textOffsets", array_from<Napi::Uint32Array>(env, view.text_offsets, rows + 1));
  result.Set("id", array_from<Napi::Uint8Array>(env, view.id.data, view.id.size));
  result.Set("idOffsets", array_from<Napi::Uint32Array>(env, view.id_offsets, rows + 1));
  result.Set("meta", array_from<Napi::Uint8Array>(env, view.meta.data, view.meta.size));
  result.Set("metaOffsets", array_from<Napi::Uint32Array>(env, view.meta_offsets, rows + 1));
  result.Set("sourceIndex", array_from<Napi::Uint32Array>(env, view.source_index, rows));
  result.Set("recordOffset", array_from<Napi::Float64Array>(env, view.record_offset, rows));
  result.Set("recordLength", array_from<Napi::Uint32Array>(env, view.record_length, rows));
  result.Set("recordLine", array_from<Napi::Float64Array>(env, view.record_line, rows));
  Napi::Array sources = Napi::Array::New(env, view.num_sources);
  for (uint32_t i = 0; i < view.num_sources; ++i) {
    mr_text source;
    check(env, mr_scan_source(scan, i, &source));
    sources.Set(i, string_from(env, source));
  }
  result.Set("sources", sources);
  Napi::Array rejected = Napi::Array::New(env, view.num_rejected);
  for (uint32_t i = 0; i < view.num_rejected; ++i) {
    mr_rejected_line line;
    check(env, mr_scan_rejected(scan, i, &line));
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("offset", line.offset);
    entry.Set("length", line.length);
    entry.Set("line", line.line);
    entry.Set("reason", line.reason);
    entry.Set("detail", string_from(env, line.detail));
    rejected.Set(i, entry);
  }
  result.Set("rejected", rejected);
  result.Set("numLines", static_cast<double>(view.num_lines));
  return result;
}

// scanJsonl(bytes, options)
Napi::Value scan_jsonl(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const Napi::Uint8Array bytes = bytes_of(env, info[0], "bytes");
  if (!info[1].IsObject()) refuse(env, "expected an object for options");
  const Napi::Object object = info[1].As<Napi::Object>();
  const std::string text_field = string_of(object, "textField");
  const std::string id_field = string_of(object, "idField");
  const std::string source_field = string_of(object, "sourceField");
  const std::string source = string_of(object, "source");
  const mr_scan_options options = {text_of(text_field),
                                   text_of(id_field),
                                   text_of(source_field),
                                   text_of(source),
                                   count_of(object, "baseOffset"),
                                   count_of(object, "baseLine"),
                                   count_of(object, "maxDocumentBytes")};
  mr_scan* scan = nullptr;
  check(env, mr_scan_jsonl(bytes.Data(), bytes.ElementLength(), &options, &scan));
  const std::unique_ptr<mr_scan, Destroy> owner(scan);
  return object_of_scan(env, scan);
}

// normalizeTexts(text, offsets, {nfc, newlines})
Napi::Value normalize_texts(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const Napi::Uint8Array text = bytes_of(env, info[0], "text");
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
  result.Set("text", array_from<Napi::Uint8Array>(env, data.data, data.size));
  result.Set("offsets", array_from<Napi::Uint32Array>(env, new_offsets, offsets.ElementLength()));
  return result;
}

// formatJsonl(block, keep)
Napi::Value format_jsonl(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsObject() || !info[0].As<Napi::Object>().Get("sources").IsArray()) {
    refuse(env, "expected a block of documents");
  }
  const Napi::Object block = info[0].As<Napi::Object>();
  const auto num_documents = static_cast<size_t>(count_of(block, "numDocuments"));
  const Napi::Uint8Array text = bytes_of(env, block.Get("text"), "text");
  const Napi::Uint8Array id = bytes_of(env, block.Get("id"), "id");
  const Napi::Uint8Array meta = bytes_of(env, block.Get("meta"), "meta");
  const Napi::Uint32Array text_offsets = offsets_of(env, block.Get("textOffsets"), "textOffsets", text.ElementLength());
  const Napi::Uint32Array id_offsets = offsets_of(env, block.Get("idOffsets"), "idOffsets", id.ElementLength());
  const Napi::Uint32Array meta_offsets = offsets_of(env, block.Get("metaOffsets"), "metaOffsets", meta.ElementLength());
  const Napi::Uint32Array source_index = uint32_of(env, block.Get("sourceIndex"), "sourceIndex");
  const Napi::Uint8Array keep = bytes_of(env, info[1], "keep");
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
  return array_from<Napi::Uint8Array>(env, lines.data, lines.size);
}

}  // namespace

void register_read(Napi::Env env, Napi::Object exports) {
  exports.Set("unicodeVersion", Napi::Function::New(env, unicode_version, "unicodeVersion"));
  exports.Set("scanJsonl", Napi::Function::New(env, scan_jsonl, "scanJsonl"));
  exports.Set("normalizeTexts", Napi::Function::New(env, normalize_texts, "normalizeTexts"));
  exports.Set("formatJsonl", Napi::Function::New(env, format_jsonl, "formatJsonl"));
}

}  // namespace millrace::addon
