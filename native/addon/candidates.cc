// Candidates: JavaScript values to millrace/candidates.h and back. 64-bit hashes are BigUint64Arrays; lists are copied
// into buffers that JavaScript owns.
#include "millrace/candidates.h"

#include "addon/values.h"

namespace millrace::addon {
namespace {

Napi::Value select_part(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::BigUint64Array hashes = uint64_of(info[0], "hashes");
  const uint64_t words = size_of(info[1], "words");
  const uint64_t part = size_of(info[2], "part");
  const uint64_t parts = size_of(info[3], "parts");
  const uint64_t first = size_of(info[4], "firstDocument");
  const Napi::Uint8Array excluded = bytes_of(info[5], "excluded");
  Napi::BigUint64Array out_hashes = uint64_of(info[6], "outHashes");
  Napi::Uint32Array out_documents = uint32_of(info[7], "outDocuments");
  const uint64_t at = size_of(info[8], "at");
  expect(env, words == 1 || words == 2, "expected 1 or 2 for words");
  const uint64_t num_rows = hashes.ElementLength() / words;
  expect(env, part < parts && parts <= UINT32_MAX, "expected a part below the number of parts");
  expect(env, first + num_rows <= UINT32_MAX, "expected documents below 2^32");
  expect(env, excluded.ByteLength() == 0 || excluded.ByteLength() * 8 >= first + num_rows,
         "expected a bit for each document in excluded");
  expect(env, at + num_rows <= out_documents.ElementLength() && (at + num_rows) * words <= out_hashes.ElementLength(),
         "expected room for all rows");
  size_t selected = 0;
  check(env, mr_select_part(hashes.Data(), static_cast<int32_t>(words), num_rows, static_cast<uint32_t>(part),
                            static_cast<uint32_t>(parts), static_cast<uint32_t>(first),
                            excluded.ByteLength() == 0 ? nullptr : excluded.Data(), out_hashes.Data() + at * words,
                            out_documents.Data() + at, &selected));
  return Napi::Number::New(env, static_cast<double>(at + selected));
}

Napi::Value equal_groups(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::BigUint64Array hashes = uint64_of(info[0], "hashes");
  mr_list* members = nullptr;
  mr_list* offsets = nullptr;
  check(env, mr_equal_groups(hashes.Data(), hashes.ElementLength() / 2, &members, &offsets));
  return object_of_rows<Napi::Uint32Array>(env, "members", members, offsets);
}

Napi::Value group_keys(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::BigUint64Array keys = uint64_of(info[0], "keys");
  Napi::Uint32Array documents = uint32_of(info[1], "documents");
  Napi::BigUint64Array key_scratch = uint64_of(info[2], "keyScratch");
  Napi::Uint32Array document_scratch = uint32_of(info[3], "documentScratch");
  const size_t count = keys.ElementLength();
  expect(env, documents.ElementLength() == count, "expected one document for each key");
  expect(env, key_scratch.ElementLength() >= count && document_scratch.ElementLength() >= count,
         "expected scratch as long as the keys");
  size_t grouped = 0;
  check(env,
        mr_group_keys(keys.Data(), documents.Data(), count, key_scratch.Data(), document_scratch.Data(), &grouped));
  return Napi::Number::New(env, static_cast<double>(grouped));
}

Napi::Value pair_groups(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::BigUint64Array keys = uint64_of(info[0], "keys");
  const Napi::Uint32Array documents = uint32_of(info[1], "documents");
  const uint64_t begin = size_of(info[2], "begin");
  const uint64_t max_bucket = size_of(info[3], "maxBucket");
  Napi::BigUint64Array pairs = uint64_of(info[4], "pairs");
  expect(env, keys.ElementLength() == documents.ElementLength(), "expected one document for each key");
  expect(env, begin <= keys.ElementLength(), "expected a row of the keys for begin");
  expect(env, max_bucket >= 1 && max_bucket <= UINT32_MAX, "expected at least 1 for maxBucket");
  size_t next = 0;
  size_t num_pairs = 0;
  mr_list* crowded = nullptr;
  check(env,
        mr_pair_groups(keys.Data(), documents.Data(), keys.ElementLength(), begin, static_cast<uint32_t>(max_bucket),
                       pairs.Data(), pairs.ElementLength(), &next, &num_pairs, &crowded));
  const List crowded_list(crowded);
  Napi::Object result = Napi::Object::New(env);
  result.Set("next", static_cast<double>(next));
  result.Set("numPairs", static_cast<double>(num_pairs));
  result.Set("crowded", array_from<Napi::Uint32Array>(env, crowded));
  return result;
}

Napi::Value sort_unique(const Napi::CallbackInfo& info) {
  Napi::BigUint64Array values = uint64_of(info[0], "values");
  size_t unique = 0;
  check(info.Env(), mr_sort_unique(values.Data(), values.ElementLength(), &unique));
  return Napi::Number::New(info.Env(), static_cast<double>(unique));
}

Napi::Value order_documents(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::BigUint64Array order_keys = uint64_of(info[0], "orderKeys");
  const Napi::BigUint64Array content_hashes = uint64_of(info[1], "contentHashes");
  const size_t num_rows = order_keys.ElementLength();
  expect(env, content_hashes.ElementLength() == 2 * num_rows, "expected two words of content hash for each row");
  auto order = Napi::Uint32Array::New(env, num_rows);
  check(env, mr_order_documents(order_keys.Data(), content_hashes.Data(), num_rows, order.Data()));
  return order;
}

struct SetPairs {
  Napi::BigUint64Array hashes;
  Napi::Uint32Array offsets;
  Napi::Uint32Array pairs;
  size_t num_pairs;
};

SetPairs set_pairs_of(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  SetPairs of{uint64_of(info[0], "hashes"), uint32_of(info[1], "offsets"), uint32_of(info[2], "pairs"), 0};
  expect_offsets(env, of.offsets, of.hashes.ElementLength());
  const size_t num_sets = of.offsets.ElementLength() - 1;
  const uint32_t* begin = of.pairs.Data();
  const uint32_t* end = begin + of.pairs.ElementLength();
  expect(env, std::all_of(begin, end, [&](uint32_t set) { return set < num_sets; }),
         "expected pairs of sets that are there");
  of.num_pairs = of.pairs.ElementLength() / 2;
  return of;
}

Napi::Value intersect_sets(const Napi::CallbackInfo& info) {
  const SetPairs of = set_pairs_of(info);
  auto out = Napi::Uint32Array::New(info.Env(), of.num_pairs);
  check(info.Env(), mr_intersections(of.hashes.Data(), of.offsets.Data(), of.pairs.Data(), of.num_pairs, out.Data()));
  return out;
}

// A threshold as two integers.
struct Threshold {
  uint32_t numerator;
  uint32_t denominator;
};

Threshold threshold_of(const Napi::Value& numerator, const Napi::Value& denominator) {
  const uint64_t upper = size_of(numerator, "numerator");
  const uint64_t lower = size_of(denominator, "denominator");
  expect(numerator.Env(), upper < lower && lower <= INT32_MAX, "expected a threshold from 0 to below 1");
  return {static_cast<uint32_t>(upper), static_cast<uint32_t>(lower)};
}

Napi::Value intersect_above(const Napi::CallbackInfo& info) {
  const SetPairs of = set_pairs_of(info);
  const Threshold threshold = threshold_of(info[3], info[4]);
  auto out = Napi::Uint32Array::New(info.Env(), of.num_pairs);
  check(info.Env(), mr_intersections_above(of.hashes.Data(), of.offsets.Data(), of.pairs.Data(), of.num_pairs,
                                           threshold.numerator, threshold.denominator, out.Data()));
  return out;
}

mr_join* join_of(const Napi::Value& value) {
  if (!value.IsExternal()) refuse(value.Env(), "expected a join");
  return value.As<Napi::External<mr_join>>().Data();
}

Napi::Value create_join(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = object_of(info[0], "options");
  const Threshold threshold = threshold_of(options.Get("numerator"), options.Get("denominator"));
  const mr_join_config config{
      threshold.numerator, threshold.denominator, integer_of(options.Get("seenBits"), "seenBits"),
      integer_of(options.Get("counterBits"), "counterBits"), size_of(options.Get("capacityBytes"), "capacityBytes")};
  mr_join* join = nullptr;
  check(env, mr_join_create(&config, &join));
  return Napi::External<mr_join>::New(env, join, [](Napi::Env, mr_join* held) { mr_join_destroy(held); });
}

Napi::Value count_sets(const Napi::CallbackInfo& info) {
  const Napi::BigUint64Array hashes = uint64_of(info[1], "hashes");
  check(info.Env(), mr_join_count(join_of(info[0]), hashes.Data(), hashes.ElementLength()));
  return info.Env().Undefined();
}

Napi::Value select_sets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  mr_join* join = join_of(info[0]);
  const Napi::BigUint64Array hashes = uint64_of(info[1], "hashes");
  const Napi::Uint32Array offsets = uint32_of(info[2], "offsets");
  expect_offsets(env, offsets, hashes.ElementLength());
  auto selected = Napi::Uint8Array::New(env, offsets.ElementLength() - 1);
  check(env, mr_join_select(join, hashes.Data(), offsets.Data(), selected.ElementLength(), selected.Data()));
  return selected;
}

mr_join_put put_of(const Napi::Value& value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (name == "all") return MR_JOIN_PUT_ALL;
  if (name == "kept") return MR_JOIN_PUT_KEPT;
  if (name == "none") return MR_JOIN_PUT_NONE;
  refuse(value.Env(), "expected all, kept or none for put");
}

Napi::Value join_sets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  mr_join* join = join_of(info[0]);
  const Napi::Uint32Array numbers = uint32_of(info[1], "numbers");
  const Napi::BigUint64Array hashes = uint64_of(info[2], "hashes");
  const Napi::Uint32Array offsets = uint32_of(info[3], "offsets");
  const mr_join_put put = put_of(info[4]);
  const Napi::Uint8Array barred = bytes_of(info[5], "barred");
  expect_offsets(env, offsets, hashes.ElementLength());
  const size_t num_sets = offsets.ElementLength() - 1;
  expect(env, numbers.ElementLength() == num_sets, "expected one number for each set");
  expect(env, barred.ElementLength() == 0 || barred.ElementLength() == num_sets,
         "expected one value for each set, or none, in barred");
  size_t taken = 0;
  mr_list* matches = nullptr;
  check(env, mr_join_sets(join, numbers.Data(), hashes.Data(), offsets.Data(), num_sets, put,
                          barred.ElementLength() == 0 ? nullptr : barred.Data(), &taken, &matches));
  const List match_list(matches);
  Napi::Object result = Napi::Object::New(env);
  result.Set("numTaken", static_cast<double>(taken));
  result.Set("matches", array_from<Napi::Uint32Array>(env, matches));
  return result;
}

