// The parts of the check of a volume, one a source file. Each adds its findings and trusts nothing that an earlier one
// found wrong.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "bitlocker/boot_sector.h"
#include "bitlocker/metadata.h"
#include "bitlocker/unlock.h"
#include "finding.h"

namespace diskferry::bitlocker {

class Findings {
 public:
  void damage(const char* code, std::string structure, std::string message) {
    found_.push_back({code, Severity::damage, std::move(structure), std::move(message)});
  }
  void warning(const char* code, std::string structure, std::string message) {
    found_.push_back({code, Severity::warning, std::move(structure), std::move(message)});
  }
  std::vector<Finding> take() { return std::move(found_); }

 private:
  std::vector<Finding> found_;
};

struct CheckedCopy {
  std::string name;                  // "metadata copy 2"
  std::vector<std::byte> bytes;      // empty when it could not be read
  std::optional<Metadata> metadata;  // when it parses, CRC included
};

struct CheckedCopies {
  std::array<CheckedCopy, 3> copies;
  size_t reference = 0;  // the one that the others are compared with; its metadata is there

  const CheckedCopy& good() const { return copies[reference]; }
  const Metadata& metadata() const { return *good().metadata; }
};

// Everything of a boot sector that needs no key. `sector` is 4096 bytes from the start of the volume.
void checkBootSector(std::span<const std::byte> sector, const BootSector& boot, const Place& place, Findings& findings);
// Reads the three copies, finds one to trust, compares the others with it. Nothing when none is good.
std::optional<CheckedCopies> checkCopies(const Place& place, const BootSector& boot, Findings& findings);
// What the metadata says, against itself, the boot sector and the place.
void checkContents(const CheckedCopies& copies, const BootSector& boot, const Place& place, Findings& findings);
// With a secret: master key, seals, volume key, recovery entries. The keys, when the volume can be opened. Fails with
// KEY_* only.
Result<std::optional<Keys>> checkKeys(const CheckedCopies& copies, const Secret& secret, Findings& findings);
// The inner boot sector and its backup, through the view.
void checkInnerBoot(Volume& volume, std::span<const std::byte> outerSector, Findings& findings);

// "0x1a8".
std::string hexText(uint64_t value);

}  // namespace diskferry::bitlocker
