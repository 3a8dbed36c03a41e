// Dedup: JavaScript values to millrace/dedup.h and back. 64-bit hashes are BigUint64Arrays; results are copied into
// buffers that JavaScript owns.
#include "millrace/dedup.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "addon/registration.h"

namespace millrace::addon {
namespace {

struct Destroy {
  void operator()(mr_list* list) const { mr_list_destroy(list); }
};
using List = std::unique_ptr<mr_list, Destroy>;

void check(Napi::Env env, mr_code code) {
  if (code != MR_OK) throw error_of(env, code, mr_last_error());
}

[[noreturn]] void refuse(Napi::Env env, const std::string& sentence) {
  throw error_of(env, MR_INVALID_ARGUMENT, sentence.c_str());
}

template <class Array>
Array array_of(const Napi::Value& value, napi_typedarray_type type, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    refuse(value.Env(), std::string("expected another kind of value for ") + name);
  }
  return value.As<Array>();
}

Napi::Uint8Array bytes_of(const Napi::Value& value, const char* name) {
  return array_of<Napi::Uint8Array>(value, napi_uint8_array, name);
}
Napi::Uint32Array uint32_of(const Napi::Value& value, const char* name) {
  return array_of<Napi::Uint32Array>(value, napi_uint32_array, name);
}
Napi::BigUint64Array uint64_of(const Napi::Value& value, const char* name) {
  return array_of<Napi::BigUint64Array>(value, napi_biguint64_array, name);
}

void expect(Napi::Env env, bool condition, const char* sentence) {
  if (!condition) refuse(env, sentence);
}

// Offsets come from JavaScript: nothing below may trust them unseen.
void expect_offsets(Napi::Env env, const Napi::Uint32Array& offsets, size_t limit) {
  const size_t count = offsets.ElementLength();
  const uint32_t* data = offsets.Data();
  expect(env, count != 0 && data[count - 1] <= limit && std::is_sorted(data, data + count),
         "expected ascending offsets inside the data they point into");
}

mr_text_rows rows_of(const Napi::Value& text_value, const Napi::Value& offsets_value) {
  const Napi::Uint8Array text = bytes_of(text_value, "text");
  const Napi::Uint32Array offsets = uint32_of(offsets_value, "offsets");
  expect_offsets(text.Env(), offsets, text.ByteLength());
  return {text.Data(), offsets.Data(), offsets.ElementLength() - 1};
}

Napi::Object object_of(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) refuse(value.Env(), std::string("expected an object for ") + name);
  return value.As<Napi::Object>();
}

int32_t integer_of(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) refuse(value.Env(), std::string("expected a number for ") + name);
  return value.As<Napi::Number>().Int32Value();
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

template <class Array>
Array array_from(Napi::Env env, const mr_list* list) {
  using Element = std::remove_pointer_t<decltype(std::declval<Array>().Data())>;
  Array array = Array::New(env, mr_list_bytes(list) / sizeof(Element));
  if (array.ByteLength() != 0) std::memcpy(array.Data(), mr_list_data(list), array.ByteLength());
  return array;
}

Napi::Value sign_documents(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const mr_text_rows rows = rows_of(info[0], info[1]);
  const Napi::Object options = object_of(info[2], "options");
  bool lossless = false;
  const Napi::Value seed = options.Get("seed");
  expect(env, seed.IsBigInt(), "expected a bigint for seed");
  const mr_signature_config config{shingling_of(options), integer_of(options.Get("bands"), "bands"),
                                   integer_of(options.Get("rows"), "rows"),
                                   seed.As<Napi::BigInt>().Uint64Value(&lossless), simd_of(options.Get("simd"))};
  expect(env, config.num_bands >= 1 && config.num_bands <= 4096, "expected 1 to 4096 for bands");
  auto content_hashes = Napi::BigUint64Array::New(env, 2 * rows.num_rows);
  auto text_hashes = Napi::BigUint64Array::New(env, rows.num_rows);
  auto normalized_bytes = Napi::Uint32Array::New(env, rows.num_rows);
  auto band_keys = Napi::BigUint64Array::New(env, static_cast<size_t>(config.num_bands) * rows.num_rows);
  check(env, mr_dedup_sign(&rows, &config, content_hashes.Data(), text_hashes.Data(), normalized_bytes.Data(),
                           band_keys.Data()));
  Napi::Object result = Napi::Object::New(env);
  result.Set("contentHashes", content_hashes);
  result.Set("textHashes", text_hashes);
  result.Set("normalizedBytes", normalized_bytes);
  result.Set("bandKeys", band_keys);
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
  const List hash_list(hashes);
  const List offset_list(offsets);
  Napi::Object result = Napi::Object::New(env);
  result.Set("hashes", array_from<Napi::BigUint64Array>(env, hashes));
  result.Set("offsets", array_from<Napi::Uint32Array>(env, offsets));
  return result;
}

