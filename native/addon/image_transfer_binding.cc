#include "addon/image_binding.h"
#include "addon/js_error.h"

namespace diskferry::addon {

namespace {
Napi::Value later(const Napi::CallbackInfo& info) {
  throw toJsError(info.Env(), Status(ErrorCode::INTERNAL, "images cannot be read yet"));
}
}  // namespace

Napi::Value imageOpen(const Napi::CallbackInfo& info) { return later(info); }
Napi::Value imageRead(const Napi::CallbackInfo& info) { return later(info); }
Napi::Value imageClose(const Napi::CallbackInfo& info) { return later(info); }
Napi::Value imageTransfer(const Napi::CallbackInfo& info) { return later(info); }
Napi::Value imageWalk(const Napi::CallbackInfo& info) { return later(info); }

}  // namespace diskferry::addon
