// A failed Status becomes an instance of the project's error class, which TypeScript registers once at load.
#pragma once

#include <napi.h>

#include "status.h"

namespace diskferry::addon {

// JS: setErrorClass(class). Called once by src/addon/binding.ts.
Napi::Value setErrorClass(const Napi::CallbackInfo& info);
// `new TransferError(code, message, { systemError })`.
Napi::Error toJsError(Napi::Env env, const Status& status);

}  // namespace diskferry::addon
