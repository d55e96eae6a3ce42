// Everything that the module exports, in the order of src/addon/binding.ts; a test compares the two.
#include <napi.h>

#include "addon/bitlocker_binding.h"
#include "addon/crypto_binding.h"
#include "addon/device_binding.h"
#include "addon/engine_binding.h"
#include "addon/filesystems_binding.h"
#include "addon/image_binding.h"
#include "addon/js_error.h"
#include "addon/ntfs_binding.h"
#include "addon/scan_binding.h"

namespace diskferry::addon {

Napi::Object exportAll(Napi::Env env, Napi::Object exports) {
  auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("setErrorClass", setErrorClass);

  add("deviceOpen", deviceOpen);
  add("deviceRead", deviceRead);
  add("deviceWrite", deviceWrite);
  add("deviceFlush", deviceFlush);
  add("deviceClose", deviceClose);

  add("scanTree", scanTree);

  add("cryptoPaths", cryptoPaths);
  add("hashBlocks", hashBlocks);
  add("cipherSectors", cipherSectors);

  add("bitlockerCreate", bitlockerCreate);
  add("bitlockerUnlock", bitlockerUnlock);
  add("bitlockerAttach", bitlockerAttach);
  add("bitlockerErase", bitlockerErase);
  add("bitlockerCheck", bitlockerCheck);
  add("bitlockerCheckPassword", bitlockerCheckPassword);
  add("volumeRead", volumeRead);
  add("volumeWrite", volumeWrite);
  add("volumeFlush", volumeFlush);
  add("volumeCommit", volumeCommit);
  add("volumeClose", volumeClose);

  add("ntfsCreateMemoryFile", ntfsCreateMemoryFile);
  add("ntfsReadSkeleton", ntfsReadSkeleton);
  add("ntfsPlan", ntfsPlan);
  add("ntfsExtents", ntfsExtents);
  add("ntfsWrite", ntfsWrite);
  add("ntfsOpen", ntfsOpen);
  add("ntfsCheck", ntfsCheck);
  add("ntfsReadTree", ntfsReadTree);
  add("ntfsReadFile", ntfsReadFile);

  add("readUsedRanges", readUsedRanges);

  add("engineCopy", engineCopy);
  add("engineVerify", engineVerify);
  add("engineBuffers", engineBuffers);
  add("engineRead", engineRead);
  add("engineGiveBack", engineGiveBack);
  add("engineProgress", engineProgress);
  add("engineAbort", engineAbort);

  add("imageCapture", imageCapture);
  add("imageOpen", imageOpen);
  add("imageRead", imageRead);
  add("imageClose", imageClose);
  add("imageTransfer", imageTransfer);
  add("imageWalk", imageWalk);
  return exports;
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) { return exportAll(env, exports); }

NODE_API_MODULE(diskferry, initialize)

}  // namespace diskferry::addon
