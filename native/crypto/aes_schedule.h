// Expanded AES keys for the paths that use AES instructions directly. Internal to native/crypto, x86-64 only; create
// one only after hasAesInstructions().
#pragma once

#include <cstddef>
#include <span>

#include "crypto/secure_memory.h"

namespace diskferry {

inline constexpr size_t kAesBlockBytes = 16;

bool hasAesInstructions();      // AES-NI, PCLMULQDQ and AVX
bool hasWideAesInstructions();  // VAES and VPCLMULQDQ on AVX-512

// Immutable, wiped when freed.
class AesSchedule {
 public:
  // 16 or 32 bytes.
  explicit AesSchedule(std::span<const std::byte> key);

  int rounds() const { return rounds_; }  // 10 or 14
  // rounds() + 1 round keys, aligned for vector loads; `decryptKeys` in the order and form that AESDEC wants.
  const std::byte* encryptKeys() const { return keys_.bytes().data(); }
  const std::byte* decryptKeys() const { return keys_.bytes().data() + kRoundKeysMax * kAesBlockBytes; }

 private:
  static constexpr size_t kRoundKeysMax = 15;

  int rounds_;
  SecureBytes keys_;
};

}  // namespace diskferry
