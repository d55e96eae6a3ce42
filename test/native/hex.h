// Test vectors as hexadecimal text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace diskferry {

inline std::vector<std::byte> fromHex(std::string_view text) {
  auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::vector<std::byte> bytes(text.size() / 2);
  for (size_t index = 0; index < bytes.size(); index++)
    bytes[index] = static_cast<std::byte>(digit(text[2 * index]) * 16 + digit(text[2 * index + 1]));
  return bytes;
}

inline std::string toHex(std::span<const std::byte> bytes) {
  std::string text;
  for (std::byte byte : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned>(byte) >> 4];
    text += "0123456789abcdef"[static_cast<unsigned>(byte) & 15];
  }
  return text;
}

}  // namespace diskferry
