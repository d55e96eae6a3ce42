#include "hash/crc_small.h"

#include <array>

#include "little_endian.h"

namespace diskferry {

namespace {

// Eight tables, so that eight bytes are taken at a time: the bitmaps of a large volume are some hundred megabytes.
constexpr std::array<std::array<uint32_t, 256>, 8> makeTables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t index = 0; index < 256; index++) {
    uint32_t value = index;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78u : 0u);
    tables[0][index] = value;
  }
  for (size_t slice = 1; slice < 8; slice++)
    for (uint32_t index = 0; index < 256; index++) {
      uint32_t before = tables[slice - 1][index];
      tables[slice][index] = (before >> 8) ^ tables[0][before & 0xff];
    }
  return tables;
}
constexpr std::array<std::array<uint32_t, 256>, 8> kTables = makeTables();

}  // namespace

uint32_t crc32c(std::span<const std::byte> data, uint32_t previous) {
  uint32_t sum = previous;
  for (; data.size() >= 8; data = data.subspan(8)) {
    uint32_t low = load32(data.data()) ^ sum;
    uint32_t high = load32(data.data() + 4);
    sum = kTables[7][low & 0xff] ^ kTables[6][low >> 8 & 0xff] ^ kTables[5][low >> 16 & 0xff] ^ kTables[4][low >> 24] ^
          kTables[3][high & 0xff] ^ kTables[2][high >> 8 & 0xff] ^ kTables[1][high >> 16 & 0xff] ^
          kTables[0][high >> 24];
  }
  for (std::byte byte : data) sum = kTables[0][(sum ^ static_cast<uint32_t>(byte)) & 0xff] ^ (sum >> 8);
  return sum;
}

uint16_t crc16(std::span<const std::byte> data, uint16_t previous) {
  uint32_t sum = previous;
  for (std::byte byte : data) {
    sum ^= static_cast<uint32_t>(byte);
    for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xA001u : 0u);
  }
  return static_cast<uint16_t>(sum);
}

}  // namespace diskferry
