#include "addon/bitlocker_binding.h"

#include <memory>
#include <utility>

#include "addon/arguments.h"
#include "addon/async_task.h"
#include "addon/finding_array.h"
#include "bitlocker/check.h"
#include "bitlocker/commit.h"
#include "bitlocker/create.h"
#include "bitlocker/recovery_password.h"
#include "bitlocker/unlock.h"
#include "bitlocker/volume.h"

namespace diskferry::addon {

namespace {

using bitlocker::Place;
using bitlocker::RegionOffsets;
using bitlocker::Secret;
using bitlocker::SecretKind;
using bitlocker::Volume;

// Work functions must be copyable, keys are not: they travel behind a shared pointer.
template <typename T>
std::shared_ptr<T> share(T value) {
  return std::make_shared<T>(std::move(value));
}

Place argumentPlace(const Napi::CallbackInfo& info, size_t index) {
  return {argumentHandle<Sectors>(info, index), argumentInteger(info, index + 1), argumentInteger(info, index + 2)};
}

// The order of src/addon/bitlocker.ts.
std::shared_ptr<Secret> argumentSecret(const Napi::CallbackInfo& info, size_t index) {
  uint64_t kind = argumentInteger(info, index);
  if (kind > static_cast<uint64_t>(SecretKind::clearKey))
    throw Napi::RangeError::New(info.Env(), "argument " + std::to_string(index) + " is no kind of secret");
  return share(Secret{static_cast<SecretKind>(kind), SecureBytes(argumentArray<const std::byte>(info, index + 1))});
}

RegionOffsets argumentRegions(const Napi::CallbackInfo& info, size_t index) {
  std::span<const double> values = argumentArray<const double>(info, index);
  if (values.size() != 5) throw Napi::TypeError::New(info.Env(), "expected 5 region offsets");
  std::array<uint64_t, 5> offsets{};
  for (size_t region = 0; region < offsets.size(); region++) {
    if (!(values[region] >= 0 && values[region] <= 9007199254740991.0))
      throw Napi::RangeError::New(info.Env(), "a region offset is not a safe integer of 0 or more");
    offsets[region] = static_cast<uint64_t>(values[region]);
  }
  return {{offsets[0], offsets[1], offsets[2]}, offsets[3], offsets[4]};
}

// FILETIME: 100 ns units since 1601.
constexpr uint64_t kUnixEpoch = 116444736000000000;

uint64_t fileTimeNow() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return kUnixEpoch + static_cast<uint64_t>(now.tv_sec) * 10000000 + static_cast<uint64_t>(now.tv_nsec) / 100;
}

Napi::Value opened(Napi::Env env, std::shared_ptr<Volume>& volume) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("handle", makeHandle<Volume>(env, volume));
  result.Set("sectorBytes", volume->sectorBytes());
  result.Set("sizeBytes", static_cast<double>(volume->sizeBytes()));
  return result;
}

Napi::Value copied(Napi::Env env, std::span<const std::byte> bytes) {
  return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

Napi::Value infoObject(Napi::Env env, const bitlocker::VolumeInfo& volume) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("kind", volume.layout);
  result.Set("state", volume.state);
  result.Set("method", volume.method);
  result.Set("sectorBytes", volume.sectorBytes);
  result.Set("encryptedBytes", static_cast<double>(volume.encryptedBytes));
  result.Set("volumeGuid", volume.volumeGuid);
  result.Set("description", volume.description);
  result.Set("createdMs", (static_cast<double>(volume.createdTime) - static_cast<double>(kUnixEpoch)) / 10000);
  Napi::Array protectors = Napi::Array::New(env, volume.protectors.size());
  for (size_t index = 0; index < volume.protectors.size(); index++) {
    Napi::Object protector = Napi::Object::New(env);
    protector.Set("kind", volume.protectors[index].kind);
    protector.Set("identifier", volume.protectors[index].identifier);
    protectors.Set(static_cast<uint32_t>(index), protector);
  }
  result.Set("protectors", protectors);
  auto regions = Napi::Float64Array::New(env, 5);
  for (size_t copy = 0; copy < 3; copy++) regions[copy] = static_cast<double>(volume.regions.metadata[copy]);
  regions[3] = static_cast<double>(volume.regions.header);
  regions[4] = static_cast<double>(volume.regions.extra);
  result.Set("regions", regions);
  return result;
}

}  // namespace

