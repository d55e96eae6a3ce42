#include "hash/crc32.h"

#include <array>

namespace diskferry {

namespace {

// Reflected polynomial 0xEDB88320. Only metadata of some kilobytes is summed, so one table is fast enough.
constexpr std::array<uint32_t, 256> makeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t index = 0; index < 256; index++) {
    uint32_t value = index;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320u : 0u);
    table[index] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = makeTable();

}  // namespace

uint32_t crc32(std::span<const std::byte> data, uint32_t previous) {
  uint32_t sum = ~previous;
  for (std::byte byte : data) sum = kTable[(sum ^ static_cast<uint32_t>(byte)) & 0xff] ^ (sum >> 8);
  return ~sum;
}

}  // namespace diskferry
