// From a secret to the decrypted view: find a good metadata copy, unwrap the master key with the secret, check the seal
// over the metadata, unwrap the volume key. Slow (the key is stretched, up to a second): never on the event loop.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bitlocker/boot_sector.h"
#include "bitlocker/metadata.h"
#include "bitlocker/protectors.h"
#include "bitlocker/volume.h"
#include "crypto/secure_memory.h"
#include "sectors.h"

namespace diskferry::bitlocker {

enum class SecretKind { recoveryPassword, passphrase, startupKey, clearKey };

struct Secret {
  SecretKind kind = SecretKind::clearKey;
  SecureBytes bytes;  // recovery password as text, passphrase in UTF-8, the bytes of a .BEK file, or nothing
};

struct Keys {
  SecureBytes masterKey;
  SecureBytes volumeKey;
  CipherMethod method = CipherMethod::xts128;
  Guid protector{};  // which one the secret opened
};

// A part of a device that is, or is to be, a BitLocker volume.
struct Place {
  std::shared_ptr<Sectors> device;
  uint64_t offsetBytes = 0;
  uint64_t sizeBytes = 0;
};

// DEVICE_RANGE when the place leaves the device or is not on its sectors.
Status checkPlace(const Place& place);
// Reads any range of the place, on sectors or not.
Result<std::vector<std::byte>> readPlace(const Place& place, uint64_t offsetBytes, uint64_t lengthBytes);

// Sector size of the volume: relocated bytes by relocated sectors. 0 when that is neither 512 nor 4096.
uint32_t sectorBytesOf(const Metadata& metadata);
// The regions, all checked: inside the volume, on its sectors, disjoint. VOLUME_DAMAGED says which are not.
Result<RegionOffsets> regionsOf(const Metadata& metadata, uint64_t volumeBytes);
// `endBytes`: the regions end there at the latest. A new volume keeps its last sector free, which is the file system's
// backup boot sector.
Status checkRegions(const RegionOffsets& regions, uint32_t sectorBytes, uint64_t endBytes);

// KEY_MISTYPED, KEY_WRONG, KEY_NOT_APPLICABLE (no protector of that kind), VOLUME_DAMAGED (the seal or a key entry).
// `copy` is what `metadata` was parsed from.
Result<Keys> openKeys(const Metadata& metadata, std::span<const std::byte> copy, const Secret& secret);
// The two halves of openKeys around the seal. `protector` becomes the one that the secret opened.
Result<SecureBytes> openMasterKey(const Metadata& metadata, const Secret& secret, Guid& protector);
// Fills in method and volume key; the master key is there. VOLUME_UNSUPPORTED or VOLUME_DAMAGED.
Status openVolumeKey(const Metadata& metadata, Keys& keys);
// VOLUME_DAMAGED when the seal is not one of this information under this master key.
Status checkSeal(std::span<const std::byte> masterKey, const Metadata& metadata, std::span<const std::byte> copy);

// VOLUME_CONVERTING while Windows encrypts or decrypts, VOLUME_NOT_BITLOCKER for a volume that is decrypted.
Status checkFinished(Layout layout, const BlockHeader& block);

// The volume on the device. Uses the first good copy of the three. VOLUME_NOT_BITLOCKER, VOLUME_UNSUPPORTED (Vista),
// VOLUME_CONVERTING, VOLUME_DAMAGED, or as openKeys.
Result<std::shared_ptr<Volume>> unlockVolume(const Place& place, const Secret& secret);
// A volume whose metadata (as made by createMetadata) is not on the device yet.
Result<std::shared_ptr<Volume>> attachVolume(const Place& place, std::span<const std::byte> copy, const Secret& secret);
// The view, once the keys are there.
Result<std::shared_ptr<Volume>> makeVolume(const Place& place, const Metadata& metadata, const Keys& keys);

}  // namespace diskferry::bitlocker
