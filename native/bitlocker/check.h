// Checks a BitLocker volume down to the byte, without trusting anything: boot sector, the three metadata copies, their
// contents, and with a secret also the seal, every wrapped key and the file system's two boot sectors. What lies below
// in NTFS is not looked at. The codes of the findings are listed in docs/bitlocker-format.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bitlocker/unlock.h"
#include "bitlocker/volume.h"
#include "finding.h"
#include "status.h"

namespace diskferry::bitlocker {

struct ProtectorInfo {
  std::string kind;        // "recovery-password", ...
  std::string identifier;  // GUID
};

struct VolumeInfo {
  std::string layout;  // "fixed", "to-go", "encrypt-on-write"
  std::string state;   // "encrypted", "decrypted", "converting"
  std::string method;  // "xts-128", ...; "unknown"
  uint32_t sectorBytes = 0;
  uint64_t encryptedBytes = 0;
  std::string volumeGuid;
  std::string description;
  uint64_t createdTime = 0;  // FILETIME
  std::vector<ProtectorInfo> protectors;
  RegionOffsets regions{};
};

struct CheckReport {
  std::vector<Finding> findings;
  std::optional<VolumeInfo> info;  // when at least one metadata copy is good
  std::shared_ptr<Volume> volume;  // when a secret was given and opened it
};

// Whatever is wrong with the volume is a finding. Fails only for what the caller can change: KEY_MISTYPED, KEY_WRONG,
// KEY_NOT_APPLICABLE, DEVICE_RANGE, and DEVICE_READ_FAILED for the first sector. `secret` may be null.
Result<CheckReport> checkVolume(const Place& place, const Secret* secret);

}  // namespace diskferry::bitlocker
