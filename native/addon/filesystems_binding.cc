#include "addon/filesystems_binding.h"

#include <memory>

#include "addon/arguments.h"
#include "addon/async_task.h"
#include "filesystems/read_used_ranges.h"

namespace diskferry::addon {

namespace {

using filesystems::UsedRanges;
using filesystems::VolumeState;

const char* nameOf(VolumeState state) {
  switch (state) {
    case VolumeState::clean:
      return "clean";
    case VolumeState::dirty:
      return "dirty";
    case VolumeState::needsRecovery:
      return "needs-recovery";
    case VolumeState::unknown:
      break;
  }
  return "unknown";
}

Napi::Value rangesObject(Napi::Env env, const UsedRanges& used) {
  Napi::Float64Array offsets = Napi::Float64Array::New(env, used.ranges.size());
  Napi::Float64Array lengths = Napi::Float64Array::New(env, used.ranges.size());
  for (size_t index = 0; index < used.ranges.size(); index++) {
    offsets[index] = static_cast<double>(used.ranges[index].offsetBytes);
    lengths[index] = static_cast<double>(used.ranges[index].lengthBytes);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("fileSystem", used.fileSystem);
  object.Set("label", used.label);
  object.Set("state", nameOf(used.state));
  object.Set("reason", used.reason);
  object.Set("unitBytes", static_cast<double>(used.unitBytes));
  object.Set("offsetBytes", offsets);
  object.Set("lengthBytes", lengths);
  return object;
}

}  // namespace

Napi::Value readUsedRanges(const Napi::CallbackInfo& info) {
  std::shared_ptr<Sectors> device = argumentHandle<Sectors>(info, 0);
  uint64_t offsetBytes = argumentInteger(info, 1);
  uint64_t lengthBytes = argumentInteger(info, 2);
  return AsyncTask<UsedRanges>::run(
      info.Env(), {},
      [device, offsetBytes, lengthBytes] { return filesystems::readUsedRanges(device, offsetBytes, lengthBytes); },
      [](Napi::Env env, UsedRanges& used) { return rangesObject(env, used); });
}

}  // namespace diskferry::addon
