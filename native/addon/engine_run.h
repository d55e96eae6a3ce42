// A long job seen from JavaScript: threads of the core, one function that hears every event, and a handle. A run owns
// itself until its last event was delivered, so that a handle which is let go stops nothing.
//
// onEvent(kind, a, b, code or '', message, detail). The last event is `finished`; its detail is the summary.
#pragma once

#include <napi.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "io/io_queue.h"
#include "status.h"

namespace diskferry::addon {

// In the order of src/addon/engine-run.ts.
enum EventKind { kMark, kDropped, kMismatch, kUnreadable, kFinished, kChunk, kDamaged };

struct Event {
  EventKind kind;
  double first = 0;
  double second = 0;
  Status status;
  std::function<void(Napi::Env, Napi::Object)> fill;  // puts the detail together, on the event loop
};

using Numbers = std::vector<std::pair<const char*, double>>;
inline void setNumbers(Napi::Object object, const Numbers& numbers) {
  for (const auto& [key, value] : numbers) object.Set(key, value);
}

class EngineRun : public std::enable_shared_from_this<EngineRun> {
 public:
  virtual ~EngineRun() = default;
  virtual void start() = 0;
  virtual void abort() = 0;
  virtual void join() = 0;
  virtual std::array<uint64_t, 5> progress() const = 0;
  virtual void giveBack(size_t) {}

  // `pinned`: the first arguments, whose memory the threads use.
  void open(const Napi::CallbackInfo& info, size_t pinnedCount, size_t callbackIndex);

 protected:
  // From the run's threads. After the environment has begun to close nothing is delivered any more.
  void send(Event event);

 private:
  static void endWithEnvironment(void* run);
  static void endWithProcess();
  void deliver(Napi::Env env, Napi::Function callback, const Event& event);
  void close(Napi::Env env);

  std::vector<Napi::ObjectReference> pinned_;
  Napi::ThreadSafeFunction channel_;
  std::shared_ptr<EngineRun> itself_;
};

inline Napi::Value startRun(const Napi::CallbackInfo& info, const std::shared_ptr<EngineRun>& run, size_t pinnedCount,
                            size_t callbackIndex) {
  run->open(info, pinnedCount, callbackIndex);
  run->start();
  return makeHandle<EngineRun>(info.Env(), run);
}

inline IoEngine argumentIoEngine(const Napi::CallbackInfo& info, size_t index) {
  constexpr std::array<IoEngine, 3> engines = {IoEngine::automatic, IoEngine::uring, IoEngine::threads};
  return engines.at(argumentInteger(info, index));
}

}  // namespace diskferry::addon
