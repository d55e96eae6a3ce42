#include "hash/crc32.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string_view>

#include "hex.h"

using namespace diskferry;

namespace {

uint32_t crcOf(std::string_view text, uint32_t previous = 0) {
  return crc32(std::as_bytes(std::span(text.data(), text.size())), previous);
}

}  // namespace

TEST_CASE("hash: CRC-32 gives the published values") {
  CHECK(crcOf("") == 0);
  CHECK(crcOf("123456789") == 0xcbf43926u);  // the check value of CRC-32/ISO-HDLC
  CHECK(crcOf("a") == 0xe8b7be43u);
  CHECK(crcOf("The quick brown fox jumps over the lazy dog") == 0x414fa339u);
  std::vector<std::byte> zeros(32), ones(32, std::byte{0xff});
  CHECK(crc32(zeros) == 0x190a55adu);  // zlib.crc32 of the same bytes
  CHECK(crc32(ones) == 0xff6cab0bu);
}

TEST_CASE("hash: CRC-32 of parts continues to the value of the whole") {
  std::string_view text = "The quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut <= text.size(); cut++)
    CHECK(crcOf(text.substr(cut), crcOf(text.substr(0, cut))) == 0x414fa339u);
}
