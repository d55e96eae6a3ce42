// Passphrases and labels: UTF-8 outside, UTF-16LE in the metadata.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "crypto/secure_memory.h"

namespace diskferry::bitlocker {

// Without a terminator. Nothing when the input is not valid UTF-8.
std::optional<SecureBytes> utf16FromUtf8(std::span<const std::byte> utf8);
// Stops at a NUL; a lone surrogate becomes U+FFFD.
std::string utf8FromUtf16(std::span<const std::byte> utf16);

}  // namespace diskferry::bitlocker
