// Volumes of every kind, damaged at random where their formatter wrote something: an answer that makes sense, whatever
// it is; and where the format has checksums, nothing in use that is called free.
#include <doctest/doctest.h>

#include <chrono>

#include "../bitlocker/xorshift.h"
#include "filesystems/read_used_ranges.h"
#include "made_image.h"

namespace diskferry::filesystems::testing {

namespace {

using bitlocker::test::Xorshift;
using std::chrono::steady_clock;

constexpr uint64_t kMebibyte = 1 << 20;
constexpr auto kTimeMax = std::chrono::seconds(3);
constexpr int kRoundsMin = 300;  // on a machine that is busy too
constexpr int kRoundsMax = 2000;
constexpr size_t kFirstPieces = 8;

struct Kind {
  const char* name;
  uint64_t sizeBytes;
  const char* format;
  bool hasChecksums = false;
};

const Kind kKinds[] = {
    {"ext2", 16 * kMebibyte, "mke2fs -q -F -t ext2 -b 1024 -g 1024 -O none"},
    {"ext4", 16 * kMebibyte, "mke2fs -q -F -t ext4 -b 1024 -g 1024 -N 512", true},
    {"ext4", 16 * kMebibyte, "mke2fs -q -F -t ext4 -b 1024 -g 1024 -N 512 -O ^metadata_csum,uninit_bg"},
    {"ext4", 16 * kMebibyte, "mke2fs -q -F -t ext4 -b 1024 -g 512 -N 512 -O meta_bg,^resize_inode,^metadata_csum"},
    {"ext4", 64 * kMebibyte, "mke2fs -q -F -t ext4 -b 1024 -O bigalloc,^metadata_csum -C 16384"},
    {"ntfs", 8 * kMebibyte, "mkntfs -Q -F -q"},
    {"fat12", 4 * kMebibyte, "mkfs.fat -F 12"},
    {"fat16", 20 * kMebibyte, "mkfs.fat -F 16"},
    {"fat32", 40 * kMebibyte, "mkfs.fat -F 32 -s 1"},
    {"exfat", 8 * kMebibyte, "mkfs.exfat"},
    {"xfs", 320 * kMebibyte, "mkfs.xfs -q -m crc=0,finobt=0,reflink=0,bigtime=0,inobtcount=0"},
    {"xfs", 320 * kMebibyte, "mkfs.xfs -q", true},
    {"swap", kMebibyte, "mkswap"},
};

void checkOrder(const UsedRanges& used, uint64_t sizeBytes) {
  uint64_t end = 0;
  bool isFirst = true;
  for (const ByteRange& range : used.ranges) {
    REQUIRE(range.lengthBytes > 0);
    REQUIRE((isFirst || range.offsetBytes > end));
    REQUIRE(range.offsetBytes <= sizeBytes);
    REQUIRE(range.lengthBytes <= sizeBytes - range.offsetBytes);
    end = range.end();
    isFirst = false;
  }
  REQUIRE((used.state == VolumeState::clean) == used.reason.empty());
  if (used.state != VolumeState::unknown) return;
  REQUIRE(used.ranges.size() == 1);
  REQUIRE(used.ranges[0].lengthBytes == sizeBytes);
}

// Both ascending and disjoint.
bool covers(const std::vector<ByteRange>& outer, const std::vector<ByteRange>& inner) {
  size_t at = 0;
  for (const ByteRange& range : inner) {
    while (at < outer.size() && outer[at].end() <= range.offsetBytes) at++;
    if (at == outer.size() || outer[at].offsetBytes > range.offsetBytes || outer[at].end() < range.end()) return false;
  }
  return true;
}

bool isGoingOn(int round, steady_clock::time_point until) {
  return round < kRoundsMin || (round < kRoundsMax && steady_clock::now() < until);
}

void damage(DamagedSectors& sectors, const std::vector<uint64_t>& pieces, Xorshift& random) {
  constexpr uint32_t kExtremes[] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFF, 0x10000};
  for (uint64_t changes = 1 + random.below(3); changes > 0; changes--) {
    // A quarter of it where the volume is described: elsewhere most of NTFS is never looked at.
    const size_t among = random.below(4) == 0 ? std::min(kFirstPieces, pieces.size()) : pieces.size();
    uint64_t place = pieces[random.below(among)] + random.below(127) * 4;
    uint32_t value = random.below(2) == 0 ? kExtremes[random.below(8)] : static_cast<uint32_t>(random.below(1u << 31));
    if (random.below(3) == 0) value = __builtin_bswap32(value);
    uint64_t length = random.below(2) == 0 ? 4 : 1 + random.below(3);
    for (uint64_t byte = 0; byte < length; byte++)
      sectors.replace(place + byte, static_cast<std::byte>(value >> (8 * byte) & 0xff));
  }
}

}  // namespace

