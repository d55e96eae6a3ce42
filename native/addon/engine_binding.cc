#include "addon/engine_binding.h"

#include <fcntl.h>

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/engine_run.h"
#include "addon/js_error.h"
#include "engine/copy_run.h"
#include "engine/verify_run.h"

namespace diskferry::addon {

namespace {

// The buffers of one reader of content. JavaScript sees the slab as one array, for as long as it likes.
struct ReadBuffers {
  explicit ReadBuffers(size_t count) : pool(std::make_shared<BufferPool>(count, engine::kChunkBytes)) {}
  std::shared_ptr<BufferPool> pool;
};

// Seven numbers a piece, and 16 bytes of digest behind them in an array of their own for those that end a file.
void setPieces(Napi::Env env, Napi::Object object, const std::vector<engine::ComparedPiece>& pieces) {
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
  object.Set("numbers", numbers);
  object.Set("digests", digests);
}

class CopyJob final : public EngineRun {
 public:
  explicit CopyJob(engine::CopyOptions options)
      : run_(std::move(options), {[this](uint64_t chunk, uint64_t bytes) {
                                    send({kMark, static_cast<double>(chunk), static_cast<double>(bytes), {}, {}});
                                  },
                                  [this](size_t file, const Status& why) {
                                    send({kDropped, static_cast<double>(file), 0, why, {}});
                                  },
                                  [this](const Status& status, const engine::CopySummary& summary) {
                                    send({kFinished, 0, 0, status, [summary](Napi::Env, Napi::Object object) {
                                            setNumbers(object, {{"chunks", static_cast<double>(summary.chunks)},
                                                                {"bytes", static_cast<double>(summary.bytes)},
                                                                {"files", static_cast<double>(summary.files)},
                                                                {"seconds", summary.seconds}});
                                            object.Set("ioEngine", summary.ioEngine);
                                          }});
                                  }}) {}
  void start() override { run_.start(); }
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
        run_(std::move(options), {[this](size_t file, uint64_t block) {
                                    send({kMismatch, static_cast<double>(file), static_cast<double>(block), {}, {}});
                                  },
                                  [this](size_t file, uint64_t block, const Status& why) {
                                    send({kUnreadable, static_cast<double>(file), static_cast<double>(block), why, {}});
                                  },
                                  buffers_ == nullptr ? std::function<void(engine::ComparedChunk)>()
                                                      : [this](engine::ComparedChunk chunk) { lend(std::move(chunk)); },
                                  [this](const Status& status, const engine::VerifySummary& summary) {
                                    send({kFinished, 0, 0, status, [summary](Napi::Env, Napi::Object object) {
                                            setNumbers(object, {{"blocks", static_cast<double>(summary.blocks)},
                                                                {"bytes", static_cast<double>(summary.bytes)},
                                                                {"mismatches", static_cast<double>(summary.mismatches)},
                                                                {"unreadable", static_cast<double>(summary.unreadable)},
                                                                {"seconds", summary.seconds}});
                                          }});
                                  }}) {}
  void start() override { run_.start(); }
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
    send({kChunk,
          static_cast<double>(buffer),
          0,
          {},
          [pieces = std::move(chunk.pieces)](Napi::Env env, Napi::Object object) { setPieces(env, object, pieces); }});
  }

  const std::shared_ptr<ReadBuffers> buffers_;
  std::mutex lentMutex_;
  std::map<size_t, BufferPool::Lease> lent_;
  engine::VerifyRun run_;
};

engine::NameView argumentNames(const Napi::CallbackInfo& info, size_t index) {
  return {argumentArray<const char>(info, index), argumentArray<const uint32_t>(info, index + 1)};
}

// The arguments that comparing and lending share: 0 volume, 1 to 5 files, 6 digests, 7 blocks that are left out.
engine::VerifyOptions argumentVerifyOptions(const Napi::CallbackInfo& info) {
  engine::VerifyOptions options;
  options.volume = argumentHandle<bitlocker::Volume>(info, 0);
  options.files = {argumentArray<const double>(info, 1), argumentArray<const double>(info, 2),
                   argumentArray<const uint32_t>(info, 3), argumentArray<const double>(info, 4),
                   argumentArray<const double>(info, 5)};
  options.expected = argumentArray<const std::byte>(info, 6);
  options.skippedBlocks = argumentArray<const uint8_t>(info, 7);
  return options;
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
  return startRun(info, std::make_shared<CopyJob>(std::move(options)), 12, 19);
}

Napi::Value engineVerify(const Napi::CallbackInfo& info) {
  engine::VerifyOptions options = argumentVerifyOptions(info);
  options.memoryBytes = argumentInteger(info, 8);
  options.ioEngine = argumentIoEngine(info, 9);
  return startRun(info, std::make_shared<VerifyJob>(std::move(options), nullptr), 8, 10);
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
  engine::VerifyOptions options = argumentVerifyOptions(info);
  auto buffers = argumentHandle<ReadBuffers>(info, 8);
  options.pool = buffers->pool;
  options.hashesFiles = argumentBoolean(info, 9);
  return startRun(info, std::make_shared<VerifyJob>(std::move(options), std::move(buffers)), 8, 10);
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
