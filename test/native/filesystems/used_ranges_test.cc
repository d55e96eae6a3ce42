#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "../bitlocker/xorshift.h"
#include "filesystems/ntfs_log.h"
#include "filesystems/used_ranges.h"
#include "hash/crc_small.h"
#include "little_endian.h"
#include "ntfs/fixups.h"

namespace diskferry::filesystems {

namespace {

std::string textOf(std::vector<ByteRange> ranges) {
  std::string text;
  for (const ByteRange& range : ranges)
    text += std::to_string(range.offsetBytes) + "+" + std::to_string(range.lengthBytes) + " ";
  return text;
}

std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

// Two restart pages whose areas say who has the journal open.
std::vector<std::byte> restartPages(uint16_t firstClient, uint16_t secondClient, uint16_t flags) {
  constexpr size_t kPage = 4096;
  std::vector<std::byte> pages(kNtfsRestartBytes);
  for (size_t index = 0; index < 2; index++) {
    auto page = std::span(pages).subspan(index * kPage, kPage);
    std::memcpy(page.data(), "RSTR", 4);
    store16(page.data() + 4, 0x1E);
    store16(page.data() + 6, 9);
    store32(page.data() + 0x10, kPage);
    store32(page.data() + 0x14, kPage);
    store16(page.data() + 0x18, 0x30);
    store64(page.data() + 0x30, 100 + index);
    store16(page.data() + 0x3C, index == 0 ? firstClient : secondClient);
    store16(page.data() + 0x3E, flags);
    ntfs::applyFixups(page, 7);
  }
  return pages;
}

}  // namespace

TEST_CASE("checksums of ext4 and XFS have their published values") {
  // RFC 3720, B.4, and the catalogue of CRC algorithms (CRC-16/ARC begins with zero).
  CHECK(~crc32c(std::vector<std::byte>(32), ~0u) == 0x8A9136AA);
  CHECK(~crc32c(bytesOf("123456789"), ~0u) == 0xE3069283);
  CHECK(crc16(bytesOf("123456789"), 0) == 0xBB3D);
  CHECK(crc32c(bytesOf("6789"), crc32c(bytesOf("12345"), ~0u)) == crc32c(bytesOf("123456789"), ~0u));
}

TEST_CASE("ranges are merged, ordered and clipped") {
  RangeCollector collector(1000);
  collector.add(500, 100);
  collector.add(0, 10);
  collector.add(10, 10);
  collector.add(550, 20);
  collector.add(600, 0);
  collector.add(900, ~uint64_t{0});
  collector.add(1000, 5);
  collector.add(~uint64_t{0}, 5);
  CHECK(textOf(collector.take()) == "0+20 500+100 900+100 ");
}

TEST_CASE("bits become ranges wherever words begin and end") {
  bitlocker::test::Xorshift random(5);
  for (int round = 0; round < 300; round++) {
    std::vector<std::byte> bits(1 + random.below(40));
    for (std::byte& byte : bits) byte = static_cast<std::byte>(random.below(4) == 0 ? 0xFF : random.below(256));
    uint64_t count = random.below(bits.size() * 8 + 1);
    RangeCollector fast(1 << 20);
    RangeCollector slow(1 << 20);
    uint64_t set = 0;
    for (uint64_t bit = 0; bit < count; bit++)
      if ((static_cast<unsigned>(bits[bit / 8]) >> (bit % 8) & 1) != 0) {
        slow.add(64 + bit * 16, 16);
        set++;
      }
    CHECK(fast.addSetBits(bits, count, 64, 16) == set);
    CHECK(textOf(fast.take()) == textOf(slow.take()));
  }
}

TEST_CASE("too many ranges take bounded memory, and none is lost") {
  constexpr uint64_t kUnit = 4096;
  RangeCollector collector(kUnit << 20, 1000);
  for (uint64_t index = 0; index < 20'000; index++) collector.add((index * 7919 % 20'000) * 3 * kUnit, kUnit);
  std::vector<ByteRange> ranges = collector.take();
  CHECK(ranges.size() <= 1000);
  for (uint64_t index = 0; index < 20'000; index++) {
    uint64_t offset = index * 3 * kUnit;
    auto after = std::ranges::upper_bound(ranges, offset, {}, &ByteRange::offsetBytes);
    REQUIRE(after != ranges.begin());
    REQUIRE((after - 1)->end() >= offset + kUnit);
  }
}

TEST_CASE("the journal of NTFS is closed when nobody has it open, by the later of its two pages") {
  constexpr uint16_t kNobody = 0xFFFF;
  struct Vector {
    uint16_t firstClient, secondClient, flags;
    bool isClean;
  };
  const Vector vectors[] = {
      {kNobody, kNobody, 0, true}, {0, 0, 0, false}, {0, 0, 2, true}, {0, kNobody, 0, true}, {kNobody, 0, 0, false}};
  for (const Vector& vector : vectors) {
    std::vector<std::byte> pages = restartPages(vector.firstClient, vector.secondClient, vector.flags);
    CHECK(isNtfsLogClean(pages) == vector.isClean);
  }
  std::vector<std::byte> torn = restartPages(kNobody, kNobody, 0);
  torn[4096 + 510] ^= std::byte{1};
  CHECK_FALSE(isNtfsLogClean(torn));
  std::vector<std::byte> emptied(kNtfsRestartBytes, std::byte{0xFF});
  CHECK(isNtfsLogClean(emptied));
  std::vector<std::byte> zeros(kNtfsRestartBytes);
  CHECK_FALSE(isNtfsLogClean(zeros));
}

}  // namespace diskferry::filesystems
