#include "crypto/secure_memory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

using namespace diskferry;

namespace {

bool allZero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

// The flags that the kernel shows for the mapping of an address, or nothing.
std::string mappingFlags(const void* address) {
  auto wanted = reinterpret_cast<uintptr_t>(address);
  std::ifstream maps("/proc/self/smaps");
  bool inMapping = false;
  for (std::string line; std::getline(maps, line);) {
    size_t dash = line.find('-');
    if (dash != std::string::npos && dash <= 16 && line.find_first_not_of("0123456789abcdef") == dash) {
      uintptr_t from = std::stoull(line.substr(0, dash), nullptr, 16);
      uintptr_t to = std::stoull(line.substr(dash + 1), nullptr, 16);
      inMapping = wanted >= from && wanted < to;
    } else if (inMapping && line.starts_with("VmFlags:")) {
      return line.substr(8) + " ";
    }
  }
  return "";
}

}  // namespace

TEST_CASE("crypto: wipe clears a buffer and accepts an empty one") {
  std::vector<std::byte> bytes(1000, std::byte{7});
  wipe(std::span(bytes).subspan(1, 998));
  CHECK(bytes.front() == std::byte{7});
  CHECK(bytes.back() == std::byte{7});
  CHECK(allZero(std::span(bytes).subspan(1, 998)));
  wipe({});
}

TEST_CASE("crypto: constant-time comparison sees a change of any byte, and of length") {
  std::vector<std::byte> left(33, std::byte{1}), right(33, std::byte{1});
  CHECK(equalConstantTime(left, right));
  CHECK(equalConstantTime({}, {}));
  CHECK_FALSE(equalConstantTime(left, std::span(right).first(32)));
  for (std::byte& byte : right) {
    byte ^= std::byte{0x80};
    CHECK_FALSE(equalConstantTime(left, right));
    byte ^= std::byte{0x80};
  }
}

TEST_CASE("crypto: random bytes differ from call to call and fill more than one request of the kernel") {
  std::vector<std::byte> first(100'000), second(100'000);
  REQUIRE(fillRandom(first).isOk());
  REQUIRE(fillRandom(second).isOk());
  CHECK(first != second);
  CHECK_FALSE(allZero(std::span(first).last(16)));
  CHECK(fillRandom({}).isOk());
}

TEST_CASE("crypto: secure bytes start cleared, hold a copy, and move without a copy left behind") {
  CHECK(SecureBytes().size() == 0);
  CHECK(SecureBytes(0).bytes().empty());
  SecureBytes cleared(5000);
  CHECK(cleared.size() == 5000);
  CHECK(allZero(cleared.bytes()));

  std::vector<std::byte> key(32, std::byte{9});
  SecureBytes copy{std::span<const std::byte>(key)};
  CHECK(std::ranges::equal(copy.bytes(), key));
  const std::byte* address = copy.bytes().data();
  SecureBytes moved(std::move(copy));
  CHECK(moved.bytes().data() == address);
  CHECK(copy.size() == 0);
  cleared = std::move(moved);
  CHECK(cleared.bytes().data() == address);
  CHECK(moved.size() == 0);
  SecureBytes& self = cleared;
  cleared = std::move(self);
  CHECK(std::ranges::equal(cleared.bytes(), key));
}

TEST_CASE("crypto: secure bytes are left out of core dumps") {
  SecureBytes key(32);
  std::string flags = mappingFlags(key.bytes().data());
  if (flags.empty()) {
    MESSAGE("skipped: the kernel shows no VmFlags in /proc/self/smaps");
    return;
  }
  CAPTURE(flags);
  CHECK(flags.find(" dd ") != std::string::npos);
}
