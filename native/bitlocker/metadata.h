// One of the three 64 KiB metadata copies, version 2: parse and encode, pure functions over bytes. A copy is the
// "information" (block header, dataset header, entries, zeros to a multiple of 16), then the validation (CRC and seal),
// then zeros. Input is hostile: every length is checked, nesting has a limit. docs/bitlocker-format.md has the layout.
// Sources of the facts: libbde's format notes, the headers of dislocker and cryptsetup (bitlk), dumps of Windows
// volumes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bitlocker/guid.h"
#include "bitlocker/volume.h"
#include "crypto/aes_ccm.h"
#include "status.h"

namespace diskferry::bitlocker {

inline constexpr std::array<char, 8> kSignature = {'-', 'F', 'V', 'E', '-', 'F', 'S', '-'};
inline constexpr size_t kBlockHeaderBytes = 64;
inline constexpr size_t kDatasetHeaderBytes = 48;
inline constexpr size_t kEntryHeaderBytes = 8;
inline constexpr size_t kValidationHeaderBytes = 8;
inline constexpr uint16_t kMetadataVersion = 2;

// States of the block header (libbde).
inline constexpr uint16_t kStateDecrypted = 1;
inline constexpr uint16_t kStateEncrypted = 4;

// What an entry is for.
namespace role {
inline constexpr uint16_t property = 0x0000;
inline constexpr uint16_t protector = 0x0002;
inline constexpr uint16_t volumeKey = 0x0003;
inline constexpr uint16_t externalKey = 0x0006;  // startup key files
inline constexpr uint16_t description = 0x0007;
inline constexpr uint16_t relocation = 0x000F;
inline constexpr uint16_t recoveryPassword =
    0x0012;                                       // inside a recovery stretch key: lets an unlocked Windows print it
inline constexpr uint16_t stretchedKey = 0x0013;  // and re-key without it
}  // namespace role

// How an entry is made.
namespace type {
inline constexpr uint16_t key = 0x0001;
inline constexpr uint16_t text = 0x0002;
inline constexpr uint16_t stretchKey = 0x0003;
inline constexpr uint16_t useKey = 0x0004;
inline constexpr uint16_t sealed = 0x0005;
inline constexpr uint16_t protector = 0x0008;
inline constexpr uint16_t externalKey = 0x0009;
inline constexpr uint16_t relocation = 0x000F;
}  // namespace type

// What kind of key a key entry holds, or a stretch key makes.
namespace key {
inline constexpr uint16_t recoveryPassword = 0x1000;
inline constexpr uint16_t passphrase = 0x1001;
inline constexpr uint16_t clear = 0x2000;
inline constexpr uint16_t external = 0x2002;
inline constexpr uint16_t master = 0x2003;
inline constexpr uint16_t informationHash = 0x2005;
inline constexpr uint16_t stretchedPassphrase = 0x2007;
inline constexpr uint16_t stretchedRecovery = 0x2008;
}  // namespace key

struct BlockHeader {
  uint32_t informationBytes = 0;  // stored in units of 16
  uint16_t version = kMetadataVersion;
  uint16_t currentState = kStateEncrypted;
  uint16_t nextState = kStateEncrypted;
  uint64_t encryptedBytes = 0;  // encrypted from the start of the volume
  uint32_t stateBytes = 0;      // conversion log
  uint32_t relocatedSectors = 0;
  std::array<uint64_t, 3> metadataOffsets{};
  uint64_t headerOffset = 0;
};

struct DatasetHeader {
  uint32_t datasetBytes = 0;  // this header and the entries, without padding
  uint32_t version = 1;
  Guid volumeGuid{};
  uint32_t nextCounter = 0;
  uint16_t method = 0;
  uint16_t methodAgain = 0;  // 0 or the method, both seen
  uint64_t created = 0;      // FILETIME
};

struct Entry {
  uint16_t role = 0;
  uint16_t type = 0;
  uint16_t version = 1;
  std::vector<std::byte> payload;  // up to the nested entries, if the type has them
  std::vector<Entry> nested;
  uint32_t offsetBytes = 0;  // from the start of the parsed bytes; not encoded
};

// An AES-CCM blob as stored: nonce (FILETIME, counter), tag, ciphertext.
struct SealedBlob {
  CcmNonce nonce;
  CcmTag tag;
  std::span<const std::byte> ciphertext;

  uint64_t time() const;
  uint32_t counter() const;
};

struct Relocation {
  uint64_t offsetBytes = 0;
  uint64_t lengthBytes = 0;
  uint64_t extraOffsetBytes = 0;  // 0 on Windows 7 volumes, which have no extended part
  uint64_t extraLengthBytes = 0;
};

struct Validation {
  uint16_t lengthBytes = 0;
  uint16_t version = kMetadataVersion;
  uint32_t crc = 0;
  Entry seal;
};

struct Metadata {
  BlockHeader block;
  DatasetHeader dataset;
  std::vector<Entry> entries;
  Validation validation;
};

// VOLUME_DAMAGED when it is no copy, VOLUME_UNSUPPORTED for the version of Windows Vista. Does not look at the CRC.
Result<BlockHeader> parseBlockHeader(std::span<const std::byte> copy);
// The part of a copy that CRC and seal cover.
std::span<const std::byte> informationOf(std::span<const std::byte> copy, const BlockHeader& block);
// VOLUME_DAMAGED when the stored CRC is not that of the information.
Status checkCrc(std::span<const std::byte> copy, const BlockHeader& block);
// A whole copy of kMetadataBytes, CRC included. Values may still make no sense; the structure is sound.
Result<Metadata> parseMetadata(std::span<const std::byte> copy);
// A sequence of entries that fills `bytes` exactly (up to 7 trailing bytes are refused, too). offsetBytes counts from
// `baseOffsetBytes`.
Result<std::vector<Entry>> parseEntries(std::span<const std::byte> bytes, uint32_t baseOffsetBytes);

// Sizes come from the entries; block.informationBytes and dataset.datasetBytes are ignored.
std::vector<std::byte> encodeInformation(const BlockHeader& block, const DatasetHeader& dataset,
                                         std::span<const Entry> entries);
// kMetadataBytes: information, CRC and seal, zeros.
std::vector<std::byte> encodeCopy(std::span<const std::byte> information, const Entry& seal);

// Nothing when the entry is of another type or too short.
std::optional<SealedBlob> sealedBlob(const Entry& entry);
std::optional<Relocation> relocationOf(const Metadata& metadata);
// The first of that role and type; null when there is none.
const Entry* findEntry(std::span<const Entry> entries, uint16_t role, uint16_t type);
// Length of an entry as stored.
size_t entryBytes(const Entry& entry);

}  // namespace diskferry::bitlocker
