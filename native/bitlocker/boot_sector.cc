#include "bitlocker/boot_sector.h"

#include <cstring>

#include "bitlocker/guid.h"
#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

using namespace std::string_view_literals;

// Field by field the same in all Windows volumes of the ordinary layout, 7 to 11.
constexpr std::array<FixedField, 14> kFixedFields = {{
    {0x000, "\xEB\x58\x90"sv, "jump"},
    {0x003, "-FVE-FS-"sv, "signature"},
    {0x024, "\xE0\x1F\x00\x00"sv, "FAT length"},
    {0x028, "\x00\x00\x00\x00\x00\x00\x00\x00"sv, "FAT flags and root cluster"},
    {0x030, "\x01\x00"sv, "information sector"},
    {0x032, "\x06\x00"sv, "backup sector"},
    // Readers take a volume with other values in the last eight for one of Windows Vista.
    {0x034, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"sv, "reserved field"},
    {0x040, "\x80\x00\x29"sv, "drive number and boot signature"},
    {0x043, "\x00\x00\x00\x00"sv, "serial number"},
    {0x047, "NO NAME    "sv, "label"},
    {0x052, "FAT32   "sv, "file system name"},
    {0x0A0, "\x3B\xD6\x67\x49\x29\x2E\xD8\x4A\x83\x99\xF6\xA3\x39\xE3\xD0\x01"sv, "BitLocker identifier"},
    {0x0C8, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"sv, "encrypt-on-write offsets"},
    {0x1FE, "\x55\xAA"sv, "end mark"},
}};

constexpr std::string_view kFixedGuid = kFixedFields[11].bytes;
constexpr std::string_view kEncryptOnWriteGuid = "\x3B\x4D\xA8\x92\x80\xDD\x0E\x4D\x9E\x4E\xB1\xE3\x28\x4E\xAE\xD8"sv;
constexpr size_t kGuidOffset = 0x0A0;
constexpr size_t kToGoGuidOffset = 0x1A8;

bool holds(std::span<const std::byte> sector, size_t offset, std::string_view bytes) {
  return std::memcmp(sector.data() + offset, bytes.data(), bytes.size()) == 0;
}

// Sectors per cluster as in NTFS: above 128 it is a negative power of two.
uint32_t clusterBytesOf(std::span<const std::byte> sector, uint32_t bytesPerSector) {
  auto stored = std::to_integer<uint32_t>(sector[0x0D]);
  uint32_t sectors = stored <= 128 ? stored : 256 - stored < 16 ? 1u << (256 - stored) : 0;
  return (sectors & (sectors - 1)) == 0 ? sectors * bytesPerSector : 0;
}

Layout layoutOf(std::span<const std::byte> sector) {
  if (holds(sector, 0x003, "-FVE-FS-"sv) && holds(sector, 0x000, "\xEB\x52\x90"sv)) return Layout::vista;
  if (holds(sector, kGuidOffset, kFixedGuid)) return Layout::fixed;
  if (holds(sector, kGuidOffset, kEncryptOnWriteGuid)) return Layout::encryptOnWrite;
  if (holds(sector, 0x003, "MSWIN4.1"sv) && holds(sector, kToGoGuidOffset, kFixedGuid)) return Layout::toGo;
  return Layout::none;
}

}  // namespace

std::string_view layoutName(Layout layout) {
  switch (layout) {
    case Layout::fixed:
      return "fixed";
    case Layout::encryptOnWrite:
      return "encrypt-on-write";
    case Layout::toGo:
      return "to-go";
    case Layout::vista:
      return "vista";
    case Layout::none:
      break;
  }
  return "none";
}

std::span<const FixedField> fixedFields() { return kFixedFields; }

BootSector parseBootSector(std::span<const std::byte> sector) {
  BootSector boot;
  boot.layout = layoutOf(sector);
  boot.bytesPerSector = load16(sector.data() + kParameterOffset);
  boot.clusterBytes = clusterBytesOf(sector, boot.bytesPerSector);
  boot.hiddenSectors = load32(sector.data() + 0x1C);
  size_t offsetsAt = (boot.layout == Layout::toGo ? kToGoGuidOffset : kGuidOffset) + kFixedGuid.size();
  for (size_t index = 0; index < 3; index++)
    boot.metadataOffsets[index] = load64(sector.data() + offsetsAt + index * 8);
  return boot;
}

std::vector<std::byte> encodeBootSector(uint32_t sectorBytes, std::span<const std::byte> parameters,
                                        const std::array<uint64_t, 3>& metadataOffsets) {
  std::vector<std::byte> sector(sectorBytes);
  for (const FixedField& field : kFixedFields)
    std::memcpy(sector.data() + field.offset, field.bytes.data(), field.bytes.size());
  std::memcpy(sector.data() + kParameterOffset, parameters.data(), kParameterBytes);
  std::memcpy(sector.data() + kStubOffset, kStub.data(), kStub.size());
  for (size_t index = 0; index < 3; index++)
    store64(sector.data() + kGuidOffset + kFixedGuid.size() + index * 8, metadataOffsets[index]);
  return sector;
}

}  // namespace diskferry::bitlocker
