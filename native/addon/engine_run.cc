#include "addon/engine_run.h"

#include <cstdlib>
#include <mutex>
#include <set>

namespace diskferry::addon {

namespace {

// Runs whose threads are alive. process.exit() runs no clean-up of environments, only exit handlers, while threads go
// on; OpenSSL's handler frees what the ciphers use. Ours is registered later and therefore runs earlier.
struct LiveRuns {
  std::mutex mutex;
  std::set<std::shared_ptr<EngineRun>> runs;
};

LiveRuns& liveRuns() {
  static auto* live = new LiveRuns();  // never destroyed: an exit handler uses it
  return *live;
}

}  // namespace

void EngineRun::open(const Napi::CallbackInfo& info, size_t pinnedCount, size_t callbackIndex) {
  for (size_t index = 0; index < pinnedCount; index++)
    if (info[index].IsObject()) pinned_.push_back(Napi::Persistent(info[index].As<Napi::Object>()));
  channel_ =
      Napi::ThreadSafeFunction::New(info.Env(), info[callbackIndex].As<Napi::Function>(), "diskferry engine", 0, 1);
  itself_ = shared_from_this();
  // A process that exits in the middle: the threads end before the environment does.
  napi_add_env_cleanup_hook(info.Env(), endWithEnvironment, this);
  static const int registered = std::atexit(endWithProcess);
  (void)registered;
  std::lock_guard lock(liveRuns().mutex);
  liveRuns().runs.insert(itself_);
}

void EngineRun::send(Event event) {
  auto* owned = new Event(std::move(event));
  napi_status status =
      channel_.NonBlockingCall(owned, [this](Napi::Env env, Napi::Function callback, Event* delivered) {
        std::unique_ptr<Event> holder(delivered);
        try {
          deliver(env, callback, *delivered);
        } catch (const Napi::Error&) {
          // The environment is ending (a worker that is terminated): nobody is left to hear it.
        }
      });
  if (status != napi_ok) delete owned;
}

void EngineRun::endWithEnvironment(void* run) {
  static_cast<EngineRun*>(run)->abort();
  static_cast<EngineRun*>(run)->join();
  std::lock_guard lock(liveRuns().mutex);
  liveRuns().runs.erase(static_cast<EngineRun*>(run)->itself_);
}

void EngineRun::endWithProcess() {
  std::set<std::shared_ptr<EngineRun>>* runs = nullptr;
  {
    // Never freed: what the runs hold of JavaScript must not be touched any more.
    std::lock_guard lock(liveRuns().mutex);
    runs = new std::set<std::shared_ptr<EngineRun>>(liveRuns().runs);
  }
  for (const auto& run : *runs) run->abort();
  for (const auto& run : *runs) run->join();
}

void EngineRun::deliver(Napi::Env env, Napi::Function callback, const Event& event) {
  std::shared_ptr<EngineRun> alive = itself_;
  Napi::Object detail = Napi::Object::New(env);
  if (event.fill) event.fill(env, detail);
  if (event.status.systemError() != 0) detail.Set("systemError", event.status.systemError());
  if (event.kind == kFinished) close(env);
  std::string code = event.status.isOk() ? "" : std::string(name(event.status.code()));
  callback.Call({Napi::Number::New(env, event.kind), Napi::Number::New(env, event.first),
                 Napi::Number::New(env, event.second), Napi::String::New(env, code),
                 Napi::String::New(env, event.status.message()), detail});
}

void EngineRun::close(Napi::Env env) {
  join();
  napi_remove_env_cleanup_hook(env, endWithEnvironment, this);
  pinned_.clear();
  channel_.Release();
  std::lock_guard lock(liveRuns().mutex);
  liveRuns().runs.erase(itself_);
  itself_.reset();
}

}  // namespace diskferry::addon
