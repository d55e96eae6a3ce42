// Captures in memory: bad sectors, full places, an abort at any moment, and going on from every mark.
#include "image/capture_run.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>

#include "image/made_image.h"

namespace diskferry::image {

namespace {

constexpr uint64_t kSize = 6 * uint64_t{kBlockBytes} + 5 * 4096;

// A file cannot grow beyond this while it lives: what a full disk looks like.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t bytes) {
    previousHandler_ = ::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &previous_) == 0);
    const struct rlimit limit = {bytes, previous_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    ::signal(SIGXFSZ, previousHandler_);
  }

 private:
  struct rlimit previous_;
  sighandler_t previousHandler_;
};

void checkRestores(MadeImage& made, const Captured& captured, std::span<const std::byte> wanted) {
  REQUIRE_MESSAGE(captured.status.isOk(), captured.status.message());
  auto target = made.target();
  TransferOptions options = made.restore(made.open(captured.summary.index), {target});
  options.checkBlocks = options.readBack = true;
  options.hashes = 4;
  const Transferred restored = transfer(std::move(options));
  CHECK_MESSAGE(restored.status.isOk(), restored.status.message());
  CHECK(restored.mismatches.empty());
  CHECK(restored.summary.digests == captured.summary.digests);
  CHECK(std::memcmp(target->bytes().data(), wanted.data(), wanted.size()) == 0);
}

}  // namespace

TEST_CASE("a device is captured and restored, with sectors of 512 and of 4096 bytes") {
  for (uint32_t sector : {512u, 4096u}) {
    MadeImage made(kSize, sector);
    const Captured captured = capture(made.options());
    checkRestores(made, captured, made.memory->bytes());
    CHECK(captured.summary.zeroBlocks == 2);
    CHECK(captured.marks.back().blocks == 7);
  }
}

TEST_CASE("devices of one sector, of exactly one block, and of a block and a sector") {
  for (uint64_t size : {uint64_t{512}, uint64_t{kBlockBytes}, uint64_t{kBlockBytes} + 512}) {
    CAPTURE(size);
    MadeImage made(size);
    checkRestores(made, capture(made.options()), made.memory->bytes());
  }
}

TEST_CASE("the smallest memory still works") {
  MadeImage made(kSize);
  CaptureOptions options = made.options();
  options.memoryBytes = 1;
  checkRestores(made, capture(std::move(options)), made.memory->bytes());
}

TEST_CASE("without rescue the first unreadable sector ends the capture and is named") {
  MadeImage made(kSize);
  made.device->unreadable = {{9'000'000 / 512 * 512, 1024, EIO}, {4096, 0, EIO}};
  const Captured captured = capture(made.options());
  CHECK(captured.status.code() == ErrorCode::DEVICE_READ_FAILED);
  CHECK_MESSAGE(captured.status.message().find("at offset 8999936") != std::string::npos, captured.status.message());
  CHECK(captured.unreadable.empty());
}

TEST_CASE("rescue loses exactly the bad sectors, tells them, and records their blocks") {
  MadeImage made(kSize);
  const std::vector<Range> bad = {{512, 512},
                                  {kBlockBytes - 512, 512},  // and its neighbour in the next block
                                  {kBlockBytes, 1024},
                                  {3 * uint64_t{kBlockBytes} + 65'536, 65'536 * 3},
                                  {kSize - 512, 512}};
  for (const Range& range : bad) made.device->unreadable.push_back({range.offsetBytes, range.lengthBytes, EIO});
  CaptureOptions options = made.options();
  options.retries = 1;
  const Captured captured = capture(std::move(options));
  REQUIRE(captured.unreadable.size() == bad.size());
  std::vector<std::byte> wanted(made.memory->bytes().begin(), made.memory->bytes().end());
  uint64_t lost = 0;
  for (size_t index = 0; index < bad.size(); index++) {
    CHECK(captured.unreadable[index].offsetBytes == bad[index].offsetBytes);
    CHECK(captured.unreadable[index].lengthBytes == bad[index].lengthBytes);
    std::memset(wanted.data() + bad[index].offsetBytes, 0, bad[index].lengthBytes);
    lost += bad[index].lengthBytes;
  }
  CHECK(captured.summary.unreadableBytes == lost);
  checkRestores(made, captured, wanted);
  auto index = ImageIndex::parse(captured.summary.index, kSize, false);
  REQUIRE(index.isOk());
  for (uint64_t block : {0, 1, 3, 6}) CHECK(index.value().record(block).kind == BlockKind::unreadable);
  for (uint64_t block : {2, 5}) CHECK(index.value().record(block).kind == BlockKind::zeros);
}

TEST_CASE("a sector that can be read at the third attempt is not lost with two retries") {
  MadeImage made(kBlockBytes);
  // The block, a piece of 64 KiB, and then its first sector twice.
  made.device->failReadAtCall = 1;
  made.device->staysBroken = false;
  CaptureOptions options = made.options();
  options.retries = 2;
  const Captured captured = capture(std::move(options));
  CHECK(captured.unreadable.empty());
  checkRestores(made, captured, made.memory->bytes());
}

TEST_CASE("a read that fails once and then works ends nothing, also without rescue") {
  MadeImage made(kSize);
  made.device->failReadAtCall = 3;
  made.device->staysBroken = false;
  checkRestores(made, capture(made.options()), made.memory->bytes());
}