Napi::Value bitlockerCreate(const Napi::CallbackInfo& info) {
  auto options = std::make_shared<bitlocker::CreateOptions>();
  options->volumeBytes = argumentInteger(info, 0);
  options->sectorBytes = static_cast<uint32_t>(argumentInteger(info, 1));
  options->method = static_cast<CipherMethod>(argumentInteger(info, 2));
  options->regions = argumentRegions(info, 3);
  options->description = argumentString(info, 4);
  options->createdTime = fileTimeNow();
  if (!info[5].IsUndefined()) options->passphrase = SecureBytes(argumentArray<const std::byte>(info, 5));
  return AsyncTask<bitlocker::Created>::run(
      info.Env(), {}, [options] { return bitlocker::createMetadata(*options); },
      [](Napi::Env env, bitlocker::Created& created) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("metadata", copied(env, created.metadata));
        result.Set("recoveryPassword", copied(env, created.recoveryPassword.bytes()));
        return result;
      });
}

Napi::Value bitlockerUnlock(const Napi::CallbackInfo& info) {
  Place place = argumentPlace(info, 0);
  auto secret = argumentSecret(info, 3);
  return AsyncTask<std::shared_ptr<Volume>>::run(
      info.Env(), {}, [place, secret] { return bitlocker::unlockVolume(place, *secret); }, opened);
}

Napi::Value bitlockerAttach(const Napi::CallbackInfo& info) {
  Place place = argumentPlace(info, 0);
  std::span<const std::byte> metadata = argumentArray<const std::byte>(info, 3);
  auto secret = argumentSecret(info, 4);
  return AsyncTask<std::shared_ptr<Volume>>::run(
      info.Env(), {info[3]}, [place, metadata, secret] { return bitlocker::attachVolume(place, metadata, *secret); },
      opened);
}

Napi::Value bitlockerErase(const Napi::CallbackInfo& info) {
  Place place = argumentPlace(info, 0);
  RegionOffsets regions = argumentRegions(info, 3);
  return AsyncTask<Nothing>::run(
      info.Env(), {}, [place, regions] { return nothingOr(bitlocker::eraseVolumeStart(place, regions)); }, undefined);
}

Napi::Value bitlockerCheck(const Napi::CallbackInfo& info) {
  Place place = argumentPlace(info, 0);
  std::shared_ptr<Secret> secret = info[3].IsUndefined() ? nullptr : argumentSecret(info, 3);
  return AsyncTask<bitlocker::CheckReport>::run(
      info.Env(), {}, [place, secret] { return bitlocker::checkVolume(place, secret.get()); },
      [](Napi::Env env, bitlocker::CheckReport& report) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("findings", findingArray(env, report.findings));
        result.Set("info", report.info ? infoObject(env, *report.info) : env.Undefined());
        result.Set("opened", report.volume ? opened(env, report.volume) : env.Undefined());
        return result;
      });
}

Napi::Value bitlockerCheckPassword(const Napi::CallbackInfo& info) {
  Result<SecureBytes> key = bitlocker::parseRecoveryPassword(argumentArray<const std::byte>(info, 0));
  if (!key.isOk()) throw toJsError(info.Env(), key.status());
  return info.Env().Undefined();
}

Napi::Value volumeRead(const Napi::CallbackInfo& info) {
  auto volume = argumentHandle<Volume>(info, 0);
  uint64_t offset = argumentInteger(info, 1);
  std::span<std::byte> into = argumentArray(info, 2);
  return AsyncTask<Nothing>::run(
      info.Env(), {info[2]}, [volume, offset, into] { return nothingOr(volume->read(offset, into)); }, undefined);
}

Napi::Value volumeWrite(const Napi::CallbackInfo& info) {
  auto volume = argumentHandle<Volume>(info, 0);
  uint64_t offset = argumentInteger(info, 1);
  std::span<const std::byte> from = argumentArray<const std::byte>(info, 2);
  return AsyncTask<Nothing>::run(
      info.Env(), {info[2]}, [volume, offset, from] { return nothingOr(volume->write(offset, from)); }, undefined);
}

Napi::Value volumeFlush(const Napi::CallbackInfo& info) {
  auto volume = argumentHandle<Volume>(info, 0);
  return AsyncTask<Nothing>::run(
      info.Env(), {}, [volume] { return nothingOr(volume->flush()); }, undefined);
}

Napi::Value volumeCommit(const Napi::CallbackInfo& info) {
  auto volume = argumentHandle<Volume>(info, 0);
  std::span<const std::byte> metadata = argumentArray<const std::byte>(info, 1);
  return AsyncTask<Nothing>::run(
      info.Env(), {info[1]}, [volume, metadata] { return nothingOr(bitlocker::commitMetadata(*volume, metadata)); },
      undefined);
}

Napi::Value volumeClose(const Napi::CallbackInfo& info) {
  releaseHandle<Volume>(info, 0);
  return info.Env().Undefined();
}

}  // namespace diskferry::addon
