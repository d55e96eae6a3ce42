// Finding the files below a directory.
#pragma once

#include <napi.h>

namespace diskferry::addon {

// JS: scanTree(root, followSymlinks): Promise<{directoryParent, directoryNames: {bytes, ends}, fileDirectory,
// fileNames, fileSizeBytes, fileModifiedNs, skipped: [{path, reason, message}]}>
Napi::Value scanTree(const Napi::CallbackInfo& info);

}  // namespace diskferry::addon
