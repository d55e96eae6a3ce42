#include "engine/chunk_cursor.h"

#include <doctest/doctest.h>

#include <map>

#include "crypto/sector_cipher.h"
#include "engine/made_plan.h"
#include "io/memory_sectors.h"

namespace diskferry::engine {

namespace {

std::vector<Chunk> allChunks(const FileExtents& files, uint64_t from = 0) {
  ChunkCursor cursor(files);
  REQUIRE(cursor.seek(from).isOk());
  std::vector<Chunk> chunks;
  for (Chunk chunk; cursor.next(chunk);) chunks.push_back(chunk);
  return chunks;
}

// Where byte `offset` of a file lies, straight from the extents.
uint64_t volumeOffsetOf(const FileExtents& files, size_t file, uint64_t offset) {
  for (size_t extent = files.firstExtent[file]; extent < files.firstExtent[file + 1]; extent++) {
    const auto length = static_cast<uint64_t>(files.extentLengthBytes[extent]);
    if (offset < length) return static_cast<uint64_t>(files.extentOffsetBytes[extent]) + offset;
    offset -= length;
  }
  FAIL("beyond the file");
  return 0;
}

uint64_t volumeOffsetIn(const Chunk& chunk, uint64_t bufferOffset) {
  for (const ChunkRange& range : chunk.ranges)
    if (bufferOffset >= range.bufferOffsetBytes && bufferOffset < range.bufferOffsetBytes + range.lengthBytes)
      return range.volumeOffsetBytes + bufferOffset - range.bufferOffsetBytes;
  FAIL("in no range");
  return 0;
}

void checkChunk(const FileExtents& files, const Chunk& chunk) {
  CHECK(chunk.usedBytes <= kChunkBytes);
  uint32_t used = 0;
  for (const Piece& piece : chunk.pieces) {
    CHECK(piece.bufferOffsetBytes == used);
    CHECK(piece.dataBytes <= piece.paddedBytes);
    used += piece.paddedBytes;
    if (piece.paddedBytes == 0) continue;
    for (uint64_t at : {uint64_t{0}, uint64_t{piece.paddedBytes} / 2, uint64_t{piece.paddedBytes} - 1})
      CHECK(volumeOffsetIn(chunk, piece.bufferOffsetBytes + at) ==
            volumeOffsetOf(files, piece.file, piece.fileOffsetBytes + at));
  }
  CHECK(chunk.usedBytes == used);
  uint64_t ranged = 0;
  for (const ChunkRange& range : chunk.ranges) {
    CHECK(range.bufferOffsetBytes == ranged);
    ranged += range.lengthBytes;
  }
  CHECK(ranged == used);
}

}  // namespace

TEST_CASE("chunks hold every byte of every file once, in order, at the place of its extents") {
  for (uint32_t seed = 0; seed < 200; seed++) {
    CAPTURE(seed);
    const MadePlan plan = makeRandomPlan(seed);
    const FileExtents files = plan.view();
    std::vector<uint64_t> reached(files.fileCount());
    uint64_t number = 0, bytes = 0, nextBlock = 0;
    size_t file = 0;
    for (const Chunk& chunk : allChunks(files)) {
      CHECK(chunk.number == number++);
      checkChunk(files, chunk);
      for (const Piece& piece : chunk.pieces) {
        CHECK(piece.file >= file);
        file = piece.file;
        CHECK(piece.fileOffsetBytes == reached[piece.file]);
        reached[piece.file] += piece.paddedBytes;
        bytes += piece.dataBytes;
        if (piece.dataBytes == 0) continue;
        CHECK(piece.block == nextBlock);
        if (piece.endsBlock) nextBlock++;
      }
      CHECK(chunk.totals.bytes == bytes);
    }
    uint64_t blocks = 0;
    for (size_t index = 0; index < files.fileCount(); index++) {
      CHECK(reached[index] >= files.size(index));
      blocks += files.blockCount(index);
    }
    CHECK(nextBlock == blocks);
  }
}

TEST_CASE("starting at any resume point gives the rest, the same") {
  for (uint32_t seed = 0; seed < 60; seed++) {
    CAPTURE(seed);
    const MadePlan plan = makeRandomPlan(seed);
    const auto whole = allChunks(plan.view());
    for (const Chunk& before : whole) {
      CHECK(before.totals.resumeChunk <= before.number + 1);
      const auto rest = allChunks(plan.view(), before.totals.resumeChunk);
      REQUIRE(rest.size() == whole.size() - before.totals.resumeChunk);
      if (rest.empty()) continue;
      CHECK(rest.front().ranges.size() == whole[before.totals.resumeChunk].ranges.size());
      CHECK(rest.front().pieces.front().dataBytes == whole[before.totals.resumeChunk].pieces.front().dataBytes);
      CHECK(rest.back().totals.bytes == whole.back().totals.bytes);
      // Never inside a block: its first piece starts one (or has no data).
      const Piece& first = rest.front().pieces.front();
      CHECK((first.startsBlock || first.dataBytes == 0));
    }
  }
}

TEST_CASE("a run cannot start inside a block, and starting beyond the end leaves nothing") {
  MadePlan plan;
  plan.addFile(10 * uint64_t{kChunkBytes}, 4096, UINT64_MAX, 4 * uint64_t{kChunkBytes});
  ChunkCursor cursor(plan.view());
  CHECK(cursor.seek(5).code() == ErrorCode::INTERNAL);
  ChunkCursor end(plan.view());
  CHECK(end.seek(1000).isOk());
  Chunk chunk;
  CHECK_FALSE(end.next(chunk));
  CHECK(end.passed().bytes == 10 * uint64_t{kChunkBytes});
}

TEST_CASE("small files share a chunk, a full block has one of its own, empty files cost no bytes") {
  MadePlan plan;
  for (int file = 0; file < 300; file++) plan.addFile(10'240);
  plan.addFile(0);
  plan.addFile(kChunkBytes);
  plan.addFile(kChunkBytes + 1);
  plan.addFile(5000);
  plan.addFile(0);
  const auto chunks = allChunks(plan.view());
  REQUIRE(chunks.size() == 4);
  CHECK(chunks[0].pieces.size() == 301);
  CHECK(chunks[0].ranges.size() == 1);
  CHECK(chunks[1].pieces.size() == 1);
  CHECK(chunks[2].pieces.size() == 1);
  CHECK(chunks[3].pieces.size() == 3);  // the last byte of the large file, the small one, the empty one
  CHECK(chunks[3].usedBytes == 4096 + 8192);
  CHECK(chunks[3].totals.files == 305);
}

TEST_CASE("nothing at all gives no chunk") {
  const MadePlan plan;
  CHECK(allChunks(plan.view()).empty());
}

TEST_CASE("a chunk of a 12 TB file is found by its number without memory for the others") {
  MadePlan plan;
  plan.addFile(12'000'000'000'000, 4096, UINT64_MAX, 60 * uint64_t{kChunkBytes});
  ChunkCursor cursor(plan.view());
  CHECK(cursor.seek(60 * 40'000).isOk());
  Chunk chunk;
  REQUIRE(cursor.next(chunk));
  CHECK(chunk.pieces[0].fileOffsetBytes == 60 * 40'000 * uint64_t{kChunkBytes});
  CHECK(chunk.pieces[0].block == 40'000);
}

TEST_CASE("malformed columns are refused") {
  const std::vector<std::byte> key(32);
  std::vector<std::byte> different = key;
  different[31] = std::byte{1};
  auto cipher = makeSectorCipher(CipherMethod::xts128, different, 512);
  REQUIRE(cipher.isOk());
  auto device = std::make_shared<MemorySectors>(32 << 20, 512);
  bitlocker::RegionOffsets regions{};
  regions.metadata = {8 << 20, 9 << 20, 10 << 20};
  regions.header = 11 << 20;
  bitlocker::Volume volume(device, 0, 32 << 20, 512, regions, CipherMethod::xts128, cipher.take());
  auto planOf = [](uint64_t offset, uint64_t size) {
    MadePlan plan;
    plan.nextOffsetBytes = offset;
    plan.addFile(size);
    return plan;
  };
  CHECK(checkExtents(planOf(1 << 20, 10'000).view(), volume).isOk());
  CHECK(checkExtents(planOf((1 << 20) + 1, 10'000).view(), volume).code() == ErrorCode::DEVICE_RANGE);
  CHECK(checkExtents(planOf(4096, 10'000).view(), volume).code() == ErrorCode::DEVICE_RANGE);           // the start
  CHECK(checkExtents(planOf((9 << 20) + 4096, 100).view(), volume).code() == ErrorCode::DEVICE_RANGE);  // metadata
  CHECK(checkExtents(planOf((32 << 20) - 4096, 5000).view(), volume).code() == ErrorCode::DEVICE_RANGE);

  for (double bad : {-1.0, 0.5, std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    MadePlan plan = planOf(1 << 20, 10'000);
    plan.sizeBytes[0] = bad;
    CHECK(checkExtents(plan.view(), volume).code() == ErrorCode::INTERNAL);
    plan = planOf(1 << 20, 10'000);
    plan.extentOffsetBytes[0] = bad;
    CHECK(checkExtents(plan.view(), volume).code() == ErrorCode::INTERNAL);
    plan = planOf(1 << 20, 10'000);
    plan.blockBytes[0] = bad;
    CHECK(checkExtents(plan.view(), volume).code() == ErrorCode::INTERNAL);
  }
  MadePlan plan = planOf(1 << 20, 10'000);
  plan.sizeBytes[0] = 20'000;  // more than its extents
  CHECK(checkExtents(plan.view(), volume).code() == ErrorCode::INTERNAL);
  plan = planOf(1 << 20, 10'000);
  plan.firstExtent[1] = 7;
  CHECK(checkExtents(plan.view(), volume).code() == ErrorCode::INTERNAL);
  plan.firstExtent.clear();
  CHECK(checkExtents(plan.view(), volume).code() == ErrorCode::INTERNAL);
}

}  // namespace diskferry::engine
