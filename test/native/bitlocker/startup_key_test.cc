// Startup keys: no published Windows volume comes with its key file, so both are built here the way Windows lays them
// out: the protector holds the key's name, the external key wrapped under the master key, and the master key wrapped
// under the external key.
#include <doctest/doctest.h>

#include <cstring>

#include "bitlocker/create.h"
#include "bitlocker/unlock.h"
#include "bitlocker/wrapped_key.h"
#include "crypto/sha256.h"
#include "known_volume.h"
#include "little_endian.h"
#include "xorshift.h"

namespace diskferry::bitlocker {

namespace {

using test::fromHex;

Guid protectorGuid() {
  Guid guid{};
  std::vector<std::byte> bytes = fromHex("59f781436cbc99a34ade61fc33a831bd");
  std::copy(bytes.begin(), bytes.end(), guid.begin());
  return guid;
}

std::vector<std::byte> externalKey() { return std::vector<std::byte>(32, std::byte{0x5A}); }

Entry nameEntry() {
  return Entry{0, type::text, 1, fromHex("450078007400650072006e0061006c004b00650079000000"), {}, 0};
}

// 156 bytes as of Windows 7 to 10, 180 with the volume's GUID as of Windows 11.
std::vector<std::byte> keyFile(bool hasVolumeGuid) {
  std::vector<std::byte> key = fromHex("02200000");
  std::vector<std::byte> external = externalKey();
  key.insert(key.end(), external.begin(), external.end());
  std::vector<std::byte> fixed(24);
  std::memcpy(fixed.data(), protectorGuid().data(), 16);
  Entry entry{role::externalKey, type::externalKey, 1, fixed, {nameEntry()}, 0};
  if (hasVolumeGuid) entry.nested.push_back(Entry{0x19, 0x17, 1, std::vector<std::byte>(16), {}, 0});
  entry.nested.push_back(Entry{0, type::key, 1, key, {}, 0});
  std::vector<std::byte> information = encodeInformation({}, {}, std::span(&entry, 1));
  uint32_t length = load32(information.data() + kBlockHeaderBytes);
  return std::vector<std::byte>(information.begin() + kBlockHeaderBytes,
                                information.begin() + kBlockHeaderBytes + length);
}

// The known volume with one more protector, sealed again.
std::vector<std::byte> copyWithStartupKey() {
  Result<Metadata> parsed = parseMetadata(test::knownCopy());
  REQUIRE(parsed.isOk());
  KeyMaterial keys = test::knownKeys();
  Entry protector{role::protector, type::protector, 1, std::vector<std::byte>(28), {nameEntry()}, 0};
  std::memcpy(protector.payload.data(), protectorGuid().data(), 16);
  store16(protector.payload.data() + 26, uint16_t{0x0200});
  Entry useKey{0, type::useKey, 1, fromHex("02200000"), {}, 0};
  std::vector<std::byte> external = externalKey();
  Result<Entry> kept = wrapKey(keys.masterKey.bytes(), makeNonce(1, 7), 0, key::external, external);
  Result<Entry> master = wrapKey(external, makeNonce(1, 8), 0, key::master, keys.masterKey.bytes());
  REQUIRE(kept.isOk());
  REQUIRE(master.isOk());
  useKey.nested.push_back(kept.take());
  protector.nested.push_back(std::move(useKey));
  protector.nested.push_back(master.take());
  Metadata& metadata = parsed.value();
  metadata.entries.push_back(std::move(protector));
  metadata.dataset.nextCounter = 10;
  std::vector<std::byte> information = encodeInformation(metadata.block, metadata.dataset, metadata.entries);
  Result<Entry> seal = wrapKey(keys.masterKey.bytes(), makeNonce(1, 9), 0, key::informationHash, sha256(information));
  REQUIRE(seal.isOk());
  return encodeCopy(information, seal.value());
}

}  // namespace

TEST_CASE("bitlocker: a startup key file opens the volume whose protector it names") {
  std::vector<std::byte> copy = copyWithStartupKey();
  Result<Metadata> metadata = parseMetadata(copy);
  REQUIRE(metadata.isOk());
  for (bool hasVolumeGuid : {false, true}) {
    std::vector<std::byte> file = keyFile(hasVolumeGuid);
    CHECK(file.size() == (hasVolumeGuid ? 180 : 156));
    Result<Keys> keys =
        openKeys(metadata.value(), copy, {SecretKind::startupKey, SecureBytes(std::span<const std::byte>(file))});
    REQUIRE(keys.isOk());
    CHECK(equalConstantTime(keys.value().volumeKey.bytes(), test::knownKeys().volumeKey.bytes()));
    CHECK(keys.value().protector == protectorGuid());
  }
  // The key of another protector, and a file with a changed key.
  for (size_t offset : {size_t{48 + 8}, size_t{155}}) {
    std::vector<std::byte> file = keyFile(false);
    file[offset] ^= std::byte{1};
    CHECK(openKeys(metadata.value(), copy, {SecretKind::startupKey, SecureBytes(std::span<const std::byte>(file))})
              .status()
              .code() == ErrorCode::KEY_WRONG);
  }
  CHECK(openKeys(metadata.value(), copy, {SecretKind::recoveryPassword, test::secret(test::kKnownPassword)}).isOk());
}

TEST_CASE("bitlocker: mutated startup key files are refused or read, never a crash") {
  const std::vector<std::byte> good = keyFile(true);
  test::Xorshift random(42);
  size_t refused = 0;
  for (int round = 0; round < 5000; round++) {
    std::vector<std::byte> file = good;
    for (uint64_t change = random.below(4) + 1; change > 0; change--)
      file[random.below(file.size())] = static_cast<std::byte>(random.below(256));
    if (random.below(8) == 0) file.resize(random.below(file.size()));
    Result<StartupKey> result = parseStartupKey(file);
    if (result.isOk()) continue;
    refused++;
    CHECK(result.status().code() == ErrorCode::KEY_MISTYPED);
  }
  CHECK(refused > 1000);
}

}  // namespace diskferry::bitlocker
