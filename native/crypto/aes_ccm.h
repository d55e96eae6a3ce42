// AES-256-CCM as BitLocker wraps keys: 12-byte nonce, 16-byte tag, no associated data.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "crypto/secure_memory.h"
#include "status.h"

namespace diskferry {

using CcmNonce = std::array<std::byte, 12>;
using CcmTag = std::array<std::byte, 16>;

// `ciphertext` has the length of `plaintext`.
Status aesCcmSeal(std::span<const std::byte> key32, const CcmNonce& nonce, std::span<const std::byte> plaintext,
                  std::span<std::byte> ciphertext, CcmTag& tag);
// KEY_WRONG when the tag does not fit.
Result<SecureBytes> aesCcmOpen(std::span<const std::byte> key32, const CcmNonce& nonce,
                               std::span<const std::byte> ciphertext, const CcmTag& tag);

}  // namespace diskferry
