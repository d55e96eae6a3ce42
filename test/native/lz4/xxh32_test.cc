// XXH32 against the values that its specification and the xxhsum program give.
#include "lz4/xxh32.h"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

namespace diskferry::lz4 {

namespace {

uint32_t of(std::string_view text, uint32_t seed = 0) { return xxh32(std::as_bytes(std::span(text)), seed); }

}  // namespace

TEST_CASE("XXH32 gives the known values") {
  CHECK(of("") == 0x02CC5D05);
  CHECK(of("", 0x9E3779B1) == 0x36B78AE7);
  CHECK(of("a") == 0x550D7456);
  CHECK(of("abc") == 0x32D153FF);
  CHECK(of("Nobody inspects the spammish repetition") == 0xE2293B2F);
}

TEST_CASE("XXH32 gives the known values of the specification's test bytes") {
  // The generator of the reference implementation: the high byte of a product chain.
  std::vector<std::byte> bytes(101);
  uint32_t generator = 2654435761u;
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(generator >> 24);
    generator *= generator;
  }
  CHECK(xxh32(std::span(bytes).first(1)) == 0xB85CBEE5);
  CHECK(xxh32(std::span(bytes).first(1), 2654435761u) == 0xD5845D64);
  CHECK(xxh32(std::span(bytes).first(14)) == 0xE5AA0AB4);
  CHECK(xxh32(bytes) == 0x1F1AA412);
  CHECK(xxh32(bytes, 2654435761u) == 0x498EC8E2);
}

}  // namespace diskferry::lz4
