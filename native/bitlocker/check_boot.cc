// The two plain-to-see boot sectors: the outer one on the disk and, through the view, the file system's.
#include <algorithm>
#include <cstring>
#include <string>

#include "bitlocker/check_parts.h"
#include "io/aligned_buffer.h"
#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

constexpr const char* kBoot = "boot sector";
constexpr const char* kBootCode = "BITLOCKER_BOOT_SECTOR";

struct Span {
  size_t start;
  size_t end;
};

bool isZero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

std::string byteText(std::byte value) { return hexText(std::to_integer<uint64_t>(value)); }

void checkFixedFields(std::span<const std::byte> sector, Layout layout, Findings& findings) {
  for (const FixedField& field : fixedFields()) {
    // The identifier and the offsets behind it are what makes an encrypt-on-write volume different.
    if (layout == Layout::encryptOnWrite && (field.offset == 0xA0 || field.offset == 0xC8)) continue;
    std::span<const std::byte> expected = std::as_bytes(std::span(field.bytes));
    for (size_t index = 0; index < expected.size(); index++) {
      std::byte found = sector[field.offset + index];
      if (found == expected[index]) continue;
      findings.damage(kBootCode, kBoot,
                      std::string("the ") + field.name + " has " + byteText(found) + " instead of " +
                          byteText(expected[index]) + " at offset " + hexText(field.offset + index));
      break;
    }
  }
}

// The parameters that are the same on every NTFS volume. The others are compared with the inner boot sector, which
// takes a key, and with the metadata.
void checkParameters(std::span<const std::byte> sector, const BootSector& boot, const Place& place,
                     Findings& findings) {
  if (boot.bytesPerSector != 512 && boot.bytesPerSector != 4096)
    findings.damage(kBootCode, kBoot, "a sector size of " + std::to_string(boot.bytesPerSector) + " at offset 0xb");
  if (boot.clusterBytes == 0)
    findings.damage(kBootCode, kBoot, "sectors per cluster of " + byteText(sector[0x0D]) + " at offset 0xd");
  for (size_t offset : {0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x20, 0x21, 0x22, 0x23}) {
    std::byte expected = offset == 0x15 ? std::byte{0xF8} : std::byte{0};
    if (sector[offset] != expected)
      findings.damage(kBootCode, kBoot,
                      "the parameters have " + byteText(sector[offset]) + " instead of " + byteText(expected) +
                          " at offset " + hexText(offset));
  }
  // At offset 0 the place is a bare image, not a partition: nothing to compare with.
  if (place.offsetBytes != 0 && boot.bytesPerSector != 0 &&
      boot.hiddenSectors != static_cast<uint32_t>(place.offsetBytes / boot.bytesPerSector))
    findings.warning("BITLOCKER_HIDDEN_SECTORS", kBoot,
                     "the volume was made for a partition at sector " + std::to_string(boot.hiddenSectors) +
                         ", this one is at " + std::to_string(place.offsetBytes / boot.bytesPerSector));
}

// Windows has boot code and texts where ours have a halt and zeros; readers ignore both. A sector that is ours in one
// part and not in the other was damaged.
void checkFiller(std::span<const std::byte> sector, const BootSector& boot, Findings& findings) {
  bool isOurStub = std::memcmp(sector.data() + kStubOffset, kStub.data(), kStub.size()) == 0;
  constexpr Span fillers[] = {{kStubOffset + kStub.size(), 0xA0}, {0xD8, 0x1FE}};
  size_t changed = 0;
  for (Span filler : fillers)
    for (size_t offset = filler.start; offset < filler.end && changed == 0; offset++)
      if (sector[offset] != std::byte{0}) changed = offset;
  if (isOurStub && changed != 0)
    findings.damage(
        kBootCode, kBoot,
        "unused bytes have " + byteText(sector[changed]) + " instead of zero at offset " + hexText(changed));
  if (!isOurStub && changed == 0)
    findings.damage(kBootCode, kBoot, "the boot code is damaged at offset " + hexText(kStubOffset));
  // Behind the 512 bytes of a longer sector Windows leaves noise.
  if (isOurStub && boot.bytesPerSector == 4096 && !isZero(sector.subspan(kBootSectorBytes)))
    findings.damage(kBootCode, kBoot, "bytes after the first 512 are not zero");
}

}  // namespace

std::string hexText(uint64_t value) {
  std::string text;
  do {
    text.insert(text.begin(), "0123456789abcdef"[value & 15]);
    value >>= 4;
  } while (value != 0);
  return "0x" + text;
}

void checkBootSector(std::span<const std::byte> sector, const BootSector& boot, const Place& place,
                     Findings& findings) {
  if (boot.layout == Layout::toGo) {
    findings.warning("BITLOCKER_TO_GO", kBoot,
                     "a BitLocker To Go volume (FAT with a discovery volume in front): it can be read, but it is not "
                     "what a data center expects");
    return;
  }
  checkFixedFields(sector, boot.layout, findings);
  checkParameters(sector, boot, place, findings);
  checkFiller(sector, boot, findings);
}

void checkInnerBoot(Volume& volume, std::span<const std::byte> outerSector, Findings& findings) {
  constexpr const char* inner = "inner boot sector";
  uint32_t sectorBytes = volume.sectorBytes();
  AlignedBuffer first(sectorBytes);
  AlignedBuffer last(sectorBytes);
  Status status = volume.read(0, first.bytes());
  if (status.isOk()) status = volume.read(volume.sizeBytes() - sectorBytes, last.bytes());
  if (!status.isOk()) return findings.damage("BITLOCKER_READ", inner, status.message());

  if (std::memcmp(first.data() + 3, "NTFS    ", 8) != 0)
    return findings.damage("BITLOCKER_INNER_BOOT", inner,
                           "the decrypted volume does not begin with an NTFS boot sector");
  for (size_t offset = kParameterOffset; offset < kParameterOffset + kParameterBytes; offset++)
    if (first.bytes()[offset] != outerSector[offset])
      findings.damage("BITLOCKER_INNER_BOOT", kBoot,
                      "offset " + hexText(offset) + " has " + byteText(outerSector[offset]) +
                          ", the inner boot sector " + byteText(first.bytes()[offset]));
  uint64_t totalSectors = load64(first.data() + 0x28);
  if (totalSectors + 1 != volume.sizeBytes() / sectorBytes)
    findings.damage("BITLOCKER_INNER_BOOT", inner,
                    "the file system has " + std::to_string(totalSectors) + " sectors on a volume of " +
                        std::to_string(volume.sizeBytes() / sectorBytes));
  auto different = std::mismatch(first.bytes().begin(), first.bytes().end(), last.bytes().begin()).first;
  if (different != first.bytes().end())
    findings.damage("BITLOCKER_BACKUP_BOOT", "backup boot sector",
                    "the last sector of the volume is not the copy of the first: it differs at offset " +
                        hexText(static_cast<uint64_t>(different - first.bytes().begin())));
}

}  // namespace diskferry::bitlocker
