// Restoring in memory: targets that fail, an abort at any moment, a power cut, and that nothing half-written looks
// whole.
#include "image/transfer_run.h"

#include <doctest/doctest.h>

#include "image/made_image.h"

namespace diskferry::image {

namespace {

constexpr uint64_t kSize = 6 * uint64_t{kBlockBytes} + 5 * 4096;

struct Made {
  Made() : image(kSize), captured(capture(image.options())), source(image.open(captured.summary.index)) {}
  MadeImage image;
  Captured captured;
  std::shared_ptr<ImageSource> source;
};

}  // namespace

TEST_CASE("several targets get the content, also one with larger sectors") {
  Made made;
  auto one = made.image.target(), two = made.image.target(4096);
  TransferOptions options = made.image.restore(made.source, {one, two});
  options.readBack = true;
  const Transferred told = transfer(std::move(options));
  CHECK_MESSAGE(told.status.isOk(), told.status.message());
  CHECK(made.image.isRestored(*one));
  CHECK(made.image.isRestored(*two));
  CHECK(told.mismatches.empty());
  CHECK(told.summary.zeroBlocks == 2);
}

TEST_CASE("a target that fails anywhere is dropped and told, and the other is whole") {
  struct Fault {
    const char* what;
    uint64_t writeCall, flushCall;
    int systemError;
    ErrorCode code;
  };
  for (const Fault& fault : {Fault{"first write", 1, 0, EIO, ErrorCode::DEVICE_WRITE_FAILED},
                             Fault{"a write in the middle", 4, 0, EIO, ErrorCode::DEVICE_WRITE_FAILED},
                             Fault{"full", 5, 0, ENOSPC, ErrorCode::DEVICE_FULL},
                             Fault{"last write", 8, 0, EIO, ErrorCode::DEVICE_WRITE_FAILED},
                             Fault{"first flush", 0, 1, EIO, ErrorCode::DEVICE_FLUSH_FAILED},
                             Fault{"last flush", 0, 3, EIO, ErrorCode::DEVICE_FLUSH_FAILED}}) {
    CAPTURE(fault.what);
    Made made;
    auto good = made.image.target(), below = made.image.target();
    auto bad = std::make_shared<FaultySectors>(below);
    bad->failWriteAtCall = fault.writeCall;
    bad->failFlushAtCall = fault.flushCall;
    bad->systemError = fault.systemError;
    const Transferred told = transfer(made.image.restore(made.source, {bad, good}));
    CHECK_MESSAGE(told.status.isOk(), told.status.message());
    REQUIRE(told.failedTargets.size() == 1);
    CHECK(told.failedTargets[0].first == 0);
    CHECK(told.failedTargets[0].second.code() == fault.code);
    CHECK(made.image.isRestored(*good));
    if (fault.flushCall != 3) CHECK(looksEmptyOrOld(*below));
  }
}

TEST_CASE("when the last target fails the run ends with its failure") {
  Made made;
  auto bad = std::make_shared<FaultySectors>(made.image.target());
  bad->unwritable = {{9'000'000, 1, EIO}};
  const Transferred told = transfer(made.image.restore(made.source, {bad}));
  CHECK(told.status.code() == ErrorCode::DEVICE_WRITE_FAILED);
  CHECK(told.summary.failedTargets == 1);
}

TEST_CASE("a target cut off at any moment looks empty or old, and resumes to the whole") {
  Made made;
  std::mt19937 random(3);
  for (int round = 0; round < 25; round++) {
    auto below = made.image.target();
    auto target = std::make_shared<FaultySectors>(below);
    target->hasWriteCache = true;
    TransferOptions options = made.image.restore(made.source, {target});
    const auto wait = std::chrono::microseconds(random() % 15'000);
    const Transferred cut = transfer(std::move(options), [&](TransferRun& run) {
      std::this_thread::sleep_for(wait);
      run.abort();
    });
    target->losePower();
    if (!cut.status.isOk()) {
      CHECK_MESSAGE(cut.status.code() == ErrorCode::INTERRUPTED, cut.status.message());
      CHECK(looksEmptyOrOld(*below));
    }
    TransferOptions again = made.image.restore(made.source, {target});
    again.resume = again.readBack = true;
    const Transferred resumed = transfer(std::move(again));
    CHECK_MESSAGE(resumed.status.isOk(), resumed.status.message());
    target->losePower();
    CHECK(made.image.isRestored(*below));
  }
}

TEST_CASE("an abort while the first block is written, behind all others, finds the target whole and is no failure") {
  class Aborting final : public Sectors {
   public:
    explicit Aborting(std::shared_ptr<MemorySectors> below) : below_(std::move(below)) {}
    uint64_t sizeBytes() const override { return below_->sizeBytes(); }
    uint32_t sectorBytes() const override { return below_->sectorBytes(); }
    Status read(uint64_t offset, std::span<std::byte> into) override { return below_->read(offset, into); }
    Status write(uint64_t offset, std::span<const std::byte> from) override {
      if (offset == 0 && from[0] != std::byte{0}) run.get_future().get()->abort();
      return below_->write(offset, from);
    }
    Status flush() override { return Status::ok(); }
    std::promise<TransferRun*> run;

   private:
    std::shared_ptr<MemorySectors> below_;
  };
  for (const bool readBack : {false, true}) {
    CAPTURE(readBack);
    Made made;
    auto below = made.image.target();
    auto target = std::make_shared<Aborting>(below);
    TransferOptions options = made.image.restore(made.source, {target});
    options.readBack = readBack;
    const Transferred told = transfer(std::move(options), [&](TransferRun& run) { target->run.set_value(&run); });
    CHECK(told.status.code() == (readBack ? ErrorCode::INTERRUPTED : ErrorCode::OK));
    CHECK(made.image.isRestored(*below));
  }
}

TEST_CASE("resuming makes the first block zeros again before it writes, and leaves what is equal alone") {
  Made made;
  auto below = made.image.target();
  std::memcpy(below->bytes().data(), made.image.memory->bytes().data(), below->bytes().size());
  below->bytes()[5 * uint64_t{kBlockBytes} + 77] ^= std::byte{1};
  auto target = std::make_shared<FaultySectors>(below);
  target->failWriteAtCall = 2;  // behind the zeros of the first block
  TransferOptions options = made.image.restore(made.source, {target});
  options.resume = true;
  CHECK_FALSE(transfer(options).status.isOk());
  CHECK(looksEmptyOrOld(*below));
  target->failWriteAtCall = 0;
  const uint64_t before = target->writeCalls();
  CHECK(transfer(options).status.isOk());
  CHECK(target->writeCalls() - before == 3);  // zeros, the block, the first block
  CHECK(made.image.isRestored(*below));
}

TEST_CASE("a sector that cannot be read on a target is written on resume, and tells on comparing") {
  Made made;
  auto below = made.image.target();
  auto target = std::make_shared<FaultySectors>(below);
  target->unreadable = {{2 * uint64_t{kBlockBytes}, 512, EIO}};
  TransferOptions options = made.image.restore(made.source, {target});
  options.resume = true;
  CHECK(transfer(options).status.isOk());
  CHECK(made.image.isRestored(*below));
  options.mode = TransferMode::compare;
  CHECK(transfer(options).status.code() == ErrorCode::DEVICE_READ_FAILED);
}

TEST_CASE("what a drive gives back differently is found by reading back") {
  // A drive that says yes and keeps something else.
  class Lying final : public Sectors {
   public:
    explicit Lying(std::shared_ptr<MemorySectors> below) : below_(std::move(below)) {}
    uint64_t sizeBytes() const override { return below_->sizeBytes(); }
    uint32_t sectorBytes() const override { return below_->sectorBytes(); }
    Status read(uint64_t offset, std::span<std::byte> into) override { return below_->read(offset, into); }
    Status write(uint64_t offset, std::span<const std::byte> from) override {
      DISKFERRY_TRY(below_->write(offset, from));
      if (offset / kBlockBytes == 4) below_->bytes()[offset + 1000] ^= std::byte{1};
      return Status::ok();
    }
    Status flush() override { return Status::ok(); }

   private:
    std::shared_ptr<MemorySectors> below_;
  };
  Made made;
  auto good = made.image.target();
  TransferOptions options = made.image.restore(made.source, {good, std::make_shared<Lying>(made.image.target())});
  options.readBack = true;
  const Transferred told = transfer(std::move(options));
  CHECK(told.status.isOk());
  REQUIRE(told.mismatches.size() == 1);
  CHECK(told.mismatches[0] == std::pair<size_t, uint64_t>(1, 4));
}

TEST_CASE("single blocks are checked by number, and blocks that are not there are refused") {
  Made made;
  TransferOptions options = made.image.restore(made.source, {});
  options.mode = TransferMode::check;
  options.checkBlocks = true;
  options.blocks = {0, 3, 6};
  const Transferred told = transfer(options);
  CHECK(told.status.isOk());
  CHECK(told.summary.blocks == 3);
  options.blocks = {7};
  CHECK(transfer(options).status.code() == ErrorCode::INTERNAL);
}

}  // namespace diskferry::image
