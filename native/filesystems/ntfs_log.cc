#include "filesystems/ntfs_log.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "little_endian.h"
#include "ntfs/fixups.h"

namespace diskferry::filesystems {

namespace {

constexpr size_t kPageBytesMin = 4096;
constexpr uint16_t kNobody = 0xFFFF;
constexpr uint16_t kVolumeIsClean = 0x0002;

struct Restart {
  uint64_t sequence = 0;
  bool isClosed = false;
};

std::optional<Restart> parseRestart(std::span<std::byte> page) {
  if (std::memcmp(page.data(), "RSTR", 4) != 0 || !ntfs::removeFixups(page)) return std::nullopt;
  size_t area = load16(page.data() + 0x18);
  if (area % 8 != 0 || area < 0x30 || area + 0x30 > page.size()) return std::nullopt;
  const std::byte* at = page.data() + area;
  return Restart{load64(at), load16(at + 0x0C) == kNobody || (load16(at + 0x0E) & kVolumeIsClean) != 0};
}

}  // namespace

bool isNtfsLogClean(std::span<std::byte> pages) {
  // Emptied, as other drivers than Windows' leave it.
  if (std::ranges::all_of(pages, [](std::byte byte) { return byte == std::byte{0xFF}; })) return true;
  uint32_t pageBytes = load32(pages.data() + 0x10);
  if (std::memcmp(pages.data(), "RSTR", 4) != 0 || pageBytes < kPageBytesMin || pageBytes > pages.size() / 2 ||
      (pageBytes & (pageBytes - 1)) != 0)
    return false;
  // Of the two pages the later one counts; both have to be readable, or one is a torn write.
  std::optional<Restart> first = parseRestart(pages.first(pageBytes));
  std::optional<Restart> second = parseRestart(pages.subspan(pageBytes, pageBytes));
  if (!first || !second) return false;
  return (first->sequence >= second->sequence ? first : second)->isClosed;
}

}  // namespace diskferry::filesystems