Napi::Value equal_groups(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::BigUint64Array hashes = uint64_of(info[0], "hashes");
  mr_list* members = nullptr;
  mr_list* offsets = nullptr;
  check(env, mr_dedup_equal_groups(hashes.Data(), hashes.ElementLength() / 2, &members, &offsets));
  const List member_list(members);
  const List offset_list(offsets);
  Napi::Object result = Napi::Object::New(env);
  result.Set("members", array_from<Napi::Uint32Array>(env, members));
  result.Set("offsets", array_from<Napi::Uint32Array>(env, offsets));
  return result;
}

Napi::Value bucket_pairs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::BigUint64Array keys = uint64_of(info[0], "keys");
  Napi::Uint32Array documents = uint32_of(info[1], "documents");
  const int32_t max_bucket = integer_of(info[2], "maxBucket");
  expect(env, keys.ElementLength() == documents.ElementLength(), "expected one document for each key");
  expect(env, max_bucket >= 1, "expected at least 1 for maxBucket");
  mr_list* pairs = nullptr;
  mr_list* crowded = nullptr;
  check(env, mr_dedup_bucket_pairs(keys.Data(), documents.Data(), keys.ElementLength(),
                                   static_cast<uint32_t>(max_bucket), &pairs, &crowded));
  const List pair_list(pairs);
  const List crowded_list(crowded);
  Napi::Object result = Napi::Object::New(env);
  result.Set("pairs", array_from<Napi::BigUint64Array>(env, pairs));
  result.Set("crowded", array_from<Napi::Uint32Array>(env, crowded));
  return result;
}

Napi::Value sort_unique(const Napi::CallbackInfo& info) {
  Napi::BigUint64Array values = uint64_of(info[0], "values");
  size_t unique = 0;
  check(info.Env(), mr_dedup_sort_unique(values.Data(), values.ElementLength(), &unique));
  return Napi::Number::New(info.Env(), static_cast<double>(unique));
}

Napi::Value intersections(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::BigUint64Array hashes = uint64_of(info[0], "hashes");
  const Napi::Uint32Array offsets = uint32_of(info[1], "offsets");
  const Napi::Uint32Array pairs = uint32_of(info[2], "pairs");
  expect_offsets(env, offsets, hashes.ElementLength());
  const size_t num_sets = offsets.ElementLength() - 1;
  const uint32_t* end = pairs.Data() + pairs.ElementLength();
  expect(env, std::all_of(static_cast<const uint32_t*>(pairs.Data()), end, [&](uint32_t s) { return s < num_sets; }),
         "expected pairs of sets that are there");
  const size_t num_pairs = pairs.ElementLength() / 2;
  auto out = Napi::Uint32Array::New(env, num_pairs);
  check(env, mr_dedup_intersections(hashes.Data(), offsets.Data(), pairs.Data(), num_pairs, out.Data()));
  return out;
}

