// The plain first sector of a BitLocker volume: what kind of volume it is and where the metadata copies lie. Everything
// else in it is dressing (a FAT32 look and a boot stub) that readers ignore.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "status.h"

namespace diskferry::bitlocker {

inline constexpr size_t kBootSectorBytes = 512;
// The bytes of the inner NTFS boot sector that the outer one repeats.
inline constexpr size_t kParameterOffset = 0x0B;
inline constexpr size_t kParameterBytes = 25;
// What our boot sectors have at 0x5A where Windows has its boot code: hlt, and again.
inline constexpr size_t kStubOffset = 0x5A;
inline constexpr std::array<std::byte, 3> kStub = {std::byte{0xF4}, std::byte{0xEB}, std::byte{0xFD}};

enum class Layout {
  none,            // no BitLocker volume
  fixed,           // the ordinary one, Windows 7 and later
  encryptOnWrite,  // the same, while Windows encrypts in the background
  toGo,            // FAT in front, for removable drives
  vista,
};
std::string_view layoutName(Layout layout);  // "fixed", "encrypt-on-write", "to-go", "vista", "none"

struct BootSector {
  Layout layout = Layout::none;
  uint16_t bytesPerSector = 0;
  uint32_t clusterBytes = 0;   // 0 when the field makes no sense
  uint32_t hiddenSectors = 0;  // the partition's first sector, as the formatter saw it
  std::array<uint64_t, 3> metadataOffsets{};
};

// `sector` has at least kBootSectorBytes. Never fails: what it is not is said by `layout`. Values are not checked.
BootSector parseBootSector(std::span<const std::byte> sector);
// A whole sector. `parameters` are kParameterBytes from kParameterOffset of the inner NTFS boot sector.
std::vector<std::byte> encodeBootSector(uint32_t sectorBytes, std::span<const std::byte> parameters,
                                        const std::array<uint64_t, 3>& metadataOffsets);

// A byte that every ordinary boot sector has at that place.
struct FixedField {
  size_t offset;
  std::string_view bytes;
  const char* name;
};
std::span<const FixedField> fixedFields();

}  // namespace diskferry::bitlocker
