#include "addon/engine_binding.h"

#include <fcntl.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/js_error.h"
#include "engine/copy_run.h"
#include "engine/verify_run.h"

namespace diskferry::addon {

namespace {

class EngineRun;

enum EventKind { kMark, kDropped, kMismatch, kUnreadable, kFinished, kChunk };

struct Event {
  EventKind kind;
  double first = 0;
  double second = 0;
  Status status;
  std::vector<std::pair<const char*, double>> numbers;  // of the summary
  std::string ioEngine;
  std::vector<engine::ComparedPiece> pieces;
};

// The buffers of one reader of content. JavaScript sees the slab as one array, for as long as it likes.
struct ReadBuffers {
  explicit ReadBuffers(size_t count) : pool(std::make_shared<BufferPool>(count, engine::kChunkBytes)) {}
  std::shared_ptr<BufferPool> pool;
};

// Seven numbers a piece, and 16 bytes of digest behind them in an array of their own for those that end a file.
Napi::Value piecesObject(Napi::Env env, const std::vector<engine::ComparedPiece>& pieces) {
  constexpr size_t kFields = 7;
  Napi::Float64Array numbers = Napi::Float64Array::New(env, pieces.size() * kFields);
  Napi::Uint8Array digests = Napi::Uint8Array::New(env, pieces.size() * sizeof(Md5Digest));
  double* field = numbers.Data();
  for (size_t index = 0; index < pieces.size(); index++) {
    const engine::ComparedPiece& piece = pieces[index];
    *field++ = static_cast<double>(piece.file);
    *field++ = static_cast<double>(piece.block);
    *field++ = static_cast<double>(piece.fileOffsetBytes);
    *field++ = piece.dataBytes;
    *field++ = piece.bufferOffsetBytes;
    *field++ = static_cast<double>(piece.state);
    *field++ = piece.fileDigest.has_value() ? 1 : 0;
    if (piece.fileDigest.has_value())
      std::memcpy(digests.Data() + index * sizeof(Md5Digest), piece.fileDigest->data(), sizeof(Md5Digest));
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("numbers", numbers);
  object.Set("digests", digests);
  return object;
}

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

// One run: its threads, its channel to JavaScript, and the arrays that the threads look at. It owns itself from start()
// until the last event was delivered, so that a handle which is let go stops nothing.
class EngineRun : public std::enable_shared_from_this<EngineRun> {
 public:
  virtual ~EngineRun() = default;
  virtual void abort() = 0;
  virtual void join() = 0;
  virtual std::array<uint64_t, 5> progress() const = 0;
  virtual void giveBack(size_t) {}

  // `pinned`: arguments whose memory the threads use.
  void open(const Napi::CallbackInfo& info, size_t pinnedCount, size_t callbackIndex) {
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

 protected:
  // From the run's threads. After the environment has begun to close nothing is delivered any more.
  void send(Event event) {
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

 private:
  static void endWithEnvironment(void* run) {
    static_cast<EngineRun*>(run)->abort();
    static_cast<EngineRun*>(run)->join();
    std::lock_guard lock(liveRuns().mutex);
    liveRuns().runs.erase(static_cast<EngineRun*>(run)->itself_);
  }

  static void endWithProcess() {
    std::set<std::shared_ptr<EngineRun>>* runs = nullptr;
    {
      // Never freed: what the runs hold of JavaScript must not be touched any more.
      std::lock_guard lock(liveRuns().mutex);
      runs = new std::set<std::shared_ptr<EngineRun>>(liveRuns().runs);
    }
    for (const auto& run : *runs) run->abort();
    for (const auto& run : *runs) run->join();
  }

  void deliver(Napi::Env env, Napi::Function callback, const Event& event) {
    std::shared_ptr<EngineRun> alive = itself_;
    Napi::Object summary =
        event.kind == kChunk ? piecesObject(env, event.pieces).As<Napi::Object>() : Napi::Object::New(env);
    for (const auto& [key, value] : event.numbers) summary.Set(key, value);
    if (!event.ioEngine.empty()) summary.Set("ioEngine", event.ioEngine);
    if (event.status.systemError() != 0) summary.Set("systemError", event.status.systemError());
    if (event.kind == kFinished) close(env);
    std::string code = event.status.isOk() ? "" : std::string(name(event.status.code()));
    callback.Call({Napi::Number::New(env, event.kind), Napi::Number::New(env, event.first),
                   Napi::Number::New(env, event.second), Napi::String::New(env, code),
                   Napi::String::New(env, event.status.message()), summary});
  }

  void close(Napi::Env env) {
    join();
    napi_remove_env_cleanup_hook(env, endWithEnvironment, this);
    pinned_.clear();
    channel_.Release();
    std::lock_guard lock(liveRuns().mutex);
    liveRuns().runs.erase(itself_);
    itself_.reset();
  }

  std::vector<Napi::ObjectReference> pinned_;
  Napi::ThreadSafeFunction channel_;
  std::shared_ptr<EngineRun> itself_;
};

class CopyJob final : public EngineRun {
 public:
  explicit CopyJob(engine::CopyOptions options)
      : run_(std::move(options),
             {[this](uint64_t chunk, uint64_t bytes) {
                send({kMark, static_cast<double>(chunk), static_cast<double>(bytes), {}, {}, {}, {}});
              },
              [this](size_t file, const Status& why) {
                send({kDropped, static_cast<double>(file), 0, why, {}, {}, {}});
              },
              [this](const Status& status, const engine::CopySummary& summary) {
                send({kFinished,
                      0,
                      0,
                      status,
                      {{"chunks", static_cast<double>(summary.chunks)},
                       {"bytes", static_cast<double>(summary.bytes)},
                       {"files", static_cast<double>(summary.files)},
                       {"seconds", summary.seconds}},
                      summary.ioEngine,
                      {}});
              }}) {}
  void start() { run_.start(); }
  void abort() override { run_.abort(); }
  void join() override { run_.join(); }
  std::array<uint64_t, 5> progress() const override {
    engine::CopyProgress now = run_.progress();
    return {now.bytesDone, now.bytesTotal, now.filesDone, now.filesTotal, now.chunk};
  }

 private:
  engine::CopyRun run_;
};

class VerifyJob final : public EngineRun {
 public:
  // With `buffers` the content is handed out, else compared only.
  VerifyJob(engine::VerifyOptions options, std::shared_ptr<ReadBuffers> buffers)
      : buffers_(std::move(buffers)),
        run_(std::move(options),
             {[this](size_t file, uint64_t block) {
                send({kMismatch, static_cast<double>(file), static_cast<double>(block), {}, {}, {}, {}});
              },
              [this](size_t file, uint64_t block, const Status& why) {
                send({kUnreadable, static_cast<double>(file), static_cast<double>(block), why, {}, {}, {}});
              },
              buffers_ == nullptr ? std::function<void(engine::ComparedChunk)>()
                                  : [this](engine::ComparedChunk chunk) { lend(std::move(chunk)); },
              [this](const Status& status, const engine::VerifySummary& summary) {
                send({kFinished,
                      0,
                      0,
                      status,
                      {{"blocks", static_cast<double>(summary.blocks)},
                       {"bytes", static_cast<double>(summary.bytes)},
                       {"mismatches", static_cast<double>(summary.mismatches)},
                       {"unreadable", static_cast<double>(summary.unreadable)},
                       {"seconds", summary.seconds}},
                      {},
                      {}});
              }}) {}
  void start() { run_.start(); }
  void abort() override { run_.abort(); }
  void join() override { run_.join(); }
  std::array<uint64_t, 5> progress() const override {
    engine::VerifyProgress now = run_.progress();
    return {now.bytesDone, now.bytesTotal, 0, 0, 0};
  }
  void giveBack(size_t buffer) override {
    {
      std::lock_guard lock(lentMutex_);
      lent_.erase(buffer);
    }
    run_.bufferFreed();
  }

 private:
  void lend(engine::ComparedChunk chunk) {
    const size_t buffer =
        static_cast<size_t>(chunk.buffer.memory().data() - buffers_->pool->slab().data()) / engine::kChunkBytes;
    {
      std::lock_guard lock(lentMutex_);
      lent_.emplace(buffer, std::move(chunk.buffer));
    }
    send({kChunk, static_cast<double>(buffer), 0, {}, {}, {}, std::move(chunk.pieces)});
  }

  const std::shared_ptr<ReadBuffers> buffers_;
  std::mutex lentMutex_;
  std::map<size_t, BufferPool::Lease> lent_;
  engine::VerifyRun run_;
};

IoEngine argumentIoEngine(const Napi::CallbackInfo& info, size_t index) {
  constexpr std::array<IoEngine, 3> engines = {IoEngine::automatic, IoEngine::uring, IoEngine::threads};
  return engines.at(argumentInteger(info, index));
}

engine::NameView argumentNames(const Napi::CallbackInfo& info, size_t index) {
  return {argumentArray<const char>(info, index), argumentArray<const uint32_t>(info, index + 1)};
}

template <typename Job>
Napi::Value startJob(const Napi::CallbackInfo& info, std::shared_ptr<Job> job, size_t pinnedCount,
                     size_t callbackIndex) {
  job->open(info, pinnedCount, callbackIndex);
  job->start();
  return makeHandle<EngineRun>(info.Env(), job);
}

}  // namespace

Napi::Value engineCopy(const Napi::CallbackInfo& info) {
  engine::CopyOptions options;
  options.volume = argumentHandle<bitlocker::Volume>(info, 0);
  options.sources = {argumentNames(info, 1), argumentArray<const uint32_t>(info, 3), argumentNames(info, 4),
                     argumentArray<const int64_t>(info, 7)};
  options.files = {argumentArray<const double>(info, 6), argumentArray<const double>(info, 8),
                   argumentArray<const uint32_t>(info, 9), argumentArray<const double>(info, 10),
                   argumentArray<const double>(info, 11)};
  options.hashSpool = FileDescriptor(::fcntl(static_cast<int>(argumentInteger(info, 12)), F_DUPFD_CLOEXEC, 0));
  if (!options.hashSpool.isOpen()) throw Napi::TypeError::New(info.Env(), "argument 12 is no open file descriptor");
  options.firstChunk = argumentInteger(info, 13);
  options.memoryBytes = argumentInteger(info, 14);
  options.skipChanged = argumentBoolean(info, 15);
  options.durableEveryBytes = argumentInteger(info, 16);
  options.durableEvery = std::chrono::milliseconds(argumentInteger(info, 17));
  options.ioEngine = argumentIoEngine(info, 18);
  return startJob(info, std::make_shared<CopyJob>(std::move(options)), 12, 19);
}

Napi::Value engineVerify(const Napi::CallbackInfo& info) {
  engine::VerifyOptions options;
  options.volume = argumentHandle<bitlocker::Volume>(info, 0);
  options.files = {argumentArray<const double>(info, 1), argumentArray<const double>(info, 2),
                   argumentArray<const uint32_t>(info, 3), argumentArray<const double>(info, 4),
                   argumentArray<const double>(info, 5)};
  options.expected = argumentArray<const std::byte>(info, 6);
  options.skippedBlocks = argumentArray<const uint8_t>(info, 7);
  options.memoryBytes = argumentInteger(info, 8);
  options.ioEngine = argumentIoEngine(info, 9);
  return startJob(info, std::make_shared<VerifyJob>(std::move(options), nullptr), 8, 10);
}

Napi::Value engineBuffers(const Napi::CallbackInfo& info) {
  auto buffers = std::make_shared<ReadBuffers>(argumentInteger(info, 0));
  if (!buffers->pool->isValid())
    throw toJsError(info.Env(), Status(ErrorCode::OUT_OF_MEMORY, "no memory for buffers of 4 MiB"));
  const std::span<std::byte> slab = buffers->pool->slab();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("handle", makeHandle<ReadBuffers>(info.Env(), buffers));
  auto* keeper = new std::shared_ptr<BufferPool>(buffers->pool);
  object.Set("memory", Napi::ArrayBuffer::New(
                           info.Env(), slab.data(), slab.size(),
                           [](Napi::Env, void*, std::shared_ptr<BufferPool>* held) { delete held; }, keeper));
  return object;
}

Napi::Value engineRead(const Napi::CallbackInfo& info) {
  engine::VerifyOptions options;
  options.volume = argumentHandle<bitlocker::Volume>(info, 0);
  options.files = {argumentArray<const double>(info, 1), argumentArray<const double>(info, 2),
                   argumentArray<const uint32_t>(info, 3), argumentArray<const double>(info, 4),
                   argumentArray<const double>(info, 5)};
  options.expected = argumentArray<const std::byte>(info, 6);
  options.skippedBlocks = argumentArray<const uint8_t>(info, 7);
  auto buffers = argumentHandle<ReadBuffers>(info, 8);
  options.pool = buffers->pool;
  options.hashesFiles = argumentBoolean(info, 9);
  return startJob(info, std::make_shared<VerifyJob>(std::move(options), std::move(buffers)), 8, 10);
}

Napi::Value engineGiveBack(const Napi::CallbackInfo& info) {
  argumentHandle<EngineRun>(info, 0)->giveBack(argumentInteger(info, 1));
  return info.Env().Undefined();
}

Napi::Value engineProgress(const Napi::CallbackInfo& info) {
  std::array<uint64_t, 5> numbers = argumentHandle<EngineRun>(info, 0)->progress();
  Napi::Float64Array array = Napi::Float64Array::New(info.Env(), numbers.size());
  for (size_t index = 0; index < numbers.size(); index++) array[index] = static_cast<double>(numbers[index]);
  return array;
}

Napi::Value engineAbort(const Napi::CallbackInfo& info) {
  argumentHandle<EngineRun>(info, 0)->abort();
  return info.Env().Undefined();
}

}  // namespace diskferry::addon
