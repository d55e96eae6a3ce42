#include "bitlocker/guid.h"

#include "crypto/secure_memory.h"

namespace diskferry::bitlocker {

std::string guidText(const Guid& guid) {
  constexpr std::array<int, 16> order = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (size_t index = 0; index < order.size(); index++) {
    if (index == 4 || index == 6 || index == 8 || index == 10) text += '-';
    auto value = std::to_integer<unsigned>(guid[static_cast<size_t>(order[index])]);
    text += digits[value >> 4];
    text += digits[value & 15];
  }
  return text;
}

Result<Guid> randomGuid() {
  Guid guid{};
  DISKFERRY_TRY(fillRandom(guid));
  guid[7] = (guid[7] & std::byte{0x0f}) | std::byte{0x40};
  guid[8] = (guid[8] & std::byte{0x3f}) | std::byte{0x80};
  return guid;
}

}  // namespace diskferry::bitlocker
