// The 48-digit recovery password: eight groups of six digits, each a 16-bit value times eleven, so that most typing
// errors show themselves and name their group.
#pragma once

#include <cstddef>
#include <span>

#include "crypto/secure_memory.h"
#include "status.h"

namespace diskferry::bitlocker {

inline constexpr size_t kRecoveryKeyBytes = 16;
inline constexpr size_t kRecoveryPasswordBytes = 55;  // eight times six digits and seven dashes

// ASCII, groups joined by '-'.
SecureBytes recoveryPasswordText(std::span<const std::byte> key16);
// Accepts blanks, dashes (also the typographic ones) or nothing between the groups. KEY_MISTYPED names the group, 1 to
// 8, and what is wrong with it, and never repeats what was typed.
Result<SecureBytes> parseRecoveryPassword(std::span<const std::byte> text);

}  // namespace diskferry::bitlocker