TEST_CASE("file systems: damage of any kind gives an answer that makes sense") {
  for (const Kind& kind : kKinds) {
    CAPTURE(std::string(kind.format));
    MadeImage image(kind.sizeBytes, kind.format);
    REQUIRE(image.isFine());
    if (!image.isMade()) {
      MESSAGE("skipped: not installed: " << kind.format);
      continue;
    }
    auto sectors = std::make_shared<DamagedSectors>(image);
    Result<UsedRanges> good = readUsedRanges(sectors, 0, kind.sizeBytes);
    REQUIRE(good.isOk());
    CHECK(good.value().fileSystem == kind.name);
    CHECK(good.value().state == VolumeState::clean);
    std::vector<uint64_t> pieces = image.writtenPieces();
    REQUIRE(!pieces.empty());
    Xorshift random(kind.sizeBytes + 1);
    auto until = steady_clock::now() + kTimeMax;
    int refused = 0;
    for (int round = 0; isGoingOn(round, until); round++) {
      CAPTURE(round);
      damage(*sectors, pieces, random);
      Result<UsedRanges> used = readUsedRanges(sectors, 0, kind.sizeBytes);
      REQUIRE(used.isOk());
      checkOrder(used.value(), kind.sizeBytes);
      if (used.value().state == VolumeState::unknown) refused++;
      // The head of a partition may end anywhere.
      uint64_t cut = random.below(kind.sizeBytes);
      if (round % 8 == 0) {
        used = readUsedRanges(sectors, 0, cut);
        REQUIRE(used.isOk());
        checkOrder(used.value(), cut);
      }
      sectors->restore();
    }
    CHECK(refused > 0);
  }
}

TEST_CASE("file systems: with checksums no flipped bit makes free what is in use") {
  for (const Kind& kind : kKinds) {
    if (!kind.hasChecksums) continue;
    CAPTURE(std::string(kind.format));
    MadeImage image(kind.sizeBytes, kind.format);
    if (!image.isMade()) continue;
    auto sectors = std::make_shared<DamagedSectors>(image);
    Result<UsedRanges> good = readUsedRanges(sectors, 0, kind.sizeBytes);
    REQUIRE(good.isOk());
    std::vector<uint64_t> pieces = image.writtenPieces();
    Xorshift random(99);
    auto until = steady_clock::now() + kTimeMax;
    for (int round = 0; isGoingOn(round, until); round++) {
      std::byte piece[512];
      uint64_t at = pieces[random.below(pieces.size())];
      REQUIRE(image.read(at, piece));
      uint64_t byte = random.below(512);
      sectors->replace(at + byte, piece[byte] ^ static_cast<std::byte>(1 << random.below(8)));
      CAPTURE(at + byte);
      Result<UsedRanges> used = readUsedRanges(sectors, 0, kind.sizeBytes);
      REQUIRE(used.isOk());
      CHECK(covers(used.value().ranges, good.value().ranges));
      sectors->restore();
    }
  }
}

}  // namespace diskferry::filesystems::testing
