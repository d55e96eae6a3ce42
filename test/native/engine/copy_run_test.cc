// Whole copies in memory: what arrives, what is hashed, what is told, and what happens when sources or the device fail.
#include "engine/copy_run.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>

#include "engine/made_copy.h"

namespace diskferry::engine {

namespace {

// Around every boundary: empty, one byte, a cluster, a chunk, several.
const std::vector<uint64_t> kSizes = {0,
                                      1,
                                      4095,
                                      4096,
                                      4097,
                                      10'240,
                                      kChunkBytes - 1,
                                      kChunkBytes,
                                      kChunkBytes + 1,
                                      0,
                                      3 * kChunkBytes,
                                      100'000,
                                      2 * kChunkBytes + 12'345,
                                      0,
                                      77};

// The first writes pass, the others wait until it is opened: no run is over before that, however quick the machine is.
class Gate {
 public:
  explicit Gate(int passing) : passing_(passing) {}
  void pass() {
    std::unique_lock lock(mutex_);
    // A run that never gets there ends all the same.
    opened_.wait_for(lock, std::chrono::seconds(60), [&] { return passing_ > 0; });
    passing_--;
  }
  void open() {
    std::lock_guard lock(mutex_);
    passing_ = 1'000'000;
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  int passing_;
};

void checkComplete(const MadeCopy& copy, const Told& told) {
  CHECK_MESSAGE(told.status.isOk(), told.status.message());
  for (size_t file = 0; file < copy.content.size(); file++) CHECK_MESSAGE(copy.isStored(file), file);
  CHECK(copy.spooledDigests() == copy.wantedDigests());
  REQUIRE_FALSE(told.marks.empty());
  CHECK(told.marks.back().second == copy.totalBytes());
  CHECK(told.marks.back().first == told.summary.chunks);
  CHECK(told.summary.files == copy.content.size());
}

}  // namespace

TEST_CASE("a copy stores every file at its extents, zeros after each, and the MD5 of each block") {
  for (uint32_t sectorBytes : {512u, 4096u}) {
    CAPTURE(sectorBytes);
    MadeCopy copy(kSizes, sectorBytes);
    const Told told = copy.run(copy.options());
    checkComplete(copy, told);
    CHECK(told.summary.bytes == copy.totalBytes());
    CHECK(told.summary.ioEngine == "threads");
  }
}

TEST_CASE("a copy handles blocks that are split over many extents") {
  MadeCopy copy(kSizes, 512, 5 * 4096);
  checkComplete(copy, copy.run(copy.options()));
}

TEST_CASE("blocks longer than 4 MiB are hashed across chunks") {
  MadeCopy copy({5 * kChunkBytes + 100, kChunkBytes, 9 * kChunkBytes, 4 * kChunkBytes, 1}, 512, UINT64_MAX,
                uint64_t{2} * kChunkBytes);
  checkComplete(copy, copy.run(copy.options()));
}

TEST_CASE("thousands of small files go through few chunks") {
  std::vector<uint64_t> sizes;
  for (uint64_t file = 0; file < 3000; file++) sizes.push_back(file * 7 % 9000);
  MadeCopy copy(sizes);
  const Told told = copy.run(copy.options());
  checkComplete(copy, told);
  CHECK(told.summary.chunks < 10);
}

TEST_CASE("a copy of nothing succeeds") {
  MadeCopy copy({});
  const Told told = copy.run(copy.options());
  CHECK(told.status.isOk());
  CHECK(told.marks.empty());
}

TEST_CASE("the smallest pool still works") {
  MadeCopy copy(kSizes);
  CopyOptions options = copy.options();
  options.memoryBytes = 1;
  checkComplete(copy, copy.run(std::move(options)));
}

TEST_CASE(
    "an aborted copy tells INTERRUPTED and resumes from its last mark to the same bytes, also after a power cut") {
  std::vector<uint64_t> sizes(40, kChunkBytes + 5000);
  MadeCopy copy(sizes, 512, UINT64_MAX, uint64_t{2} * kChunkBytes);
  copy.faulty->hasWriteCache = true;
  CopyOptions first = copy.options();
  first.durableEveryBytes = 8 * kChunkBytes;
  first.durableEvery = std::chrono::milliseconds(1);
  first.memoryBytes = 4 * kChunkBytes;
  Gate gate(8);
  copy.faulty->beforeWrite = [&] { gate.pass(); };
  const Told interrupted = copy.run(std::move(first), [&](CopyRun& run) {
    run.abort();
    gate.open();
  });
  CHECK(interrupted.status.code() == ErrorCode::INTERRUPTED);
  REQUIRE_FALSE(interrupted.marks.empty());
  copy.faulty->losePower();
  CopyOptions second = copy.options();
  second.firstChunk = interrupted.marks.back().first;
  const Told resumed = copy.run(std::move(second));
  checkComplete(copy, resumed);
  CHECK(resumed.summary.bytes == copy.totalBytes() - interrupted.marks.back().second);
}

TEST_CASE("marks only grow and never cover what was not flushed") {
  std::vector<uint64_t> sizes(30, kChunkBytes);
  MadeCopy copy(sizes);
  copy.faulty->hasWriteCache = true;
  CopyOptions options = copy.options();
  options.durableEveryBytes = kChunkBytes;
  const Told told = copy.run(std::move(options));
  for (size_t mark = 1; mark < told.marks.size(); mark++) CHECK(told.marks[mark].first > told.marks[mark - 1].first);
  copy.faulty->losePower();
  checkComplete(copy, told);
}

TEST_CASE("starting beyond the end does nothing and succeeds") {
  MadeCopy copy({100, 200});
  CopyOptions options = copy.options();
  options.firstChunk = 1000;
  const Told told = copy.run(std::move(options));
  CHECK(told.status.isOk());
  CHECK(told.summary.bytes == 0);
  CHECK(copy.faulty->writeCalls() == 0);
}

TEST_CASE("a source that is not what was planned ends the copy and is named") {
  struct Change {
    const char* what;
    ErrorCode code;
    const char* message;
  };
  const Change changes[] = {
      {"shorter", ErrorCode::SOURCE_CHANGED, "has 99 now"},  {"longer", ErrorCode::SOURCE_CHANGED, "has 9000000 now"},
      {"time", ErrorCode::SOURCE_CHANGED, "modified"},       {"gone", ErrorCode::SOURCE_CHANGED, "No such file"},
      {"folder", ErrorCode::SOURCE_CHANGED, "regular file"}, {"pipe", ErrorCode::SOURCE_CHANGED, "regular file"}};
  for (const Change& change : changes) {
    for (size_t file : {0u, 1u, 2u}) {
      CAPTURE(change.what);
      CAPTURE(file);
      MadeCopy copy({10'000, 3 * kChunkBytes, 0});
      const std::string path = copy.sourcePath(file);
      const std::string what = change.what;
      if (what == "shorter") {
        REQUIRE(::truncate(path.c_str(), 99) == 0);
      } else if (what == "longer") {
        REQUIRE(::truncate(path.c_str(), 9'000'000) == 0);
      } else if (what == "time") {
        std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
      } else {
        std::filesystem::remove(path);
        if (what == "folder") std::filesystem::create_directory(path);
        if (what == "pipe") REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
      }
      const Told told = copy.run(copy.options());
      CHECK(told.status.code() == change.code);
      CHECK_MESSAGE(told.status.message().find(change.message) != std::string::npos, told.status.message());
      CHECK(told.status.message().find(path) == 0);

      CopyOptions skipping = copy.options();
      skipping.skipChanged = true;
      const Told skipped = copy.run(std::move(skipping));
      CHECK_MESSAGE(skipped.status.isOk(), skipped.status.message());
      REQUIRE(skipped.dropped.size() == 1);
      CHECK(skipped.dropped[0].first == file);
      CHECK(skipped.dropped[0].second.code() == change.code);
      for (size_t other = 0; other < 3; other++)
        if (other != file) CHECK(copy.isStored(other));
      // Nothing of a dropped file is on the drive by accident: its clusters are zeros.
      const auto stored = copy.stored(file);
      CHECK(std::all_of(stored.begin(), stored.end(), [](std::byte byte) { return byte == std::byte{0}; }));
    }
  }
}

TEST_CASE("a large file that changes while it is copied is found at its end") {
  for (bool skip : {false, true}) {
    MadeCopy copy({60 * uint64_t{kChunkBytes}, 5000});
    CopyOptions options = copy.options();
    options.memoryBytes = 4 * kChunkBytes;
    options.durableEveryBytes = kChunkBytes;
    options.skipChanged = skip;
    Gate gate(4);
    copy.faulty->beforeWrite = [&] { gate.pass(); };
    bool isChanged = false;
    const Told told = copy.run(std::move(options), [&](CopyRun&) {
      if (isChanged) return;
      isChanged = true;
      std::ofstream(copy.sourcePath(0), std::ios::app) << "more";
      gate.open();
    });
    REQUIRE(isChanged);
    CHECK(told.status.code() == (skip ? ErrorCode::OK : ErrorCode::SOURCE_CHANGED));
    if (!skip) continue;
    REQUIRE(told.dropped.size() == 1);
    CHECK(told.dropped[0].first == 0);
    CHECK(copy.isStored(1));
  }
}

TEST_CASE("a device that fails in the middle ends the copy with its reason and is not marked any more") {
  for (int error : {EIO, ENOSPC}) {
    std::vector<uint64_t> sizes(40, kChunkBytes);
    MadeCopy copy(sizes);
    copy.faulty->failWriteAtCall = 20;
    copy.faulty->systemError = error;
    CopyOptions options = copy.options();
    options.durableEveryBytes = kChunkBytes;
    const Told told = copy.run(std::move(options));
    CHECK(told.status.code() == (error == ENOSPC ? ErrorCode::DEVICE_FULL : ErrorCode::DEVICE_WRITE_FAILED));
    CHECK(told.status.systemError() == error);
    CHECK(told.status.message().find("offset") != std::string::npos);
    for (const auto& [chunk, bytes] : told.marks) CHECK(chunk < 20);
  }
}

TEST_CASE("a flush that fails ends the copy, and nothing is marked by it") {
  std::vector<uint64_t> sizes(20, kChunkBytes);
  MadeCopy copy(sizes);
  copy.faulty->failFlushAtCall = 1;
  const Told told = copy.run(copy.options());
  CHECK(told.status.code() == ErrorCode::DEVICE_FLUSH_FAILED);
  CHECK(told.marks.empty());
}

TEST_CASE("hashes that cannot be stored end the copy") {
  MadeCopy copy({kChunkBytes, 100});
  CopyOptions options = copy.options();
  options.hashSpool = FileDescriptor(::open("/dev/full", O_RDWR | O_CLOEXEC));
  CHECK(copy.run(std::move(options)).status.code() == ErrorCode::SPOOL_WRITE_FAILED);
}

TEST_CASE("an abort before or right after the start ends cleanly") {
  for (int delayUs : {0, 100, 1000, 5000, 20'000}) {
    MadeCopy copy(std::vector<uint64_t>(10, kChunkBytes));
    std::promise<Status> finished;
    CopyEvents events{[](uint64_t, uint64_t) {}, [](size_t, const Status&) {},
                      [&](const Status& status, const CopySummary&) { finished.set_value(status); }};
    CopyRun run(copy.options(), std::move(events));
    if (delayUs == 0) run.abort();
    run.start();
    std::this_thread::sleep_for(std::chrono::microseconds(delayUs));
    run.abort();
    const Status status = finished.get_future().get();
    CHECK((status.isOk() || status.code() == ErrorCode::INTERRUPTED));
    if (delayUs == 0) CHECK(status.code() == ErrorCode::INTERRUPTED);
    run.join();
  }
}

TEST_CASE("progress grows to the whole") {
  MadeCopy copy(std::vector<uint64_t>(20, kChunkBytes));
  uint64_t seen = 0;
  CopyOptions options = copy.options();
  options.durableEveryBytes = kChunkBytes;
  CopyProgress last{};
  const Told told = copy.run(std::move(options), [&](CopyRun& run) {
    last = run.progress();
    CHECK(last.bytesDone >= seen);
    seen = last.bytesDone;
    CHECK(last.bytesTotal == 20 * uint64_t{kChunkBytes});
    CHECK(last.filesTotal == 20);
  });
  CHECK(told.status.isOk());
  CHECK(last.bytesDone == last.bytesTotal);
  CHECK(last.filesDone == 20);
}

TEST_CASE("a plan whose extents would overwrite BitLocker's own regions is refused before anything is written") {
  MadeCopy copy({10'000});
  copy.plan.extentOffsetBytes[0] = 2 << 20;
  const Told told = copy.run(copy.options());
  CHECK(told.status.code() == ErrorCode::DEVICE_RANGE);
  CHECK(copy.faulty->writeCalls() == 0);
}

}  // namespace diskferry::engine
