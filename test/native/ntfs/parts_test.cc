// The small parts of the layout, each alone: run lists, fix-ups, B-tree shapes, free space, the security descriptor.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "../hex.h"
#include "ntfs/fixups.h"
#include "ntfs/free_space.h"
#include "ntfs/index_node.h"
#include "ntfs/index_shape.h"
#include "ntfs/record.h"
#include "ntfs/run_list.h"
#include "ntfs/security.h"
#include "sample_volume.h"

namespace diskferry::ntfs::testing {

namespace {

std::vector<std::byte> bytesOf(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

}  // namespace

TEST_CASE("ntfs run list: pairs are the shortest signed forms") {
  struct Case {
    std::vector<Run> runs;
    std::vector<std::byte> pairs;
  };
  // The second and third are worked examples of Microsoft's and the Linux-NTFS project's published format pages.
  const Case cases[] = {
      {{}, bytesOf({0})},
      {{{0x5634, 0x18}}, bytesOf({0x21, 0x18, 0x34, 0x56, 0})},
      {{{0x342573, 0x38}, {0x363758, 0x114}, {0x393802, 0x42}},
       bytesOf({0x31, 0x38, 0x73, 0x25, 0x34, 0x32, 0x14, 0x01, 0xE5, 0x11, 0x02, 0x31, 0x42, 0xAA, 0x00, 0x03, 0})},
      {{{100, 1}, {50, 1}}, bytesOf({0x11, 1, 100, 0x11, 1, 0xCE, 0})},
      {{{127, 127}, {255, 128}}, bytesOf({0x11, 127, 127, 0x22, 0x80, 0, 0x80, 0, 0})},
      {{{Run::kSparse, 16}, {32, 16}}, bytesOf({0x01, 16, 0x11, 16, 32, 0})},
  };
  for (const Case& one : cases) {
    std::array<std::byte, 64> encoded;
    size_t length = encodeRuns(one.runs, encoded);
    REQUIRE(length == one.pairs.size());
    CHECK(std::ranges::equal(std::span(encoded).first(length), one.pairs));
    std::vector<Run> decoded;
    CHECK(decodeRuns(one.pairs, 1 << 24, decoded));
    REQUIRE(decoded.size() == one.runs.size());
    for (size_t i = 0; i < decoded.size(); i++) {
      CHECK(decoded[i].lcn == one.runs[i].lcn);
      CHECK(decoded[i].count == one.runs[i].count);
    }
    for (size_t room = 0; room < length; room++) CHECK(encodeRuns(one.runs, std::span(encoded).first(room)) == 0);
  }
}

TEST_CASE("ntfs run list: hostile pairs are refused or stay inside the volume") {
  Random random(5);
  for (int round = 0; round < 20000; round++) {
    std::vector<std::byte> pairs(random.below(24));
    for (std::byte& byte : pairs) byte = static_cast<std::byte>(random.below(3) == 0 ? 0x11 : random.next());
    std::vector<Run> runs;
    uint64_t clusters = 1 + random.below(1 << 20);
    if (!decodeRuns(pairs, clusters, runs)) continue;
    CHECK(clustersOf(runs) <= clusters);
    for (const Run& run : runs) CHECK((run.isSparse() || run.lcn + run.count <= clusters));
  }
}

TEST_CASE("ntfs fix-ups: they come off again, and a torn block is seen") {
  std::vector<std::byte> record(1024);
  RecordBuilder builder(record, 77, 1, 1, kRecordInUse);
  std::vector<std::byte> value(900, std::byte{0x5A});
  builder.addResident(kData, u"", value);
  REQUIRE(builder.finish(9));
  std::vector<std::byte> torn = record;
  REQUIRE(removeFixups(record));
  RecordView view;
  REQUIRE(parseRecord(record, view) == nullptr);
  CHECK(std::ranges::equal(view.attributes[0].value, value));
  torn[1023] ^= std::byte{1};
  CHECK(!removeFixups(torn));
}

TEST_CASE("ntfs record: what does not fit is refused, not cut") {
  std::vector<std::byte> record(1024);
  RecordBuilder builder(record, 64, 1, 1, kRecordInUse);
  builder.addResident(kData, u"", std::vector<std::byte>(2000));
  CHECK(!builder.finish());
}

TEST_CASE("ntfs index: every shape holds each entry once, no block overflows or is empty") {
  Random random(6);
  for (int round = 0; round < 300; round++) {
    std::vector<uint16_t> lengths(1 + random.below(round < 250 ? 400 : 20000));
    for (uint16_t& length : lengths)
      length = static_cast<uint16_t>(
          indexEntryBytes(fileNameBytes(1 + random.below(random.below(4) == 0 ? 255 : 20)), false));
    IndexShape shape(lengths, 4096);
    std::vector<unsigned> seen(lengths.size());
    for (uint32_t i = 0; i < shape.blockCount(); i++) {
      IndexShape::Block block = shape.block(i);
      size_t used = indexEntryBytes(0, !block.isLeaf);
      CHECK(block.firstItem < block.endItem);
      for (uint32_t item = block.firstItem; item < block.endItem; item++) {
        uint32_t entry = shape.entryAt(block.level, item);
        seen[entry]++;
        used += lengths[entry] + (block.isLeaf ? 0u : 8u);
        if (!block.isLeaf) CHECK(shape.childAt(block.level, item) < i);
      }
      CHECK(used <= indexCapacityBytes(4096));
    }
    CHECK(std::ranges::all_of(seen, [](unsigned times) { return times == 1; }));
  }
}

TEST_CASE("ntfs index: what is reserved is enough for any subset of the entries") {
  Random random(8);
  for (int round = 0; round < 400; round++) {
    std::vector<uint16_t> lengths(1 + random.below(3000));
    unsigned kind = static_cast<unsigned>(random.below(3));
    for (uint16_t& length : lengths) {
      size_t units = kind == 0               ? 1 + random.below(255)
                     : random.below(12) == 0 ? 255
                     : kind == 1             ? 10
                                             : 1 + random.below(60);
      length = static_cast<uint16_t>(indexEntryBytes(fileNameBytes(units), false));
    }
    uint32_t reserved = IndexShape::blocksToReserve(lengths, 4096);
    CHECK(IndexShape(lengths, 4096).blockCount() <= reserved);
    for (int part = 0; part < 4; part++) {
      std::vector<uint16_t> kept;
      uint64_t percent = 1 + random.below(99);
      for (uint16_t length : lengths)
        if (random.below(100) < percent || (part == 3 && length > 500)) kept.push_back(length);
      if (!kept.empty()) CHECK(IndexShape(kept, 4096).blockCount() <= reserved);
    }
  }
}

TEST_CASE("ntfs free space: stretches are split, joined and counted") {
  FreeSpace space({{0, 10}, {50, 10}, {100, 100}}, 1000);
  CHECK(space.clusters() == 880);
  CHECK(space.freeAt(10) == 40);
  CHECK(space.freeAt(49) == 1);
  CHECK(space.freeAt(50) == 0);
  std::optional<ClusterRange> whole = space.takeWhole(41);
  REQUIRE(whole);
  CHECK(whole->lcn == 200);
  whole = space.takeWhole(5, 20);
  REQUIRE(whole);
  CHECK(whole->lcn == 20);
  CHECK(space.stretches().size() == 4);
  space.release({20, 5});
  CHECK(space.stretches().size() == 3);
  std::vector<Run> runs;
  CHECK(space.takeSplit(800, 8, runs));
  CHECK(clustersOf(runs) == 800);
  CHECK(runs.size() == 3);
  for (const Run& run : runs) CHECK(run.count % 8 == 0);
  runs.clear();
  CHECK(!space.takeSplit(40, 8, runs));
  CHECK(runs.empty());
  CHECK(space.clusters() == 39);
  CHECK(!space.takeWhole(40));
}

TEST_CASE("ntfs security: the hash of mkntfs's own descriptor is the one that mkntfs stores") {
  // $SDS entry 0x100 of mkntfs 2022.10.3: hash F80312F0.
  const std::vector<std::byte> descriptor = fromHex(
      "010004804800000058000000000000001400000002003400020000000000140089001200010100000000000512000000"
      "000018008900120001020000000000052000000020020000010200000000000520000000200200000102000000000005"
      "2000000020020000");
  CHECK(descriptor.size() == 0x7C - 20);
  CHECK(securityHash(descriptor) == 0xF80312F0);
  // ntfs-3g's auditor looks at what follows the last entry, up to the next multiple of 16.
  CHECK((kSecurityEntryHeaderBytes + everyoneDescriptor().size()) % 16 == 12);
}

}  // namespace diskferry::ntfs::testing
