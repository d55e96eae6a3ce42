// BitLocker's key stretching: 2^20 chained SHA-256 rounds, 0.1 to 1 s of one core. Never on the event loop.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "crypto/secure_memory.h"

namespace diskferry {

inline constexpr uint64_t kStretchRounds = 0x100000;

// `input32`: SHA-256 of the recovery key, or SHA-256 twice of the passphrase in UTF-16LE. Returns 32 bytes.
SecureBytes stretchKey(std::span<const std::byte> input32, std::span<const std::byte> salt16);

}  // namespace diskferry
