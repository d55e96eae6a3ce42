// Checked reading of arguments. TypeScript has validated them; these catch a programming error with a TypeError instead
// of undefined behaviour.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace diskferry::addon {

// A whole number in [0, 2^53).
inline uint64_t argumentInteger(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsNumber())
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " is not a number");
  double value = info[index].As<Napi::Number>().DoubleValue();
  if (!(value >= 0) || value > 9007199254740991.0 || std::floor(value) != value)
    throw Napi::RangeError::New(info.Env(),
                                "argument " + std::to_string(index) + " is not a safe integer of 0 or more");
  return static_cast<uint64_t>(value);
}

inline bool argumentBoolean(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsBoolean())
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " is not a boolean");
  return info[index].As<Napi::Boolean>().Value();
}

inline std::string argumentString(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsString())
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " is not a string");
  return info[index].As<Napi::String>().Utf8Value();
}

// The memory of any typed array or Buffer. Valid while the value is alive: pin it in an AsyncTask.
template <typename T = std::byte>
std::span<T> argumentArray(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsTypedArray())
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " is not a typed array");
  auto array = info[index].As<Napi::TypedArray>();
  auto* data = static_cast<std::byte*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  if (array.ByteLength() % sizeof(T) != 0 || reinterpret_cast<uintptr_t>(data) % alignof(T) != 0)
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " has the wrong element size");
  return {reinterpret_cast<T*>(data), array.ByteLength() / sizeof(T)};
}

// Objects of the core live in JavaScript as tagged externals that hold a shared_ptr; the tag is the type's own address.
template <typename T>
const napi_type_tag* handleTag() {
  static const napi_type_tag tag = {reinterpret_cast<uint64_t>(&handleTag<T>), 0x6469736b66657272u};
  return &tag;
}

template <typename T>
Napi::Value makeHandle(Napi::Env env, std::shared_ptr<T> object) {
  auto external = Napi::External<std::shared_ptr<T>>::New(env, new std::shared_ptr<T>(std::move(object)),
                                                          [](Napi::Env, std::shared_ptr<T>* held) { delete held; });
  external.TypeTag(handleTag<T>());
  return external;
}

// `index` names the argument that the value is, or is in.
template <typename T>
std::shared_ptr<T> handleOf(const Napi::Value& value, size_t index) {
  if (!value.IsExternal() || !value.As<Napi::External<std::shared_ptr<T>>>().CheckTypeTag(handleTag<T>()))
    throw Napi::TypeError::New(value.Env(), "argument " + std::to_string(index) + " is not the right kind of handle");
  auto object = *value.As<Napi::External<std::shared_ptr<T>>>().Data();
  if (object == nullptr)
    throw Napi::TypeError::New(value.Env(), "argument " + std::to_string(index) + " has been closed");
  return object;
}

template <typename T>
std::shared_ptr<T> argumentHandle(const Napi::CallbackInfo& info, size_t index) {
  return handleOf<T>(info[index], index);
}

// Lets go of the object before the garbage collector would; calls that are running keep theirs. Once only.
template <typename T>
void releaseHandle(const Napi::CallbackInfo& info, size_t index) {
  argumentHandle<T>(info, index);
  info[index].As<Napi::External<std::shared_ptr<T>>>().Data()->reset();
}

}  // namespace diskferry::addon
