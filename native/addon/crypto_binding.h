// Hashing and sector encryption over buffers, on a path of the caller's choice: for benchmarks and cross-checks. The
// copy engine calls the core directly.
#pragma once

#include <napi.h>

namespace diskferry::addon {

// () -> { hash: string[], cipher: string[] }: what this CPU can run, narrowest first. The last of each is the default.
Napi::Value cryptoPaths(const Napi::CallbackInfo& info);
// (data, blockBytes, path) -> Promise<Buffer>: 16 bytes for every block; the last block may be short.
Napi::Value hashBlocks(const Napi::CallbackInfo& info);
// (method, key, sectorBytes, offsetBytes, data, encrypt, path) -> Promise<void>: in place.
Napi::Value cipherSectors(const Napi::CallbackInfo& info);

}  // namespace diskferry::addon
