// The protectors of a volume: each one wraps the volume master key under something that a person or a machine has.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "bitlocker/metadata.h"
#include "crypto/secure_memory.h"
#include "status.h"

namespace diskferry::bitlocker {

enum class ProtectorKind { clearKey, tpm, startupKey, recoveryPassword, passphrase, certificate, other };
std::string_view protectorKindName(ProtectorKind kind);  // "recovery-password", "clear-key", ...

struct Protector {
  ProtectorKind kind;
  uint16_t protection;  // as stored
  Guid identifier;
  uint64_t changed;    // FILETIME
  const Entry* entry;  // in the metadata it was listed from
};

// In stored order.
std::vector<Protector> listProtectors(const Metadata& metadata);
// The blob with the master key; null when there is none.
const Entry* masterKeyBlob(const Protector& protector);

// The key that a secret is stretched to; 0.1 to 1 s. `input` is the 16 bytes of a recovery password (keyType
// key::recoveryPassword) or the passphrase in UTF-16LE (key::passphrase).
SecureBytes stretchSecret(uint16_t keyType, std::span<const std::byte> input, std::span<const std::byte> salt16);
// The same with the salt of a protector. VOLUME_DAMAGED when it has none of that type.
Result<SecureBytes> stretchFor(const Protector& protector, uint16_t keyType, std::span<const std::byte> input);

// A startup key (.BEK) file: whose key it is, and the 32 bytes.
struct StartupKey {
  Guid protector;
  SecureBytes key;
};
// KEY_MISTYPED when the bytes are no startup key file.
Result<StartupKey> parseStartupKey(std::span<const std::byte> file);

}  // namespace diskferry::bitlocker
