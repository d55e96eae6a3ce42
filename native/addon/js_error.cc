#include "addon/js_error.h"

#include <string>

namespace diskferry::addon {

namespace {

// One per environment: worker threads have their own class object.
struct Registered {
  Napi::FunctionReference errorClass;
};

}  // namespace

Napi::Value setErrorClass(const Napi::CallbackInfo& info) {
  auto* registered = new Registered();
  registered->errorClass = Napi::Persistent(info[0].As<Napi::Function>());
  info.Env().SetInstanceData<Registered>(registered);
  return info.Env().Undefined();
}

Napi::Error toJsError(Napi::Env env, const Status& status) {
  auto* registered = env.GetInstanceData<Registered>();
  if (registered == nullptr) return Napi::Error::New(env, status.message());
  Napi::Object detail = Napi::Object::New(env);
  if (status.systemError() != 0) detail.Set("systemError", status.systemError());
  Napi::Value error = registered->errorClass.New(
      {Napi::String::New(env, std::string(name(status.code()))), Napi::String::New(env, status.message()), detail});
  return Napi::Error(env, error);
}

}  // namespace diskferry::addon
