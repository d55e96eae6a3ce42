#include "addon/crypto_binding.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "addon/arguments.h"
#include "addon/async_task.h"
#include "crypto/sector_cipher.h"
#include "hash/md5_lanes.h"

namespace diskferry::addon {

namespace {

// In the order of the enums: a CPU that has one has those before it.
constexpr std::string_view kHashPaths[] = {"portable", "avx2", "avx512"};
constexpr std::string_view kCipherPaths[] = {"evp", "aes-ni", "vaes"};

template <size_t kCount>
size_t argumentChoice(const Napi::CallbackInfo& info, size_t index, const std::string_view (&choices)[kCount]) {
  std::string value = argumentString(info, index);
  auto found = std::find(std::begin(choices), std::end(choices), value);
  if (found == std::end(choices))
    throw Napi::RangeError::New(info.Env(), "argument " + std::to_string(index) + " is not a known choice: " + value);
  return static_cast<size_t>(found - std::begin(choices));
}

template <size_t kCount>
Napi::Array namesUpTo(Napi::Env env, const std::string_view (&names)[kCount], size_t last) {
  Napi::Array result = Napi::Array::New(env);
  for (size_t index = 0; index <= last; index++)
    result.Set(static_cast<uint32_t>(index), Napi::String::New(env, std::string(names[index])));
  return result;
}

std::vector<Md5Digest> digestsOf(std::span<const std::byte> data, uint64_t blockBytes, Md5Path path) {
  size_t count = (data.size() + blockBytes - 1) / blockBytes;
  std::vector<Md5Digest> digests(count);
  std::vector<Md5Job> jobs(count);
  for (size_t index = 0; index < count; index++) {
    std::span<const std::byte> rest = data.subspan(index * blockBytes);
    jobs[index].data = rest.first(std::min<size_t>(rest.size(), blockBytes));
    jobs[index].digest = &digests[index];
  }
  md5Many(jobs, path);
  return digests;
}

}  // namespace

Napi::Value cryptoPaths(const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("hash", namesUpTo(info.Env(), kHashPaths, static_cast<size_t>(bestMd5Path())));
  result.Set("cipher", namesUpTo(info.Env(), kCipherPaths, static_cast<size_t>(bestCipherPath())));
  return result;
}

Napi::Value hashBlocks(const Napi::CallbackInfo& info) {
  std::span<const std::byte> data = argumentArray(info, 0);
  uint64_t blockBytes = argumentInteger(info, 1);
  if (blockBytes == 0) throw Napi::RangeError::New(info.Env(), "argument 1 is 0 bytes a block");
  auto path = static_cast<Md5Path>(argumentChoice(info, 2, kHashPaths));
  using Digests = std::vector<Md5Digest>;
  return AsyncTask<Digests>::run(
      info.Env(), {info[0]}, [=] { return Result<Digests>(digestsOf(data, blockBytes, path)); },
      [](Napi::Env env, Digests& digests) -> Napi::Value {
        return Napi::Buffer<std::byte>::Copy(env, reinterpret_cast<const std::byte*>(digests.data()),
                                             digests.size() * sizeof(Md5Digest));
      });
}

Napi::Value cipherSectors(const Napi::CallbackInfo& info) {
  std::optional<CipherMethod> method = methodNamed(argumentString(info, 0));
  if (!method) throw Napi::RangeError::New(info.Env(), "argument 0 is not a known method");
  std::span<const std::byte> key = argumentArray(info, 1);
  uint64_t sectorBytes = argumentInteger(info, 2);
  uint64_t offsetBytes = argumentInteger(info, 3);
  std::span<std::byte> data = argumentArray(info, 4);
  bool encrypt = argumentBoolean(info, 5);
  auto path = static_cast<CipherPath>(argumentChoice(info, 6, kCipherPaths));
  if ((sectorBytes != 512 && sectorBytes != 4096) || offsetBytes % sectorBytes != 0 || data.size() % sectorBytes != 0)
    throw Napi::RangeError::New(info.Env(), "arguments 2 to 4 are not whole sectors");
  // Made at once, so that the caller may wipe its key as soon as the call returns.
  auto made = makeSectorCipher(*method, key, static_cast<uint32_t>(sectorBytes), path);
  if (!made.isOk()) throw Napi::RangeError::New(info.Env(), made.status().message());
  std::shared_ptr<const SectorCipher> cipher = made.take();
  return AsyncTask<Nothing>::run(
      info.Env(), {info[4]},
      [=] {
        if (encrypt)
          cipher->encrypt(offsetBytes, data);
        else
          cipher->decrypt(offsetBytes, data);
        return Result<Nothing>(Nothing{});
      },
      undefined);
}

}  // namespace diskferry::addon
