// Keys that lie in the metadata wrapped in AES-CCM under another key: the plaintext is one complete key entry.
#pragma once

#include <cstdint>
#include <span>

#include "bitlocker/metadata.h"
#include "crypto/secure_memory.h"
#include "status.h"

namespace diskferry::bitlocker {

// Length of the plaintext of a key of that many bytes.
inline constexpr size_t wrappedBytes(size_t keyBytes) { return kEntryHeaderBytes + 4 + keyBytes; }

// The nonce of a blob. (time, counter) must never repeat under one key.
CcmNonce makeNonce(uint64_t time, uint32_t counter);
// A sealed entry with the given role; `key` is wrapped under `wrappingKey` (32 bytes).
Result<Entry> wrapKey(std::span<const std::byte> wrappingKey, const CcmNonce& nonce, uint16_t entryRole,
                      uint16_t keyType, std::span<const std::byte> key);
// KEY_WRONG when the tag does not fit; VOLUME_DAMAGED when what comes out is not a key of that type and length.
Result<SecureBytes> unwrapKey(std::span<const std::byte> wrappingKey, const Entry& sealed, uint16_t keyType,
                              size_t keyBytes);

}  // namespace diskferry::bitlocker
