// JavaScript values as native code wants them, checked: what several groups of functions share.
#ifndef MILLRACE_ADDON_VALUES_H_
#define MILLRACE_ADDON_VALUES_H_

#include <napi.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "addon/registration.h"
#include "millrace/list.h"
#include "millrace/status.h"

namespace millrace::addon {

struct DestroyList {
  void operator()(mr_list* list) const { mr_list_destroy(list); }
};
using List = std::unique_ptr<mr_list, DestroyList>;

inline void check(Napi::Env env, mr_code code) {
  if (code != MR_OK) throw error_of(env, code, mr_last_error());
}

[[noreturn]] inline void refuse(Napi::Env env, const std::string& sentence) {
  throw error_of(env, MR_INVALID_ARGUMENT, sentence.c_str());
}

inline void expect(Napi::Env env, bool condition, const char* sentence) {
  if (!condition) refuse(env, sentence);
}

template <class Array>
Array array_of(const Napi::Value& value, napi_typedarray_type type, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    refuse(value.Env(), std::string("expected another kind of value for ") + name);
  }
  return value.As<Array>();
}

inline Napi::Uint8Array bytes_of(const Napi::Value& value, const char* name) {
  return array_of<Napi::Uint8Array>(value, napi_uint8_array, name);
}
inline Napi::Uint32Array uint32_of(const Napi::Value& value, const char* name) {
  return array_of<Napi::Uint32Array>(value, napi_uint32_array, name);
}
inline Napi::BigUint64Array uint64_of(const Napi::Value& value, const char* name) {
  return array_of<Napi::BigUint64Array>(value, napi_biguint64_array, name);
}

// Offsets come from JavaScript: nothing below may trust them unseen.
inline void expect_offsets(Napi::Env env, const Napi::Uint32Array& offsets, size_t limit) {
  const size_t count = offsets.ElementLength();
  const uint32_t* data = offsets.Data();
  expect(env, count != 0 && data[count - 1] <= limit && std::is_sorted(data, data + count),
         "expected ascending offsets inside the data they point into");
}

inline Napi::Object object_of(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) refuse(value.Env(), std::string("expected an object for ") + name);
  return value.As<Napi::Object>();
}

inline int32_t integer_of(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) refuse(value.Env(), std::string("expected a number for ") + name);
  return value.As<Napi::Number>().Int32Value();
}

// A whole number from 0 to 2^53.
inline uint64_t size_of(const Napi::Value& value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= 9007199254740992.0)) {
    refuse(value.Env(), std::string("expected a whole number of at least 0 for ") + name);
  }
  return static_cast<uint64_t>(number);
}

template <class Array>
Array array_from(Napi::Env env, const mr_list* list) {
  using Element = std::remove_pointer_t<decltype(std::declval<Array>().Data())>;
  Array array = Array::New(env, mr_list_bytes(list) / sizeof(Element));
  if (array.ByteLength() != 0) std::memcpy(array.Data(), mr_list_data(list), array.ByteLength());
  return array;
}

// Rows of different lengths as {[name]: their elements, offsets}. Takes the lists over.
template <class Array>
Napi::Object object_of_rows(Napi::Env env, const char* name, mr_list* elements, mr_list* offsets) {
  const List element_list(elements);
  const List offset_list(offsets);
  Napi::Object result = Napi::Object::New(env);
  result.Set(name, array_from<Array>(env, elements));
  result.Set("offsets", array_from<Napi::Uint32Array>(env, offsets));
  return result;
}

template <class Array, class Element>
Array copied(Napi::Env env, const Element* data, size_t count) {
  Array array = Array::New(env, count);
  if (count != 0) std::memcpy(array.Data(), data, count * sizeof(Element));
  return array;
}

}  // namespace millrace::addon

#endif  // MILLRACE_ADDON_VALUES_H_
