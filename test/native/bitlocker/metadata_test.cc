#include "bitlocker/metadata.h"

#include <doctest/doctest.h>

#include "bitlocker/protectors.h"
#include "bitlocker/unlock.h"
#include "crypto/sha256.h"
#include "hash/crc32.h"
#include "known_volume.h"
#include "little_endian.h"
#include "xorshift.h"

namespace diskferry::bitlocker {

namespace {

using test::fromHex;
using test::knownCopy;
using test::secret;
using test::toHex;
using test::Xorshift;

void repairCrc(std::vector<std::byte>& copy) {
  Result<BlockHeader> block = parseBlockHeader(copy);
  if (block.isOk())
    store32(copy.data() + block.value().informationBytes + 4, crc32(informationOf(copy, block.value())));
}

}  // namespace

TEST_CASE("bitlocker: the metadata of a known volume parses to its values") {
  std::vector<std::byte> copy = knownCopy();
  Result<Metadata> parsed = parseMetadata(copy);
  REQUIRE(parsed.isOk());
  const Metadata& metadata = parsed.value();
  CHECK(metadata.block.informationBytes == 672);
  CHECK(metadata.block.encryptedBytes == test::kKnownBytes);
  CHECK(metadata.block.relocatedSectors == 16);
  CHECK(metadata.dataset.nextCounter == 7);
  CHECK(metadata.dataset.method == 0x8004);
  CHECK(guidText(metadata.dataset.volumeGuid) == "09fa4b98-2d54-4559-9f81-a8c5100c9230");
  CHECK(metadata.validation.crc == 0x8efc574f);
  CHECK(metadata.entries.size() == 4);
  CHECK(toHex(sha256(informationOf(copy, metadata.block))) ==
        "c71ff9784257b0b68384e873ece356653e00c17e3ff8a17669f0b77f9960360a");
  std::vector<Protector> protectors = listProtectors(metadata);
  REQUIRE(protectors.size() == 1);
  CHECK(protectors[0].kind == ProtectorKind::recoveryPassword);
  Result<RegionOffsets> regions = regionsOf(metadata, test::kKnownBytes);
  REQUIRE(regions.isOk());
  CHECK(regions.value().metadata == test::knownRegions().metadata);
  CHECK(regions.value().header == test::knownRegions().header);
  CHECK(regions.value().extra == test::knownRegions().extra);
}

TEST_CASE("bitlocker: what was parsed encodes to the same bytes") {
  std::vector<std::byte> copy = knownCopy();
  Result<Metadata> parsed = parseMetadata(copy);
  REQUIRE(parsed.isOk());
  const Metadata& metadata = parsed.value();
  std::vector<std::byte> information = encodeInformation(metadata.block, metadata.dataset, metadata.entries);
  CHECK(toHex(information) == test::kKnownInformation);
  CHECK(encodeCopy(information, metadata.validation.seal) == copy);
}

TEST_CASE("bitlocker: the known volume opens with its recovery password and holds the known keys") {
  std::vector<std::byte> copy = knownCopy();
  Result<Metadata> parsed = parseMetadata(copy);
  REQUIRE(parsed.isOk());
  Result<Keys> keys = openKeys(parsed.value(), copy, {SecretKind::recoveryPassword, secret(test::kKnownPassword)});
  REQUIRE(keys.isOk());
  CHECK(toHex(keys.value().masterKey.bytes()) == toHex(test::knownKeys().masterKey.bytes()));
  CHECK(toHex(keys.value().volumeKey.bytes()) == toHex(test::knownKeys().volumeKey.bytes()));
  CHECK(keys.value().method == CipherMethod::xts128);
}

TEST_CASE("bitlocker: keys that do not fit are told apart") {
  std::vector<std::byte> copy = knownCopy();
  Result<Metadata> parsed = parseMetadata(copy);
  REQUIRE(parsed.isOk());
  auto codeFor = [&](SecretKind kind, std::string_view text) {
    return openKeys(parsed.value(), copy, {kind, secret(text)}).status().code();
  };
  CHECK(codeFor(SecretKind::recoveryPassword, "235818-357951-253979-013365-241120-245575-342914-591910") ==
        ErrorCode::KEY_WRONG);
  CHECK(codeFor(SecretKind::recoveryPassword, "1") == ErrorCode::KEY_MISTYPED);
  CHECK(codeFor(SecretKind::passphrase, "anaconda") == ErrorCode::KEY_NOT_APPLICABLE);
  CHECK(codeFor(SecretKind::passphrase, "\xFF") == ErrorCode::KEY_MISTYPED);
  CHECK(codeFor(SecretKind::clearKey, "") == ErrorCode::KEY_NOT_APPLICABLE);
  CHECK(codeFor(SecretKind::startupKey, "not a key file") == ErrorCode::KEY_MISTYPED);
}

TEST_CASE("bitlocker: an edit whose CRC was repaired is refused by the seal") {
  std::vector<std::byte> copy = knownCopy();
  copy[0x50] ^= std::byte{1};  // the volume GUID, which nothing else covers
  CHECK(parseMetadata(copy).status().code() == ErrorCode::VOLUME_DAMAGED);
  repairCrc(copy);
  Result<Metadata> parsed = parseMetadata(copy);
  REQUIRE(parsed.isOk());
  Result<Keys> keys = openKeys(parsed.value(), copy, {SecretKind::recoveryPassword, secret(test::kKnownPassword)});
  REQUIRE(!keys.isOk());
  CHECK(keys.status().code() == ErrorCode::VOLUME_DAMAGED);
}

TEST_CASE("bitlocker: metadata of Windows Vista is unsupported, and other versions are damage") {
  std::vector<std::byte> copy = knownCopy();
  store16(copy.data() + 0x0A, uint16_t{1});
  CHECK(parseMetadata(copy).status().code() == ErrorCode::VOLUME_UNSUPPORTED);
  store16(copy.data() + 0x0A, uint16_t{3});
  CHECK(parseMetadata(copy).status().code() == ErrorCode::VOLUME_DAMAGED);
  CHECK(parseMetadata(std::span(copy).first(1000)).status().code() == ErrorCode::VOLUME_DAMAGED);
}

TEST_CASE("bitlocker: entries nested without end are refused") {
  // Every protector holds nothing but another one, as deep as 64 KiB allow.
  Entry entry{role::protector, type::protector, 1, std::vector<std::byte>(28), {}, 0};
  for (int depth = 0; depth < 1000; depth++) {
    Entry outer{role::protector, type::protector, 1, std::vector<std::byte>(28), {}, 0};
    outer.nested.push_back(std::move(entry));
    entry = std::move(outer);
  }
  std::vector<Entry> entries;
  entries.push_back(std::move(entry));
  std::vector<std::byte> copy =
      encodeCopy(encodeInformation({}, {}, entries), Entry{0, type::sealed, 1, std::vector<std::byte>(72), {}, 0});
  Result<Metadata> parsed = parseMetadata(copy);
  REQUIRE(!parsed.isOk());
  CHECK(parsed.status().message().find("too deep") != std::string::npos);
}

TEST_CASE("bitlocker: mutated metadata gives an error or a value, never a crash") {
  // Method: change 1 to 8 bytes, mostly where lengths and types are, repair the CRC in half of the cases so that the
  // walk behind it is reached, and use everything that a reader would use without stretching a key.
  const std::vector<std::byte> good = knownCopy();
  Xorshift random(0x9E3779B97F4A7C15);
  size_t parsedCount = 0;
  for (int round = 0; round < 20000; round++) {
    std::vector<std::byte> copy = good;
    for (uint64_t change = random.below(8) + 1; change > 0; change--) {
      size_t place = random.below(random.below(4) == 0 ? copy.size() : 672 + 96);
      copy[place] = random.below(3) == 0 ? std::byte{0xFF} : static_cast<std::byte>(random.below(256));
    }
    if (round % 2 == 0) repairCrc(copy);
    Result<Metadata> parsed = parseMetadata(copy);
    if (!parsed.isOk()) continue;
    parsedCount++;
    const Metadata& metadata = parsed.value();
    for (const Protector& protector : listProtectors(metadata)) (void)masterKeyBlob(protector);
    (void)regionsOf(metadata, test::kKnownBytes).isOk();
    (void)openKeys(metadata, copy, {SecretKind::clearKey, {}}).isOk();
    (void)checkSeal(test::knownKeys().masterKey.bytes(), metadata, copy).isOk();
    std::vector<std::byte> information = encodeInformation(metadata.block, metadata.dataset, metadata.entries);
    CHECK(information.size() <= metadata.block.informationBytes);
  }
  CHECK(parsedCount > 1000);
  CHECK(parsedCount < 12000);
}

}  // namespace diskferry::bitlocker
