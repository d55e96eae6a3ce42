// Work off the event loop, with a promise: `work` runs on a pool thread and never sees JavaScript, `convert` runs on
// the event loop with its result. This is the one place where the two meet.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "addon/js_error.h"
#include "status.h"

namespace diskferry::addon {

template <typename T>
class AsyncTask final : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result<T>()>;
  using Convert = std::function<Napi::Value(Napi::Env, T&)>;

  // `pinned` values (buffers, handles) stay alive until the promise settles.
  static Napi::Promise run(Napi::Env env, std::vector<Napi::Value> pinned, Work work, Convert convert) {
    auto* task = new AsyncTask(env, std::move(work), std::move(convert));
    for (const Napi::Value& value : pinned)
      if (value.IsObject()) task->pinned_.push_back(Napi::Persistent(value.As<Napi::Object>()));
    Napi::Promise promise = task->deferred_.Promise();
    task->Queue();
    return promise;
  }

 protected:
  void Execute() override { result_ = std::make_unique<Result<T>>(work_()); }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    if (result_->isOk())
      deferred_.Resolve(convert_(Env(), result_->value()));
    else
      deferred_.Reject(toJsError(Env(), result_->status()).Value());
  }

 private:
  AsyncTask(Napi::Env env, Work work, Convert convert)
      : Napi::AsyncWorker(env, "diskferry"), deferred_(env), work_(std::move(work)), convert_(std::move(convert)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Convert convert_;
  std::unique_ptr<Result<T>> result_;
  std::vector<Napi::ObjectReference> pinned_;
};

// For work without a result.
struct Nothing {};
inline Result<Nothing> nothingOr(const Status& status) {
  if (status.isOk()) return Nothing{};
  return status;
}
inline Napi::Value undefined(Napi::Env env, Nothing&) { return env.Undefined(); }

}  // namespace diskferry::addon
