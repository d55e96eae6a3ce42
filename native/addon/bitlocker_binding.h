// BitLocker volumes: created, unlocked, read, written, committed, checked. A volume's handle is a
// std::shared_ptr<bitlocker::Volume>. Secrets come in as bytes and are copied to locked memory before the call returns.
#pragma once

#include <napi.h>

namespace diskferry::addon {

// JS: bitlockerCreate(volumeBytes, sectorBytes, method: number, regions: Float64Array [copy 1, 2, 3, header, extra],
// description, passphrase: Uint8Array | undefined): Promise<{metadata: Buffer, recoveryPassword: Buffer}>
Napi::Value bitlockerCreate(const Napi::CallbackInfo& info);
// JS: bitlockerUnlock(device, offsetBytes, sizeBytes, secretKind: number, secret: Uint8Array): Promise<{handle,
// sectorBytes, sizeBytes}>
Napi::Value bitlockerUnlock(const Napi::CallbackInfo& info);
// JS: bitlockerAttach(device, offsetBytes, sizeBytes, metadata: Uint8Array, secretKind, secret): as bitlockerUnlock
Napi::Value bitlockerAttach(const Napi::CallbackInfo& info);
// JS: bitlockerErase(device, offsetBytes, sizeBytes, regions): Promise<void>
Napi::Value bitlockerErase(const Napi::CallbackInfo& info);
// JS: bitlockerCheck(device, offsetBytes, sizeBytes, secretKind: number | undefined, secret: Uint8Array | undefined):
// Promise<{findings, info: {...} | undefined, opened: as bitlockerUnlock | undefined}>
Napi::Value bitlockerCheck(const Napi::CallbackInfo& info);
// JS: bitlockerCheckPassword(text: Uint8Array): void, or throws KEY_MISTYPED
Napi::Value bitlockerCheckPassword(const Napi::CallbackInfo& info);

// JS: volumeRead(volume, offsetBytes, into): Promise<void>. Fills `into`, which is pinned until it settles.
Napi::Value volumeRead(const Napi::CallbackInfo& info);
// JS: volumeWrite(volume, offsetBytes, from): Promise<void>
Napi::Value volumeWrite(const Napi::CallbackInfo& info);
// JS: volumeFlush(volume): Promise<void>
Napi::Value volumeFlush(const Napi::CallbackInfo& info);
// JS: volumeCommit(volume, metadata: Uint8Array): Promise<void>
Napi::Value volumeCommit(const Napi::CallbackInfo& info);
// JS: volumeClose(volume): void. The keys are wiped when the last call that uses them is done.
Napi::Value volumeClose(const Napi::CallbackInfo& info);

}  // namespace diskferry::addon
