// What file systems of any kind use of a device.
#pragma once

#include <napi.h>

namespace diskferry::addon {

// JS: readUsedRanges(device, offsetBytes, lengthBytes): Promise<{fileSystem, label, state, reason, unitBytes,
// offsetBytes: Float64Array, lengthBytes: Float64Array}>
Napi::Value readUsedRanges(const Napi::CallbackInfo& info);

}  // namespace diskferry::addon