TEST_CASE("unreadable parts of skipped ranges are nobody's concern") {
  MadeImage made(kSize);
  made.device->unreadable = {{kBlockBytes, kBlockBytes, EIO}, {4 * uint64_t{kBlockBytes} + 512, 512 * 300, EIO}};
  CaptureOptions options = made.options();
  options.skip = {{kBlockBytes, kBlockBytes}, {4 * uint64_t{kBlockBytes} + 512, 512 * 300}};
  std::vector<std::byte> wanted(made.memory->bytes().begin(), made.memory->bytes().end());
  for (const Range& range : options.skip) std::memset(wanted.data() + range.offsetBytes, 0, range.lengthBytes);
  const Captured captured = capture(std::move(options));
  CHECK(captured.summary.skippedBlocks == 1);
  checkRestores(made, captured, wanted);
}

TEST_CASE("ranges that overlap, leave the device or cut sectors are refused") {
  for (const std::vector<Range>& skip : {std::vector<Range>{{0, 1024}, {512, 512}},
                                         {{kSize, 512}},
                                         {{512, 100}},
                                         {{512, UINT64_MAX - 511}},
                                         {{512, 0}}}) {
    MadeImage made(kSize);
    CaptureOptions options = made.options();
    options.skip = skip;
    CHECK(capture(std::move(options)).status.code() == ErrorCode::INTERNAL);
  }
}

TEST_CASE("a full disk ends the capture with DEVICE_FULL, and what was marked is good to go on from") {
  for (Container container : {Container::lz4, Container::raw}) {
    MadeImage made(kSize);
    CaptureOptions options = made.options();
    options.container = container;
    options.durableEvery = std::chrono::milliseconds(1);
    options.limitBytesPerSecond = 200 << 20;
    Captured full;
    {
      FileSizeLimit limit(7 << 20);
      full = capture(options);
    }
    CHECK_MESSAGE(full.status.code() == ErrorCode::DEVICE_FULL, full.status.message());
    if (!full.marks.empty()) options.resume = full.marks.back();
    const Captured resumed = capture(options);
    REQUIRE_MESSAGE(resumed.status.isOk(), resumed.status.message());
    MadeImage other(kSize);
    CaptureOptions whole = other.options();
    whole.container = container;
    const Captured wanted = capture(std::move(whole));
    CHECK(resumed.summary.index == wanted.summary.index);
    CHECK(made.fileBytes() == other.fileBytes());
  }
}

TEST_CASE("a capture that is aborted at any moment goes on to the same bytes and digests") {
  MadeImage wantedImage(kSize);
  const Captured wanted = capture(wantedImage.options());
  std::mt19937 random(5);
  for (int round = 0; round < 6; round++) {
    MadeImage made(kSize);
    ImagePosition at;
    bool isDone = false;
    for (int attempt = 0; attempt < 8 && !isDone; attempt++) {
      CaptureOptions options = made.options();
      options.resume = at;
      options.durableEvery = std::chrono::milliseconds(1);
      options.durableEveryBytes = 1;
      const auto wait = std::chrono::microseconds(random() % 60'000);
      std::promise<void> finished;
      Captured told;
      CaptureEvents events;
      events.mark = [&](const ImagePosition& mark) { told.marks.push_back(mark); };
      events.finished = [&](const Status& status, CaptureSummary summary) {
        told.status = status;
        told.summary = std::move(summary);
        finished.set_value();
      };
      CaptureRun run(std::move(options), std::move(events));
      run.start();
      if (attempt < 7) {
        std::this_thread::sleep_for(wait);
        run.abort();
      }
      finished.get_future().wait();
      run.join();
      if (!told.marks.empty()) at = told.marks.back();
      isDone = told.status.isOk();
      if (!isDone) {
        CHECK_MESSAGE(told.status.code() == ErrorCode::INTERRUPTED, told.status.message());
        continue;
      }
      CHECK(told.summary.index == wanted.summary.index);
      CHECK(told.summary.digests == wanted.summary.digests);
    }
    REQUIRE(isDone);
    CHECK(made.fileBytes() == wantedImage.fileBytes());
  }
}

TEST_CASE("what is resumed is not taken on trust") {
  MadeImage made(kSize);
  const Captured captured = capture(made.options());
  CaptureOptions options = made.options();
  options.resume = {captured.marks.back().blocks, captured.summary.imageBytes - 4};
  SUBCASE("a block that was changed") {
    std::fstream file(made.path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(5000);
    file.put('?');
  }
  SUBCASE("a mark that is no end of a block") { options.resume.imageBytes -= 100; }
  SUBCASE("more blocks than there are") { options.resume.blocks = 8; }
  SUBCASE("fewer blocks than are in these bytes") { options.resume.blocks = 3; }
  SUBCASE("a file of another device") {
    options.sizeBytes -= 4096;
    options.resume.blocks = 6;
  }
  SUBCASE("a file that is shorter") { options.resume.imageBytes += 1 << 20; }
  const Status status = capture(std::move(options)).status;
  const bool isRefused = status.code() == ErrorCode::IMAGE_DAMAGED || status.code() == ErrorCode::INTERNAL;
  CHECK_MESSAGE(isRefused, status.message());
}

TEST_CASE("a limit on bytes a second is kept, and ends with the run") {
  MadeImage made(kSize);
  CaptureOptions options = made.options();
  options.limitBytesPerSecond = 50'000'000;
  const Captured captured = capture(std::move(options));
  CHECK(captured.status.isOk());
  CHECK(captured.summary.seconds > 0.8 * (kSize - kBlockBytes) / 50e6);
}

}  // namespace diskferry::image
