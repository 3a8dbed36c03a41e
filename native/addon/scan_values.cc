#include "addon/scan_values.h"

#include "addon/values.h"

namespace millrace::addon {
namespace {

std::string string_of(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsString()) refuse(object.Env(), std::string("expected a string for ") + name);
  return value.As<Napi::String>().Utf8Value();
}

mr_text text_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

Napi::String string_from(Napi::Env env, mr_text text) {
  return Napi::String::New(env, reinterpret_cast<const char*>(text.data), text.size);
}

}  // namespace

ScanChoices::ScanChoices(const Napi::Object& object)
    : text_field_(string_of(object, "textField")),
      id_field_(string_of(object, "idField")),
      source_field_(string_of(object, "sourceField")),
      // Readers that know nothing of scores leave it out.
      score_field_(object.Get("scoreField").IsUndefined() ? "" : string_of(object, "scoreField")),
      source_(string_of(object, "source")),
      records_field_(object.Get("recordsField").IsUndefined() ? "" : string_of(object, "recordsField")),
      options_{text_of(text_field_),
               text_of(id_field_),
               text_of(source_field_),
               text_of(score_field_),
               text_of(source_),
               size_of(object.Get("baseOffset"), "baseOffset"),
               size_of(object.Get("baseLine"), "baseLine"),
               size_of(object.Get("maxDocumentBytes"), "maxDocumentBytes"),
               object.Get("values").ToBoolean() ? 1 : 0,
               nullptr,
               0,
               text_of(records_field_),
               object.Get("valueBegin").IsUndefined() ? 0 : size_of(object.Get("valueBegin"), "valueBegin")} {
  const Napi::Value offsets = object.Get("recordOffsets");
  if (offsets.IsUndefined()) return;
  if (!offsets.IsTypedArray() || offsets.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    refuse(object.Env(), "expected a Float64Array for recordOffsets");
  }
  const auto array = offsets.As<Napi::Float64Array>();
  options_.record_offsets = array.Data();
  options_.num_record_offsets = array.ElementLength();
}

Napi::Object object_of_scan(Napi::Env env, const mr_scan* scan, const mr_scan_view& view) {
  const size_t rows = view.num_documents;
  Napi::Object result = Napi::Object::New(env);
  result.Set("numDocuments", static_cast<double>(rows));
  result.Set("id", copied<Napi::Uint8Array>(env, view.id.data, view.id.size));
  result.Set("idOffsets", copied<Napi::Uint32Array>(env, view.id_offsets, rows + 1));
  result.Set("sourceIndex", copied<Napi::Uint32Array>(env, view.source_index, rows));
  result.Set("recordOffset", copied<Napi::Float64Array>(env, view.record_offset, rows));
  result.Set("recordLength", copied<Napi::Uint32Array>(env, view.record_length, rows));
  result.Set("recordLine", copied<Napi::Float64Array>(env, view.record_line, rows));
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

}  // namespace millrace::addon
