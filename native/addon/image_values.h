// Values that captures and transfers of images both give to JavaScript.
#pragma once

#include <napi.h>

#include <array>
#include <cstddef>
#include <vector>

namespace diskferry::addon {

inline Napi::Value bufferOf(Napi::Env env, const std::vector<std::byte>& bytes) {
  return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

// Those that were wanted, in the order of image::kHashKinds.
inline Napi::Value digestsObject(Napi::Env env, const std::array<std::vector<std::byte>, 3>& digests) {
  constexpr std::array names = {"md5", "sha1", "sha256"};
  Napi::Object object = Napi::Object::New(env);
  for (size_t index = 0; index < names.size(); index++)
    if (!digests[index].empty()) object.Set(names[index], bufferOf(env, digests[index]));
  return object;
}

}  // namespace diskferry::addon
