// Memory for keys: wiped when freed, locked in RAM and left out of core dumps where the system lets it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "status.h"

namespace diskferry {

// Overwrites in a way the compiler does not remove.
void wipe(std::span<std::byte> memory);
// Compares in constant time. False when the lengths differ.
bool equalConstantTime(std::span<const std::byte> left, std::span<const std::byte> right);
// From the kernel (getrandom).
Status fillRandom(std::span<std::byte> into);

class SecureBytes {
 public:
  SecureBytes() = default;
  explicit SecureBytes(size_t lengthBytes);
  explicit SecureBytes(std::span<const std::byte> copyOf);
  ~SecureBytes();
  SecureBytes(SecureBytes&& other) noexcept;
  SecureBytes& operator=(SecureBytes&& other) noexcept;
  SecureBytes(const SecureBytes&) = delete;
  SecureBytes& operator=(const SecureBytes&) = delete;

  std::span<std::byte> bytes() { return {data_, length_}; }
  std::span<const std::byte> bytes() const { return {data_, length_}; }
  size_t size() const { return length_; }

 private:
  std::byte* data_ = nullptr;
  size_t length_ = 0;
  size_t mappedBytes_ = 0;
};

}  // namespace diskferry
