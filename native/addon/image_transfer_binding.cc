#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "addon/arguments.h"
#include "addon/async_task.h"
#include "addon/engine_run.h"
#include "addon/image_binding.h"
#include "addon/image_values.h"
#include "image/transfer_run.h"
#include "image/walk_run.h"

namespace diskferry::addon {

namespace {

class TransferJob final : public EngineRun {
 public:
  explicit TransferJob(image::TransferOptions options)
      : run_(std::move(options),
             {[this](size_t target, const Status& why) {
                send({kDropped, static_cast<double>(target), 0, why, {}});
              },
              [this](uint64_t block, const Status& why) {
                send({kDamaged, static_cast<double>(block), static_cast<double>(block * image::kBlockBytes), why, {}});
              },
              [this](size_t target, uint64_t block) {
                send({kMismatch, static_cast<double>(target), static_cast<double>(block), {}, {}});
              },
              [this](const Status& status, image::TransferSummary summary) {
                send({kFinished, 0, 0, status,
                      [told = std::move(summary)](Napi::Env env, Napi::Object object) { fill(env, object, told); }});
              }}) {}
  void start() override { run_.start(); }
  void abort() override { run_.abort(); }
  void join() override { run_.join(); }
  std::array<uint64_t, 5> progress() const override {
    const image::TransferProgress now = run_.progress();
    return {now.bytesDone, now.bytesTotal, now.bytesReadBack, now.bytesToReadBack, 0};
  }

 private:
  static void fill(Napi::Env env, Napi::Object object, const image::TransferSummary& summary) {
    setNumbers(object, {{"sizeBytes", static_cast<double>(summary.sizeBytes)},
                        {"blocks", static_cast<double>(summary.blocks)},
                        {"zeroBlocks", static_cast<double>(summary.zeroBlocks)},
                        {"damagedBlocks", static_cast<double>(summary.damagedBlocks)},
                        {"mismatches", static_cast<double>(summary.mismatches)},
                        {"failedTargets", static_cast<double>(summary.failedTargets)},
                        {"seconds", summary.seconds}});
    object.Set("digests", digestsObject(env, summary.digests));
  }

  image::TransferRun run_;
};

class WalkJob final : public EngineRun {
 public:
  explicit WalkJob(std::string path)
      : run_(std::move(path), [this](const Status& status, const image::WalkSummary& summary) {
          send({kFinished, 0, 0, status, [summary](Napi::Env, Napi::Object object) {
                  setNumbers(object, {{"sizeBytes", static_cast<double>(summary.sizeBytes)},
                                      {"blocks", static_cast<double>(summary.blocks)},
                                      {"imageBytes", static_cast<double>(summary.imageBytes)}});
                  object.Set("complete", summary.isComplete);
                  object.Set("reason", summary.reason);
                }});
        }) {}
  void start() override { run_.start(); }
  void abort() override { run_.abort(); }
  void join() override { run_.join(); }
  std::array<uint64_t, 5> progress() const override { return {run_.bytesDone(), run_.bytesTotal(), 0, 0, 0}; }

 private:
  image::WalkRun run_;
};

std::vector<std::shared_ptr<Sectors>> argumentTargets(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsArray())
    throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(index) + " is no array");
  const auto array = info[index].As<Napi::Array>();
  std::vector<std::shared_ptr<Sectors>> targets;
  for (uint32_t at = 0; at < array.Length(); at++) targets.push_back(handleOf<Sectors>(array.Get(at), index));
  return targets;
}

}  // namespace

Napi::Value imageOpen(const Napi::CallbackInfo& info) {
  std::string path = argumentString(info, 0);
  constexpr std::array kinds = {image::SourceKind::indexed, image::SourceKind::foreign, image::SourceKind::raw};
  const image::SourceKind kind = kinds.at(argumentInteger(info, 1));
  const std::span<std::byte> index = argumentArray(info, 2);
  const uint64_t offset = argumentInteger(info, 3), size = argumentInteger(info, 4);
  using Opened = std::shared_ptr<image::ImageSource>;
  return AsyncTask<Opened>::run(
      info.Env(), {info[2]},
      [path, kind, index, offset, size] {
        return image::ImageSource::open({path, kind, index, offset, size});
      },
      [](Napi::Env env, Opened& source) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("handle", makeHandle<image::ImageSource>(env, source));
        const auto told = source->sizeBytes();
        object.Set("sizeBytes", told.has_value() ? static_cast<double>(*told) : -1);
        return object;
      });
}

Napi::Value imageRead(const Napi::CallbackInfo& info) {
  auto source = argumentHandle<image::ImageSource>(info, 0);
  const uint64_t offset = argumentInteger(info, 1);
  const std::span<std::byte> into = argumentArray(info, 2);
  return AsyncTask<Nothing>::run(
      info.Env(), {info[2]}, [source, offset, into] { return nothingOr(source->read(offset, into)); }, undefined);
}

Napi::Value imageClose(const Napi::CallbackInfo& info) {
  releaseHandle<image::ImageSource>(info, 0);
  return info.Env().Undefined();
}

Napi::Value imageTransfer(const Napi::CallbackInfo& info) {
  image::TransferOptions options;
  options.source = argumentHandle<image::ImageSource>(info, 0);
  options.targets = argumentTargets(info, 1);
  constexpr std::array modes = {image::TransferMode::write, image::TransferMode::compare, image::TransferMode::check};
  constexpr std::array zeros = {image::ZerosMode::write, image::ZerosMode::discard, image::ZerosMode::skip};
  options.mode = modes.at(argumentInteger(info, 2));
  options.zeros = zeros.at(argumentInteger(info, 3));
  options.readBack = argumentBoolean(info, 4);
  options.resume = argumentBoolean(info, 5);
  options.hashes = static_cast<image::HashMask>(argumentInteger(info, 6));
  options.checkBlocks = argumentBoolean(info, 7);
  const auto blocks = argumentArray<const uint32_t>(info, 8);
  options.blocks.assign(blocks.begin(), blocks.end());
  options.limitBytesPerSecond = argumentInteger(info, 9);
  options.memoryBytes = argumentInteger(info, 10);
  options.ioEngine = argumentIoEngine(info, 11);
  return startRun(info, std::make_shared<TransferJob>(std::move(options)), 0, 12);
}

Napi::Value imageWalk(const Napi::CallbackInfo& info) {
  return startRun(info, std::make_shared<WalkJob>(argumentString(info, 0)), 0, 1);
}

}  // namespace diskferry::addon
