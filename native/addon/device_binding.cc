#include "addon/device_binding.h"

#include "addon/arguments.h"
#include "addon/async_task.h"
#include "io/block_device.h"

namespace diskferry::addon {

Napi::Value deviceOpen(const Napi::CallbackInfo& info) {
  std::string path = argumentString(info, 0);
  DeviceOptions options;
  options.write = argumentBoolean(info, 1);
  options.fileSectorBytes = static_cast<uint32_t>(argumentInteger(info, 2));
  using Opened = std::shared_ptr<BlockDevice>;
  return AsyncTask<Opened>::run(
      info.Env(), {}, [path, options] { return BlockDevice::open(path, options); },
      [](Napi::Env env, Opened& device) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("handle", makeHandle<Sectors>(env, device));
        result.Set("sizeBytes", static_cast<double>(device->sizeBytes()));
        result.Set("logicalSectorBytes", device->sectorBytes());
        result.Set("physicalSectorBytes", device->physicalSectorBytes());
        result.Set("isBlock", device->kind() == DeviceKind::block);
        result.Set("directIo", device->direct());
        return result;
      });
}

Napi::Value deviceRead(const Napi::CallbackInfo& info) {
  auto device = argumentHandle<Sectors>(info, 0);
  uint64_t offset = argumentInteger(info, 1);
  std::span<std::byte> into = argumentArray(info, 2);
  return AsyncTask<Nothing>::run(
      info.Env(), {info[2]}, [device, offset, into] { return nothingOr(device->read(offset, into)); }, undefined);
}

Napi::Value deviceWrite(const Napi::CallbackInfo& info) {
  auto device = argumentHandle<Sectors>(info, 0);
  uint64_t offset = argumentInteger(info, 1);
  std::span<const std::byte> from = argumentArray(info, 2);
  return AsyncTask<Nothing>::run(
      info.Env(), {info[2]}, [device, offset, from] { return nothingOr(device->write(offset, from)); }, undefined);
}

Napi::Value deviceFlush(const Napi::CallbackInfo& info) {
  auto device = argumentHandle<Sectors>(info, 0);
  return AsyncTask<Nothing>::run(
      info.Env(), {}, [device] { return nothingOr(device->flush()); }, undefined);
}

Napi::Value deviceClose(const Napi::CallbackInfo& info) {
  auto device = std::dynamic_pointer_cast<BlockDevice>(argumentHandle<Sectors>(info, 0));
  if (device == nullptr) throw Napi::TypeError::New(info.Env(), "argument 0 is not a device");
  return AsyncTask<Nothing>::run(
      info.Env(), {},
      [device] {
        device->close();
        return Result<Nothing>(Nothing{});
      },
      undefined);
}

}  // namespace diskferry::addon
