#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "addon/arguments.h"
#include "addon/engine_run.h"
#include "addon/image_binding.h"
#include "addon/image_values.h"
#include "image/capture_run.h"

namespace diskferry::addon {

namespace {

class CaptureJob final : public EngineRun {
 public:
  explicit CaptureJob(image::CaptureOptions options)
      : run_(std::move(options),
             {[this](const image::ImagePosition& at) {
                send({kMark, static_cast<double>(at.blocks), static_cast<double>(at.imageBytes), {}, {}});
              },
              [this](const image::Range& range) {
                send({kUnreadable,
                      static_cast<double>(range.offsetBytes),
                      static_cast<double>(range.lengthBytes),
                      {},
                      {}});
              },
              [this](const Status& status, image::CaptureSummary summary) {
                send({kFinished, 0, 0, status,
                      [told = std::move(summary)](Napi::Env env, Napi::Object object) { fill(env, object, told); }});
              }}) {}
  void start() override { run_.start(); }
  void abort() override { run_.abort(); }
  void join() override { run_.join(); }
  std::array<uint64_t, 5> progress() const override {
    const image::CaptureProgress now = run_.progress();
    return {now.bytesDone, now.bytesTotal, now.imageBytes, now.bytesReplayed, 0};
  }

 private:
  static void fill(Napi::Env env, Napi::Object object, const image::CaptureSummary& summary) {
    setNumbers(object, {{"imageBytes", static_cast<double>(summary.imageBytes)},
                        {"zeroBlocks", static_cast<double>(summary.zeroBlocks)},
                        {"skippedBlocks", static_cast<double>(summary.skippedBlocks)},
                        {"unreadableBytes", static_cast<double>(summary.unreadableBytes)},
                        {"seconds", summary.seconds}});
    object.Set("index", bufferOf(env, summary.index));
    object.Set("digests", digestsObject(env, summary.digests));
    object.Set("ioEngine", summary.ioEngine);
  }

  image::CaptureRun run_;
};

std::vector<image::Range> argumentRanges(const Napi::CallbackInfo& info, size_t index) {
  const auto offsets = argumentArray<const double>(info, index), lengths = argumentArray<const double>(info, index + 1);
  if (offsets.size() != lengths.size())
    throw Napi::RangeError::New(info.Env(), "argument " + std::to_string(index) + " and the next differ in length");
  std::vector<image::Range> ranges;
  for (size_t at = 0; at < offsets.size(); at++)
    ranges.push_back({static_cast<uint64_t>(offsets[at]), static_cast<uint64_t>(lengths[at])});
  return ranges;
}

}  // namespace

Napi::Value imageCapture(const Napi::CallbackInfo& info) {
  image::CaptureOptions options;
  if (!info[0].IsUndefined()) options.source = argumentHandle<Sectors>(info, 0);
  options.sizeBytes = argumentInteger(info, 1);
  options.skip = argumentRanges(info, 2);
  options.path = argumentString(info, 4);
  options.container = argumentBoolean(info, 5) ? image::Container::raw : image::Container::lz4;
  constexpr std::array<lz4::Level, 3> levels = {lz4::Level::fast, lz4::Level::normal, lz4::Level::high};
  options.level = levels.at(argumentInteger(info, 6));
  options.hashes = static_cast<image::HashMask>(argumentInteger(info, 7));
  const double retries = info[8].As<Napi::Number>().DoubleValue();
  if (retries >= 0) options.retries = static_cast<unsigned>(retries);
  options.limitBytesPerSecond = argumentInteger(info, 9);
  options.resume = {argumentInteger(info, 10), argumentInteger(info, 11)};
  options.resumeUnreadable = argumentRanges(info, 12);
  options.memoryBytes = argumentInteger(info, 14);
  options.durableEveryBytes = argumentInteger(info, 15);
  options.durableEvery = std::chrono::milliseconds(argumentInteger(info, 16));
  options.ioEngine = argumentIoEngine(info, 17);
  return startRun(info, std::make_shared<CaptureJob>(std::move(options)), 0, 18);
}

}  // namespace diskferry::addon
