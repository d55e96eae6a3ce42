// Images of devices. Captures, transfers and walks are runs (engine_run.h) with these events:
//
//   mark(blocks, image bytes)   unreadable(offset, bytes)          of a capture
//   dropped(target, -, code, message)   mismatch(target, block)   damaged(block, offset, code, message)   of a transfer
//
// engineProgress of them: [bytes done, bytes total, other bytes, other total, -].
#pragma once

#include <napi.h>

namespace diskferry::addon {

// JS: imageCapture(source | undefined, sizeBytes, skipOffsetBytes, skipLengthBytes, path, isRaw, level, hashes,
// retries, limitBytesPerSecond, resumeBlocks, resumeImageBytes, resumeUnreadableOffsetBytes,
// resumeUnreadableLengthBytes, memoryBytes, durableEveryBytes, durableEveryMs, ioEngine, onEvent): run
Napi::Value imageCapture(const Napi::CallbackInfo& info);
// JS: imageOpen(path, kind, index, offsetBytes, sizeBytes): Promise<{handle, sizeBytes}>
Napi::Value imageOpen(const Napi::CallbackInfo& info);
// JS: imageRead(image, offsetBytes, into): Promise<void>
Napi::Value imageRead(const Napi::CallbackInfo& info);
// JS: imageClose(image)
Napi::Value imageClose(const Napi::CallbackInfo& info);
// JS: imageTransfer(image, targets, mode, zeros, readBack, resume, hashes, checkBlocks, blocks, limitBytesPerSecond,
// memoryBytes, ioEngine, onEvent): run
Napi::Value imageTransfer(const Napi::CallbackInfo& info);
// JS: imageWalk(path, onEvent): run
Napi::Value imageWalk(const Napi::CallbackInfo& info);

}  // namespace diskferry::addon