Napi::Value clear_join(const Napi::CallbackInfo& info) {
  mr_join_clear(join_of(info[0]));
  return info.Env().Undefined();
}

}  // namespace

void register_candidates(Napi::Env env, Napi::Object exports) {
  exports.Set("selectPart", Napi::Function::New(env, select_part, "selectPart"));
  exports.Set("equalGroups", Napi::Function::New(env, equal_groups, "equalGroups"));
  exports.Set("groupKeys", Napi::Function::New(env, group_keys, "groupKeys"));
  exports.Set("pairGroups", Napi::Function::New(env, pair_groups, "pairGroups"));
  exports.Set("sortUnique", Napi::Function::New(env, sort_unique, "sortUnique"));
  exports.Set("orderDocuments", Napi::Function::New(env, order_documents, "orderDocuments"));
  exports.Set("intersectSets", Napi::Function::New(env, intersect_sets, "intersectSets"));
  exports.Set("intersectAbove", Napi::Function::New(env, intersect_above, "intersectAbove"));
  exports.Set("createJoin", Napi::Function::New(env, create_join, "createJoin"));
  exports.Set("countSets", Napi::Function::New(env, count_sets, "countSets"));
  exports.Set("selectSets", Napi::Function::New(env, select_sets, "selectSets"));
  exports.Set("joinSets", Napi::Function::New(env, join_sets, "joinSets"));
  exports.Set("clearJoin", Napi::Function::New(env, clear_join, "clearJoin"));
}

}  // namespace millrace::addon
