// What only foreign volumes have: LZNT1, attribute lists, and both of them mutated.
#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <cstring>
#include <string>

#include "io/memory_sectors.h"
#include "little_endian.h"
#include "ntfs/attribute_list.h"
#include "ntfs/file_data.h"
#include "ntfs/lznt1.h"
#include "sample_volume.h"

namespace diskferry::ntfs::testing {

namespace {

std::vector<std::byte> bytesOf(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::string textOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// One entry of an attribute list, without a name.
void addEntry(std::vector<std::byte>& list, uint32_t type, uint64_t lowestVcn, uint64_t record, uint16_t id) {
  size_t at = list.size();
  list.resize(at + 0x20);
  store32(list.data() + at, type);
  store16(list.data() + at + 4, 0x20);
  list[at + 7] = std::byte{0x1A};
  store64(list.data() + at + 8, lowestVcn);
  store64(list.data() + at + 0x10, reference(record, 1));
  store16(list.data() + at + 0x18, id);
}

// A table of records in memory, as MftAccess finds it: records 20 and 21 are one file in two parts.
struct MadeTable {
  static constexpr uint32_t kRecordBytes = 1024;
  static constexpr uint32_t kClusterBytes = 4096;
  static constexpr uint64_t kMftLcn = 4;
  static constexpr uint32_t kBase = 20;
  static constexpr uint32_t kExtension = 21;

  MadeTable() : memory(1 << 20, 512) {
    geometry.sectorBytes = 512;
    geometry.clusterBytes = kClusterBytes;
    geometry.recordBytes = kRecordBytes;
    geometry.indexBytes = 4096;
    geometry.sectorCount = 2047;
    geometry.clusterCount = 255;
    geometry.mftLcn = kMftLcn;
    geometry.mirrorLcn = 2;
    for (uint32_t number = 0; number < 32; number++) buildUnusedRecord(record(number), number);
    Run table{kMftLcn, 8};
    RecordBuilder first(record(0), 0, 1, 1, kRecordInUse);
    first.addNonResident(kData, u"", std::span(&table, 1), kClusterBytes, 32 * kRecordBytes);
    REQUIRE(first.finish());
    for (size_t i = 0; i < 6 * kClusterBytes; i++)
      memory.bytes()[100 * kClusterBytes + i] = static_cast<std::byte>(i / kClusterBytes + 1);
  }

  std::span<std::byte> record(uint32_t number) {
    return memory.bytes().subspan(kMftLcn * kClusterBytes + number * kRecordBytes, kRecordBytes);
  }

  void buildBase(std::span<const std::byte> list) {
    Run run{100, 4};
    RecordBuilder base(record(kBase), kBase, 1, 1, kRecordInUse);
    base.addResident(kAttributeList, u"", list);
    base.addNonResident(kData, u"", std::span(&run, 1), kClusterBytes, 6 * kClusterBytes);
    REQUIRE(base.finish());
  }

  void buildExtension(uint64_t lowestVcn, uint32_t baseRecord = kBase) {
    Run run{104, 2};
    std::span<std::byte> bytes = record(kExtension);
    RecordBuilder extension(bytes, kExtension, 1, 0, kRecordInUse);
    extension.addNonResident(kData, u"", std::span(&run, 1), kClusterBytes, 0);
    store64(bytes.data() + 0x20, reference(baseRecord, 1));
    std::byte* attribute = bytes.data() + load16(bytes.data() + 0x14);
    store64(attribute + 0x10, lowestVcn);
    store64(attribute + 0x18, lowestVcn + 1);
    REQUIRE(extension.finish());
  }

  // What reading the whole file gives.
  Result<std::vector<std::byte>> read() {
    Result<MftAccess> mft = MftAccess::open(memory, geometry);
    if (!mft.isOk()) return mft.status();
    std::vector<std::byte> bytes(kRecordBytes);
    RecordView view;
    DISKFERRY_TRY(mft.value().readRecord(memory, kBase, bytes, view));
    FileAttributes attributes;
    Status collected = attributes.collect(memory, geometry, mft.value(), kBase, view);
    FileContent content;
    describeContent(geometry, kBase, attributes, collected, content);
    uint64_t size = std::min<uint64_t>(content.dataBytes, 100000);
    FileReader reader(std::move(content));
    std::vector<std::byte> into(size);
    Result<size_t> got = reader.read(memory, geometry, 0, into);
    if (!got.isOk()) return got.status();
    return into;
  }

  MemorySectors memory;
  Geometry geometry;
};

std::vector<std::byte> goodList() {
  std::vector<std::byte> list;
  addEntry(list, kData, 0, MadeTable::kBase, 1);
  addEntry(list, kData, 4, MadeTable::kExtension, 0);
  return list;
}

}  // namespace

TEST_CASE("lznt1: literals, back references that overlap themselves, and chunks that are stored as they are") {
  // "abc" and a reference three back, nine long.
  std::vector<std::byte> packed = bytesOf({0x05, 0xB0, 0x08, 'a', 'b', 'c', 0x06, 0x20, 0x00, 0x00});
  std::vector<std::byte> into(12, std::byte{0xEE});
  REQUIRE(decompressLznt1(packed, into));
  CHECK(textOf(into) == "abcabcabcabc");

  // The chunk is shorter than what is wanted: zeros.
  into.assign(20, std::byte{0xEE});
  REQUIRE(decompressLznt1(packed, into));
  CHECK(textOf(into) == std::string("abcabcabcabc") + std::string(8, '\0'));
  // And longer: cut off.
  into.assign(5, std::byte{0xEE});
  REQUIRE(decompressLznt1(packed, into));
  CHECK(textOf(into) == "abcab");

  std::vector<std::byte> stored = bytesOf({0xFF, 0x3F});
  stored.resize(2 + 4096, std::byte{'s'});
  stored.insert(stored.end(), packed.begin(), packed.end());
  into.assign(4096 + 12, std::byte{0xEE});
  REQUIRE(decompressLznt1(stored, into));
  CHECK(textOf(into) == std::string(4096, 's') + "abcabcabcabc");

  into.assign(7, std::byte{0xEE});
  REQUIRE(decompressLznt1({}, into));
  CHECK(textOf(into) == std::string(7, '\0'));
}

TEST_CASE("lznt1: a reference's bits shift as its chunk fills") {
  // One letter and a run of 4095: at position 1 the length has 12 bits, so one reference is enough.
  std::vector<std::byte> packed = bytesOf({0x03, 0xB0, 0x02, 'x', 0xFC, 0x0F, 0, 0});
  std::vector<std::byte> into(4096, std::byte{0xEE});
  REQUIRE(decompressLznt1(packed, into));
  CHECK(textOf(into) == std::string(4096, 'x'));
  // 17 literals; then 5 bits of distance and 11 of length: 17 back, 4 long.
  packed = bytesOf({0x15, 0xB0, 0x00, 'a', 'b', 'c', 'd', 'e',  'f', 'g',  'h',  0x00, 'i',
                    'j',  'k',  'l',  'm', 'n', 'o', 'p', 0x02, 'q', 0x01, 0x80, 0,    0});
  into.assign(21, std::byte{0xEE});
  REQUIRE(decompressLznt1(packed, into));
  CHECK(textOf(into) == "abcdefghijklmnopqabcd");
}

TEST_CASE("lznt1: what is no chunk or refers to nothing is refused") {
  std::vector<std::byte> into(4096);
  CHECK_FALSE(decompressLznt1(bytesOf({0x05, 0x80, 1, 2, 3, 4, 5, 6}), into));       // no signature
  CHECK_FALSE(decompressLznt1(bytesOf({0x0F, 0xB0, 0, 'a'}), into));                 // ends too early
  CHECK_FALSE(decompressLznt1(bytesOf({0x02, 0xB0, 0x01, 0x00, 0x00}), into));       // nothing to refer to
  CHECK_FALSE(decompressLznt1(bytesOf({0x03, 0xB0, 0x02, 'a', 0x00, 0x10}), into));  // two back of one
  CHECK_FALSE(decompressLznt1(bytesOf({0x03, 0xB0, 0x02, 'a', 0xFF, 0x0F}), into));  // longer than a chunk
  CHECK_FALSE(decompressLznt1(bytesOf({0x02, 0xB0, 0x02, 'a', 0x00}), into));        // half a reference
}

TEST_CASE("lznt1: mutated and random data ends, inside of its buffers") {
  Random random(77);
  std::vector<std::byte> into(65536);
  for (int round = 0; round < 3000; round++) {
    std::vector<std::byte> from(random.below(6000));
    for (std::byte& byte : from) byte = static_cast<std::byte>(random.next() >> 20);
    for (size_t at = 0; at + 2 < from.size();) {
      size_t length = 1 + random.below(std::min<size_t>(4096, from.size() - at - 2));
      store16(from.data() + at, static_cast<uint16_t>((random.below(8) == 0 ? 0x3000 : 0xB000) | (length - 1)));
      at += 2 + length;
    }
    (void)decompressLznt1(from, std::span(into).first(random.below(into.size())));
  }
  CHECK(into.size() == 65536);
}

TEST_CASE("attribute lists: entries that leave their list or themselves are refused") {
  std::vector<AttributeListEntry> entries;
  REQUIRE(parseAttributeList(goodList(), entries));
  REQUIRE(entries.size() == 2);
  CHECK(entries[1].type == kData);
  CHECK(entries[1].lowestVcn == 4);
  CHECK(referencedRecord(entries[1].reference) == MadeTable::kExtension);
  const std::pair<size_t, int> faults[] = {{4, 0x00}, {4, 0x18}, {4, 0x21}, {4, 0x48}, {6, 0x20}};
  for (auto [at, value] : faults) {
    CAPTURE(at);
    CAPTURE(value);
    std::vector<std::byte> list = goodList();
    list[at] = static_cast<std::byte>(value);
    CHECK_FALSE(parseAttributeList(list, entries));
  }
  std::vector<std::byte> cut = goodList();
  cut.resize(cut.size() - 8);
  CHECK_FALSE(parseAttributeList(cut, entries));
}

TEST_CASE("attribute lists: a file in two records is read as one") {
  MadeTable table;
  table.buildBase(goodList());
  table.buildExtension(4);
  Result<std::vector<std::byte>> content = table.read();
  REQUIRE_MESSAGE(content.isOk(), content.status().message());
  REQUIRE(content.value().size() == 6 * MadeTable::kClusterBytes);
  for (size_t i = 0; i < content.value().size(); i += 512)
    CHECK(content.value()[i] == static_cast<std::byte>(i / MadeTable::kClusterBytes + 1));
}

TEST_CASE("attribute lists: parts that overlap, are missing, are named twice or belong to others are damage") {
  auto codeOf = [](const std::vector<std::byte>& list, uint64_t lowestVcn, uint32_t baseRecord) {
    MadeTable table;
    table.buildBase(list);
    table.buildExtension(lowestVcn, baseRecord);
    return table.read().status();
  };
  std::vector<std::byte> overlapping;
  addEntry(overlapping, kData, 0, MadeTable::kBase, 1);
  addEntry(overlapping, kData, 3, MadeTable::kExtension, 0);
  std::vector<std::byte> gap;
  addEntry(gap, kData, 0, MadeTable::kBase, 1);
  addEntry(gap, kData, 9, MadeTable::kExtension, 0);
  std::vector<std::byte> twice = goodList();
  addEntry(twice, kData, 4, MadeTable::kExtension, 0);
  std::vector<std::byte> selfish;
  for (int i = 0; i < 8; i++) addEntry(selfish, kData, 0, MadeTable::kBase, 1);
  std::vector<std::byte> first;
  addEntry(first, kData, 0, MadeTable::kBase, 1);
  std::vector<std::byte> nowhere = goodList();
  store64(nowhere.data() + 0x30, reference(1u << 20, 1));
  CHECK(codeOf(goodList(), 4, MadeTable::kBase).isOk());
  CHECK(codeOf(overlapping, 3, MadeTable::kBase).code() == ErrorCode::NTFS_DAMAGED);
  CHECK(codeOf(gap, 9, MadeTable::kBase).code() == ErrorCode::NTFS_DAMAGED);
  CHECK(codeOf(twice, 4, MadeTable::kBase).code() == ErrorCode::NTFS_DAMAGED);
  CHECK(codeOf(selfish, 4, MadeTable::kBase).code() == ErrorCode::NTFS_DAMAGED);
  CHECK(codeOf(first, 4, MadeTable::kBase).code() == ErrorCode::NTFS_DAMAGED);
  CHECK(codeOf(nowhere, 4, MadeTable::kBase).code() == ErrorCode::NTFS_DAMAGED);
  CHECK(codeOf(goodList(), 4, 22).code() == ErrorCode::NTFS_DAMAGED);
}

TEST_CASE("attribute lists: mutated records and lists give content or errors") {
  const std::clock_t start = std::clock();
  Random random(5);
  for (int round = 0; round < 4000; round++) {
    MadeTable table;
    std::vector<std::byte> list = goodList();
    if (random.below(2) == 0) list[random.below(list.size())] = static_cast<std::byte>(random.next() >> 9);
    table.buildBase(list);
    table.buildExtension(4);
    for (uint64_t changes = random.below(4); changes > 0; changes--) {
      std::span<std::byte> record = table.record(random.below(2) == 0 ? MadeTable::kBase : MadeTable::kExtension);
      // Before the first fix-up, where all of these records' attributes stand.
      record[random.below(400)] = static_cast<std::byte>(random.next() >> 9);
    }
    Result<std::vector<std::byte>> content = table.read();
    if (content.isOk()) CHECK(content.value().size() <= 100000);
  }
  // Of the processor, so that a busy machine changes nothing: it catches what has no end.
  CHECK((std::clock() - start) / CLOCKS_PER_SEC < 300);
}

}  // namespace diskferry::ntfs::testing
