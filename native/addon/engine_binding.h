// Copying and verifying the files of a drive. Each is a run (engine_run.h) with these events:
//
//   kind 0 mark(chunk, bytes done)   1 dropped(file, -, code, message)   2 mismatch(file, block)
//   kind 3 unreadable(file, block, code, message)   4 finished(-, -, code or '', message, summary)
//   kind 5 chunk(buffer, -, -, -, {numbers, digests}): seven numbers a piece (file, block, offset in the file, bytes,
//          offset in the buffer, BlockState, 1 with a digest of the whole file), 16 bytes of digest a piece
#pragma once

#include <napi.h>

namespace diskferry::addon {

// JS: engineCopy(volume, directoryBytes, directoryEnds, fileSourceDirectory, fileNameBytes, fileNameEnds,
// fileSizeBytes, fileModifiedNs, fileBlockBytes, firstExtent, extentOffsetBytes, extentLengthBytes, hashSpoolFd,
// firstChunk, memoryBytes, skipChanged, durableEveryBytes, durableEveryMs, ioEngine, onEvent): run
Napi::Value engineCopy(const Napi::CallbackInfo& info);
// JS: engineVerify(volume, fileSizeBytes, fileBlockBytes, firstExtent, extentOffsetBytes, extentLengthBytes, expected,
// skippedBlocks, memoryBytes, ioEngine, onEvent): run
Napi::Value engineVerify(const Napi::CallbackInfo& info);
// JS: engineBuffers(count): {handle, memory: ArrayBuffer}, of `count` buffers of 4 MiB
Napi::Value engineBuffers(const Napi::CallbackInfo& info);
// JS: engineRead(volume, ..., skippedBlocks, buffers, hashesFiles, onEvent): run. Verifies and lends the content.
Napi::Value engineRead(const Napi::CallbackInfo& info);
// JS: engineGiveBack(run, buffer)
Napi::Value engineGiveBack(const Napi::CallbackInfo& info);
// JS: engineProgress(run): Float64Array. Of files: [bytes done, bytes total, files done, files total, chunk]
Napi::Value engineProgress(const Napi::CallbackInfo& info);
// JS: engineAbort(run)
Napi::Value engineAbort(const Napi::CallbackInfo& info);

}  // namespace diskferry::addon
