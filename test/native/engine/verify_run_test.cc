// Copies are made and then read back: sound ones, damaged ones, and ones that cannot be read.
#include "engine/verify_run.h"

#include <doctest/doctest.h>

#include "engine/made_copy.h"

namespace diskferry::engine {

namespace {

struct Found {
  Status status;
  VerifySummary summary;
  std::vector<std::pair<size_t, uint64_t>> mismatches, unreadable;  // file, block
};

using Blocks = std::vector<std::pair<size_t, uint64_t>>;

Found verify(const MadeCopy& copy, std::vector<uint8_t> skipped = {}, size_t memoryBytes = 8 * kChunkBytes) {
  const std::vector<Md5Digest> wanted = copy.wantedDigests();
  VerifyOptions options;
  options.volume = copy.volume;
  options.files = copy.plan.view();
  options.expected = std::as_bytes(std::span(wanted));
  options.skippedBlocks = skipped;
  options.memoryBytes = memoryBytes;
  Found found;
  VerifyEvents events;
  events.mismatch = [&](size_t file, uint64_t block) { found.mismatches.emplace_back(file, block); };
  events.unreadable = [&](size_t file, uint64_t block, const Status&) { found.unreadable.emplace_back(file, block); };
  events.finished = [&](const Status& status, const VerifySummary& summary) {
    found.status = status;
    found.summary = summary;
  };
  VerifyRun run(std::move(options), std::move(events));
  run.start();
  run.join();
  return found;
}

// Flips one bit of a file on the device.
void damage(MadeCopy& copy, size_t file, uint64_t offset) {
  for (size_t extent = copy.plan.firstExtent[file];; extent++) {
    const auto length = static_cast<uint64_t>(copy.plan.extentLengthBytes[extent]);
    if (offset < length) {
      const auto at =
          MadeCopy::kVolumeOffsetBytes + static_cast<uint64_t>(copy.plan.extentOffsetBytes[extent]) + offset;
      copy.memory->bytes()[at] ^= std::byte{4};
      return;
    }
    offset -= length;
  }
}

const std::vector<uint64_t> kSizes = {10'000, 0, 3 * kChunkBytes + 17, 5, kChunkBytes, 300'000, 2 * kChunkBytes - 1};

}  // namespace

TEST_CASE("a sound copy verifies whole, with any amount of memory") {
  for (uint64_t fragment : {UINT64_MAX, uint64_t{7} * 4096}) {
    MadeCopy copy(kSizes, 512, fragment);
    REQUIRE(copy.run(copy.options()).status.isOk());
    for (size_t memory : {size_t{1}, size_t{8} * kChunkBytes, size_t{40} * kChunkBytes}) {
      const Found found = verify(copy, {}, memory);
      CHECK_MESSAGE(found.status.isOk(), found.status.message());
      CHECK(found.mismatches.empty());
      CHECK(found.summary.bytes == copy.totalBytes());
      CHECK(found.summary.blocks == copy.wantedDigests().size());
    }
  }
}

TEST_CASE("a flipped bit is found and named by file and block, and the rest is sound") {
  for (uint64_t blockBytes : {uint64_t{kChunkBytes}, uint64_t{2} * kChunkBytes}) {
    MadeCopy copy(kSizes, 512, UINT64_MAX, blockBytes);
    REQUIRE(copy.run(copy.options()).status.isOk());
    damage(copy, 0, 9'999);
    damage(copy, 2, 3 * kChunkBytes + 3);
    damage(copy, 4, 0);
    damage(copy, 6, kChunkBytes + 5);
    const Found found = verify(copy);
    CHECK(found.status.isOk());
    const uint64_t chunksInBlock = blockBytes / kChunkBytes;
    CHECK(found.mismatches == Blocks{{0, 0}, {2, 3 / chunksInBlock}, {4, 0}, {6, 1 / chunksInBlock}});
    CHECK(found.summary.mismatches == 4);
  }
}

TEST_CASE("sectors that cannot be read are told for the files on them only") {
  for (uint64_t blockBytes : {uint64_t{kChunkBytes}, uint64_t{3} * kChunkBytes}) {
    MadeCopy copy({5000, 6000, 7000, 4 * kChunkBytes, 100}, 512, UINT64_MAX, blockBytes);
    REQUIRE(copy.run(copy.options()).status.isOk());
    auto at = [&](size_t file, uint64_t offset) {
      return MadeCopy::kVolumeOffsetBytes + static_cast<uint64_t>(copy.plan.extentOffsetBytes[file]) + offset;
    };
    copy.faulty->unreadable = {
        {at(1, 0), 512, EIO}, {at(3, kChunkBytes), 512, EIO}, {at(3, 2 * kChunkBytes), 512, EIO}};
    const Found found = verify(copy);
    CHECK(found.status.isOk());
    if (blockBytes == kChunkBytes)
      CHECK(found.unreadable == Blocks{{1, 0}, {3, 1}, {3, 2}});
    else
      CHECK(found.unreadable == Blocks{{1, 0}, {3, 0}});
    CHECK(found.mismatches.empty());
    CHECK(found.summary.blocks + found.unreadable.size() == copy.wantedDigests().size());
  }
}

TEST_CASE("blocks that are left out are not read") {
  MadeCopy copy({5 * kChunkBytes, 1000});
  REQUIRE(copy.run(copy.options()).status.isOk());
  damage(copy, 0, 2 * kChunkBytes);
  copy.faulty->unreadable = {{MadeCopy::kVolumeOffsetBytes + (16 << 20) + kChunkBytes, 4096, EIO}};
  const Found found = verify(copy, {0, 1, 1, 0, 0, 0});
  CHECK(found.status.isOk());
  CHECK(found.mismatches.empty());
  CHECK(found.unreadable.empty());
  CHECK(found.summary.blocks == 4);
}

TEST_CASE("hashes that do not fit the files are refused") {
  MadeCopy copy({1000});
  CHECK(verify(copy, {0, 0}).status.code() == ErrorCode::INTERNAL);
}

namespace {

struct HandedOver {
  std::vector<std::vector<std::byte>> content;
  std::map<std::pair<size_t, uint64_t>, BlockState> states;
  std::map<size_t, Md5Digest> fileDigests;
};

// Keeps every second chunk for a moment, as somebody does who sends it on.
HandedOver readContent(const MadeCopy& copy) {
  const std::vector<Md5Digest> wanted = copy.wantedDigests();
  // Outlives the run: the last chunk that was kept still gives its buffer back.
  const auto pool = std::make_shared<BufferPool>(6, kChunkBytes);
  VerifyOptions options;
  options.volume = copy.volume;
  options.files = copy.plan.view();
  options.expected = std::as_bytes(std::span(wanted));
  options.pool = pool;
  options.hashesFiles = true;
  HandedOver found;
  for (const auto& content : copy.content) found.content.emplace_back(content.size());
  ComparedChunk kept;
  VerifyRun* current = nullptr;
  VerifyEvents events;
  events.mismatch = [](size_t, uint64_t) {};
  events.unreadable = [](size_t, uint64_t, const Status&) {};
  events.chunk = [&](ComparedChunk chunk) {
    for (const ComparedPiece& piece : chunk.pieces) {
      const auto memory = chunk.buffer.memory().subspan(piece.bufferOffsetBytes, piece.dataBytes);
      std::ranges::copy(memory, found.content[piece.file].begin() + static_cast<ptrdiff_t>(piece.fileOffsetBytes));
      if (piece.state != BlockState::open) found.states[{piece.file, piece.block}] = piece.state;
      if (piece.fileDigest.has_value()) found.fileDigests[piece.file] = *piece.fileDigest;
    }
    kept = std::move(chunk);
    current->bufferFreed();
  };
  events.finished = [](const Status& status, const VerifySummary&) { CHECK_MESSAGE(status.isOk(), status.message()); };
  VerifyRun run(std::move(options), std::move(events));
  current = &run;
  run.start();
  run.join();
  return found;
}

}  // namespace

TEST_CASE("content is handed over whole, with blocks of any length, in fragments too") {
  for (uint64_t block : {uint64_t{kChunkBytes}, uint64_t{2} * kChunkBytes, uint64_t{65536}, uint64_t{3} << 20}) {
    for (uint64_t fragment : {UINT64_MAX, uint64_t{7} * 4096}) {
      MadeCopy copy(kSizes, 512, fragment);
      REQUIRE(copy.run(copy.options()).status.isOk());
      std::ranges::fill(copy.plan.blockBytes, static_cast<double>(block));
      const HandedOver found = readContent(copy);
      CHECK(found.content == copy.content);
      CHECK(found.states.size() == copy.wantedDigests().size());
      for (const auto& [place, state] : found.states) CHECK(state == BlockState::sound);
      for (size_t file = 0; file < copy.content.size(); file++)
        if (!copy.content[file].empty()) CHECK(found.fileDigests.at(file) == md5Of(copy.content[file]));
    }
  }
}

TEST_CASE("a block that is handed over says whether it is damaged or cannot be read") {
  MadeCopy copy({10'000, 4 * uint64_t{kChunkBytes}, 300'000});
  REQUIRE(copy.run(copy.options()).status.isOk());
  std::ranges::fill(copy.plan.blockBytes, 2.0 * kChunkBytes);
  damage(copy, 1, kChunkBytes / 2);
  copy.faulty->unreadable = {
      {MadeCopy::kVolumeOffsetBytes + static_cast<uint64_t>(copy.plan.extentOffsetBytes[2]), 4096, EIO}};
  const HandedOver found = readContent(copy);
  CHECK(found.states.at({0, 0}) == BlockState::sound);
  CHECK(found.states.at({1, 0}) == BlockState::damaged);
  CHECK(found.states.at({1, 1}) == BlockState::sound);
  CHECK(found.states.at({2, 0}) == BlockState::unreadable);
  CHECK(found.fileDigests.count(2) == 0);
}

TEST_CASE("an aborted verify ends cleanly") {
  MadeCopy copy(std::vector<uint64_t>(20, kChunkBytes));
  REQUIRE(copy.run(copy.options()).status.isOk());
  const std::vector<Md5Digest> wanted = copy.wantedDigests();
  for (int delayUs : {0, 200, 2000}) {
    VerifyOptions options;
    options.volume = copy.volume;
    options.files = copy.plan.view();
    options.expected = std::as_bytes(std::span(wanted));
    options.memoryBytes = 1;
    Status ended(ErrorCode::INTERNAL, "not called");
    VerifyEvents events;
    events.mismatch = [](size_t, uint64_t) {};
    events.unreadable = [](size_t, uint64_t, const Status&) {};
    events.finished = [&](const Status& status, const VerifySummary&) { ended = status; };
    VerifyRun run(std::move(options), std::move(events));
    run.start();
    std::this_thread::sleep_for(std::chrono::microseconds(delayUs));
    run.abort();
    run.join();
    CHECK((ended.isOk() || ended.code() == ErrorCode::INTERRUPTED));
  }
}

}  // namespace diskferry::engine
