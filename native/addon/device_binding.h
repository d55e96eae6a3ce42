// Devices and files as sectors. The handle is a std::shared_ptr<Sectors>, which every other area accepts.
#pragma once

#include <napi.h>

namespace diskferry::addon {

// JS: deviceOpen(path, write, fileSectorBytes): Promise<{handle, sizeBytes, logicalSectorBytes, physicalSectorBytes,
// isBlock, directIo}>
Napi::Value deviceOpen(const Napi::CallbackInfo& info);
// JS: deviceRead(handle, offsetBytes, into: Buffer): Promise<void>. Fills `into`, which is pinned until it settles.
Napi::Value deviceRead(const Napi::CallbackInfo& info);
// JS: deviceWrite(handle, offsetBytes, from: Buffer): Promise<void>
Napi::Value deviceWrite(const Napi::CallbackInfo& info);
// JS: deviceFlush(handle): Promise<void>
Napi::Value deviceFlush(const Napi::CallbackInfo& info);
// JS: deviceClose(handle): Promise<void>. Waits for running calls.
Napi::Value deviceClose(const Napi::CallbackInfo& info);

}  // namespace diskferry::addon
