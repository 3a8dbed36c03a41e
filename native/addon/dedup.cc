// Dedup: JavaScript values to millrace/dedup.h and back. 64-bit hashes are BigUint64Arrays; results are copied into
// buffers that JavaScript owns.
#include "millrace/dedup.h"

#include <string>

#include "addon/scan_values.h"
#include "addon/values.h"

namespace millrace::addon {
namespace {

mr_text_rows rows_of(const Napi::Value& text_value, const Napi::Value& offsets_value) {
  const Napi::Uint8Array text = bytes_of(text_value, "text");
  const Napi::Uint32Array offsets = uint32_of(offsets_value, "offsets");
  expect_offsets(text.Env(), offsets, text.ByteLength());
  return {text.Data(), offsets.Data(), offsets.ElementLength() - 1};
}

mr_shingling shingling_of(const Napi::Object& options) {
  const Napi::Value unit = options.Get("unit");
  const std::string name = unit.IsString() ? unit.As<Napi::String>().Utf8Value() : "";
  expect(options.Env(), name == "word" || name == "char", "expected \"word\" or \"char\" for unit");
  return {name == "word" ? MR_SHINGLE_WORD : MR_SHINGLE_CHARACTER, integer_of(options.Get("size"), "size")};
}

mr_simd simd_of(const Napi::Value& value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (name == "auto") return MR_SIMD_AUTO;
  if (name == "scalar") return MR_SIMD_SCALAR;
  if (name == "avx2") return MR_SIMD_AVX2;
  if (name == "avx512") return MR_SIMD_AVX512;
  refuse(value.Env(), "expected auto, scalar, avx2 or avx512 for simd");
}

mr_signature_config config_of(const Napi::Value& value) {
  const Napi::Object options = object_of(value, "options");
  const Napi::Value seed = options.Get("seed");
  expect(options.Env(), seed.IsBigInt(), "expected a bigint for seed");
  bool lossless = false;
  const mr_signature_config config{shingling_of(options), integer_of(options.Get("bands"), "bands"),
                                   integer_of(options.Get("rows"), "rows"),
                                   seed.As<Napi::BigInt>().Uint64Value(&lossless), simd_of(options.Get("simd"))};
  expect(options.Env(), config.num_bands >= 1 && config.num_bands <= 4096, "expected 1 to 4096 for bands");
  return config;
}

// The beginning of `room` where it is long enough, else a new array.
template <class Array>
Array room_for(Napi::Env env, const Array& room, size_t count) {
  if (room.ElementLength() < count) return Array::New(env, count);
  return Array::New(env, count, room.ArrayBuffer(), room.ByteOffset());
}

// The long columns of SignedRows, to be filled by native code.
struct LongColumns {
  Napi::BigUint64Array band_keys;
  Napi::Uint32Array sketches;
};

LongColumns new_columns(Napi::Env env, size_t num_rows, int32_t num_bands) {
  return {Napi::BigUint64Array::New(env, static_cast<size_t>(num_bands) * num_rows),
          Napi::Uint32Array::New(env, MR_SKETCH_SIZE * num_rows)};
}

LongColumns columns_in(const Napi::Object& room, size_t num_rows, int32_t num_bands) {
  const Napi::Env env = room.Env();
  return {room_for(env, uint64_of(room.Get("bandKeys"), "room.bandKeys"), static_cast<size_t>(num_bands) * num_rows),
          room_for(env, uint32_of(room.Get("sketches"), "room.sketches"), MR_SKETCH_SIZE * num_rows)};
}

// Adds the columns of SignedRows to `result`, for native code to fill.
mr_signatures add_columns(Napi::Object& result, size_t num_rows, LongColumns columns) {
  const Napi::Env env = result.Env();
  auto content_hashes = Napi::BigUint64Array::New(env, 2 * num_rows);
  auto text_hashes = Napi::BigUint64Array::New(env, num_rows);
  auto normalized_bytes = Napi::Uint32Array::New(env, num_rows);
  result.Set("numDocuments", static_cast<double>(num_rows));
  result.Set("contentHashes", content_hashes);
  result.Set("textHashes", text_hashes);
  result.Set("normalizedBytes", normalized_bytes);
  result.Set("bandKeys", columns.band_keys);
  result.Set("sketches", columns.sketches);
  return {content_hashes.Data(), text_hashes.Data(), normalized_bytes.Data(), columns.band_keys.Data(),
          columns.sketches.Data()};
}

// signDocuments(text, offsets, options)
Napi::Value sign_documents(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const mr_text_rows rows = rows_of(info[0], info[1]);
  const mr_signature_config config = config_of(info[2]);
  Napi::Object result = Napi::Object::New(env);
  const mr_signatures columns = add_columns(result, rows.num_rows, new_columns(env, rows.num_rows, config.num_bands));
  check(env, mr_dedup_sign(&rows, &config, &columns));
  return result;
}

// signLines(bytes, read, options, room)
Napi::Value sign_lines(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array bytes = bytes_of(info[0], "bytes");
  const ScanChoices choices(object_of(info[1], "read"));
  const mr_signature_config config = config_of(info[2]);
  mr_scan* scan = nullptr;
  check(env, mr_dedup_sign_lines(bytes.Data(), bytes.ByteLength(), &choices.options(), &config, &scan));
  const Scan owner(scan);
  mr_scan_view view;
  check(env, mr_scan_get(scan, &view));
  Napi::Object result = object_of_scan(env, scan, view);
  const mr_signatures columns =
      add_columns(result, view.num_documents,
                  info[3].IsUndefined() ? new_columns(env, view.num_documents, config.num_bands)
                                        : columns_in(object_of(info[3], "room"), view.num_documents, config.num_bands));
  auto id_hashes = Napi::BigUint64Array::New(env, 2 * view.num_documents);
  auto scores = Napi::Float64Array::New(env, view.num_documents);
  check(env, mr_dedup_copy_signatures(scan, &columns, id_hashes.Data(), scores.Data()));
  result.Set("idHashes", id_hashes);
  result.Set("scores", scores);
  return result;
}

Napi::Value hash_rows(const Napi::CallbackInfo& info) {
  const mr_text_rows rows = rows_of(info[0], info[1]);
  auto hashes = Napi::BigUint64Array::New(info.Env(), 2 * rows.num_rows);
  check(info.Env(), mr_dedup_hash_rows(&rows, hashes.Data()));
  return hashes;
}

Napi::Value shingle_sets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const mr_text_rows rows = rows_of(info[0], info[1]);
  const Napi::Uint32Array selected = uint32_of(info[2], "rows");
  const mr_shingling shingling = shingling_of(object_of(info[3], "shingling"));
  mr_list* hashes = nullptr;
  mr_list* offsets = nullptr;
  check(env, mr_dedup_shingle_sets(&rows, selected.Data(), selected.ElementLength(), &shingling, &hashes, &offsets));
  return object_of_rows<Napi::BigUint64Array>(env, "hashes", hashes, offsets);
}

// shingleLines(bytes, begins, lengths, read, shingling)
Napi::Value shingle_lines(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array bytes = bytes_of(info[0], "bytes");
  const Napi::Uint32Array begins = uint32_of(info[1], "begins");
  const Napi::Uint32Array lengths = uint32_of(info[2], "lengths");
  const ScanChoices choices(object_of(info[3], "read"));
  const mr_shingling shingling = shingling_of(object_of(info[4], "shingling"));
  expect(env, begins.ElementLength() == lengths.ElementLength(), "expected one length for each begin");
  mr_list* hashes = nullptr;
  mr_list* offsets = nullptr;
  check(env, mr_dedup_shingle_lines(bytes.Data(), bytes.ByteLength(), begins.Data(), lengths.Data(),
                                    begins.ElementLength(), &choices.options(), &shingling, &hashes, &offsets));
  return object_of_rows<Napi::BigUint64Array>(env, "hashes", hashes, offsets);
}

}  // namespace

void register_dedup(Napi::Env env, Napi::Object exports) {
  exports.Set("signDocuments", Napi::Function::New(env, sign_documents, "signDocuments"));
  exports.Set("signLines", Napi::Function::New(env, sign_lines, "signLines"));
  exports.Set("hashRows", Napi::Function::New(env, hash_rows, "hashRows"));
  exports.Set("shingleSets", Napi::Function::New(env, shingle_sets, "shingleSets"));
  exports.Set("shingleLines", Napi::Function::New(env, shingle_lines, "shingleLines"));
}

}  // namespace millrace::addon
