// Metadata of a new volume: the same entries, in the same order and sizes, that Windows writes for a volume with a
// recovery password. Nothing is written to a device here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bitlocker/guid.h"
#include "bitlocker/volume.h"
#include "crypto/sector_cipher.h"
#include "crypto/secure_memory.h"
#include "status.h"

namespace diskferry::bitlocker {

struct CreateOptions {
  uint64_t volumeBytes = 0;
  uint32_t sectorBytes = 512;
  CipherMethod method = CipherMethod::xts128;  // not one with a diffuser
  RegionOffsets regions{};
  std::string description;                // UTF-8; Windows writes "HOST LABEL M/D/YYYY"
  uint64_t createdTime = 0;               // FILETIME
  std::optional<SecureBytes> passphrase;  // UTF-8; adds a passphrase protector
};

struct Created {
  std::vector<std::byte> metadata;  // kMetadataBytes, holds no plain key
  SecureBytes recoveryPassword;     // ASCII
};

// Everything random about a volume. The keys never leave SecureBytes.
struct KeyMaterial {
  Guid volumeGuid{};
  Guid recoveryGuid{};
  Guid passphraseGuid{};
  SecureBytes recoveryKey;  // 16 bytes
  SecureBytes masterKey;    // 32 bytes
  SecureBytes volumeKey;    // as long as the method wants
  std::array<std::byte, 16> recoverySalt{};
  std::array<std::byte, 16> passphraseSalt{};
  uint64_t keyTime = 0;   // FILETIME of the wrapped keys
  uint64_t sealTime = 0;  // FILETIME of the seal
};

// With fresh random keys. Stretches one key (two with a passphrase): up to a second each. DEVICE_RANGE when the regions
// or sizes do not fit together, KEY_MISTYPED for a passphrase or description that is not UTF-8.
Result<Created> createMetadata(const CreateOptions& options);
// The same with given keys: pure, for tests against known volumes.
Result<std::vector<std::byte>> encodeMetadata(const CreateOptions& options, const KeyMaterial& keys);

}  // namespace diskferry::bitlocker