Napi::Value order_longest(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint32Array normalized_bytes = uint32_of(info[0], "normalizedBytes");
  const Napi::BigUint64Array content_hashes = uint64_of(info[1], "contentHashes");
  const size_t num_rows = normalized_bytes.ElementLength();
  expect(env, content_hashes.ElementLength() == 2 * num_rows, "expected two words of content hash for each row");
  auto order = Napi::Uint32Array::New(env, num_rows);
  check(env, mr_dedup_order_longest(normalized_bytes.Data(), content_hashes.Data(), num_rows, order.Data()));
  return order;
}

// The logarithm of a power of two, or -1.
int32_t bits_of(size_t count) {
  for (int32_t bits = 1; bits <= 30; ++bits) {
    if (count == size_t{1} << bits) return bits;
  }
  return -1;
}

Napi::Value count_shingles(const Napi::CallbackInfo& info) {
  const Napi::BigUint64Array hashes = uint64_of(info[0], "hashes");
  Napi::Uint32Array counters = uint32_of(info[1], "counters");
  check(info.Env(), mr_dedup_count_shingles(hashes.Data(), hashes.ElementLength(), counters.Data(),
                                            bits_of(counters.ElementLength())));
  return info.Env().Undefined();
}

mr_join_index* index_of(const Napi::Value& value) {
  if (!value.IsExternal()) refuse(value.Env(), "expected a join index");
  return value.As<Napi::External<mr_join_index>>().Data();
}

Napi::Value create_join_index(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint32Array counters = uint32_of(info[0], "counters");
  const int32_t numerator = integer_of(info[1], "numerator");
  const int32_t denominator = integer_of(info[2], "denominator");
  expect(env, numerator >= 0 && denominator > 0, "expected a threshold of at least 0");
  mr_join_index* index = nullptr;
  check(env, mr_join_index_create(counters.Data(), bits_of(counters.ElementLength()), static_cast<uint32_t>(numerator),
                                  static_cast<uint32_t>(denominator), &index));
  return Napi::External<mr_join_index>::New(env, index,
                                            [](Napi::Env, mr_join_index* held) { mr_join_index_destroy(held); });
}

Napi::Value insert_set(const Napi::CallbackInfo& info) {
  const Napi::BigUint64Array set = uint64_of(info[2], "set");
  check(info.Env(), mr_join_index_insert(index_of(info[0]), static_cast<uint32_t>(integer_of(info[1], "number")),
                                         set.Data(), set.ElementLength()));
  return info.Env().Undefined();
}

Napi::Value probe_sets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::BigUint64Array set = uint64_of(info[1], "set");
  const uint32_t* numbers = nullptr;
  size_t count = 0;
  check(env, mr_join_index_probe(index_of(info[0]), set.Data(), set.ElementLength(), &numbers, &count));
  auto out = Napi::Uint32Array::New(env, count);
  std::copy_n(numbers, count, out.Data());
  return out;
}

}  // namespace

void register_dedup(Napi::Env env, Napi::Object exports) {
  exports.Set("signDocuments", Napi::Function::New(env, sign_documents, "signDocuments"));
  exports.Set("hashRows", Napi::Function::New(env, hash_rows, "hashRows"));
  exports.Set("shingleSets", Napi::Function::New(env, shingle_sets, "shingleSets"));
  exports.Set("equalGroups", Napi::Function::New(env, equal_groups, "equalGroups"));
  exports.Set("bucketPairs", Napi::Function::New(env, bucket_pairs, "bucketPairs"));
  exports.Set("sortUnique", Napi::Function::New(env, sort_unique, "sortUnique"));
  exports.Set("intersectSets", Napi::Function::New(env, intersections, "intersectSets"));
  exports.Set("orderLongest", Napi::Function::New(env, order_longest, "orderLongest"));
  exports.Set("countShingles", Napi::Function::New(env, count_shingles, "countShingles"));
  exports.Set("createJoinIndex", Napi::Function::New(env, create_join_index, "createJoinIndex"));
  exports.Set("insertSet", Napi::Function::New(env, insert_set, "insertSet"));
  exports.Set("probeSets", Napi::Function::New(env, probe_sets, "probeSets"));
}

}  // namespace millrace::addon
