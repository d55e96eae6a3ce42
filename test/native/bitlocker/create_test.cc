#include "bitlocker/create.h"

#include <doctest/doctest.h>

#include <array>
#include <set>

#include "bitlocker/boot_sector.h"
#include "bitlocker/metadata.h"
#include "bitlocker/unlock.h"
#include "io/memory_sectors.h"
#include "known_volume.h"

namespace diskferry::bitlocker {

using test::knownKeys;
using test::knownOptions;
using test::secret;
using test::toHex;

TEST_CASE("bitlocker: the known keys give the known metadata, byte for byte") {
  Result<std::vector<std::byte>> copy = encodeMetadata(knownOptions(), knownKeys());
  REQUIRE(copy.isOk());
  CHECK(toHex(std::span(copy.value()).first(672)) == test::kKnownInformation);
  CHECK(copy.value() == test::knownCopy());
}

TEST_CASE("bitlocker: a new volume of every method opens with its recovery password") {
  for (CipherMethod method : {CipherMethod::xts128, CipherMethod::xts256, CipherMethod::cbc128, CipherMethod::cbc256}) {
    CAPTURE(methodName(method));
    CreateOptions options = knownOptions();
    options.method = method;
    options.sectorBytes = method == CipherMethod::xts256 ? 4096 : 512;
    Result<Created> created = createMetadata(options);
    REQUIRE(created.isOk());
    Result<Metadata> metadata = parseMetadata(created.value().metadata);
    REQUIRE(metadata.isOk());
    CHECK(sectorBytesOf(metadata.value()) == options.sectorBytes);
    Secret password{SecretKind::recoveryPassword, SecureBytes(created.value().recoveryPassword.bytes())};
    Result<Keys> keys = openKeys(metadata.value(), created.value().metadata, password);
    REQUIRE(keys.isOk());
    CHECK(keys.value().method == method);
    CHECK(keys.value().volumeKey.size() == volumeKeyBytes(static_cast<uint16_t>(method)));
  }
}

TEST_CASE("bitlocker: a passphrase opens the volume as well, and another one does not") {
  CreateOptions options = knownOptions();
  options.passphrase = secret("gr\xC3\xBC\xC3\x9F Gott");
  Result<std::vector<std::byte>> copy = encodeMetadata(options, knownKeys());
  REQUIRE(copy.isOk());
  Result<Metadata> metadata = parseMetadata(copy.value());
  REQUIRE(metadata.isOk());
  auto open = [&](std::string_view passphrase) {
    return openKeys(metadata.value(), copy.value(), {SecretKind::passphrase, secret(passphrase)});
  };
  Result<Keys> keys = open("gr\xC3\xBC\xC3\x9F Gott");
  REQUIRE(keys.isOk());
  CHECK(equalConstantTime(keys.value().volumeKey.bytes(), knownKeys().volumeKey.bytes()));
  CHECK(open("wrong").status().code() == ErrorCode::KEY_WRONG);
}

TEST_CASE("bitlocker: two volumes share no key, salt, password or GUID") {
  Result<Created> one = createMetadata(knownOptions());
  Result<Created> two = createMetadata(knownOptions());
  REQUIRE(one.isOk());
  REQUIRE(two.isOk());
  CHECK(!equalConstantTime(one.value().recoveryPassword.bytes(), two.value().recoveryPassword.bytes()));
  // GUID of the volume and of the protector, salt, and the tags of the four wrapped keys.
  std::span<const std::byte> left(one.value().metadata), right(two.value().metadata);
  for (size_t offset : {0x50, 0xAC, 0xF6, 0x11A, 0x15A, 0x1AA, 0x1FA})
    CHECK(toHex(left.subspan(offset, 8)) != toHex(right.subspan(offset, 8)));
}

TEST_CASE("bitlocker: nonces are never used twice in one volume") {
  CreateOptions options = knownOptions();
  options.passphrase = secret("x");
  Result<std::vector<std::byte>> copy = encodeMetadata(options, knownKeys());
  REQUIRE(copy.isOk());
  Result<Metadata> metadata = parseMetadata(copy.value());
  REQUIRE(metadata.isOk());
  std::set<uint32_t> counters;
  size_t blobs = 0;
  auto walk = [&](auto& self, std::span<const Entry> entries) -> void {
    for (const Entry& entry : entries) {
      if (std::optional<SealedBlob> blob = sealedBlob(entry)) {
        counters.insert(blob->counter());
        blobs++;
      }
      self(self, entry.nested);
    }
  };
  walk(walk, metadata.value().entries);
  walk(walk, std::span(&metadata.value().validation.seal, 1));
  CHECK(blobs == 7);
  CHECK(counters == std::set<uint32_t>{2, 3, 4, 5, 6, 7, 8});
  CHECK(metadata.value().dataset.nextCounter == 9);
}

TEST_CASE("bitlocker: options that fit together badly are refused") {
  struct Wrong {
    const char* what;
    void (*change)(CreateOptions&);
  };
  for (Wrong wrong : {
           Wrong{"sector size", [](CreateOptions& o) { o.sectorBytes = 1024; }},
           Wrong{"volume size", [](CreateOptions& o) { o.volumeBytes += 1; }},
           Wrong{"diffuser", [](CreateOptions& o) { o.method = CipherMethod::cbc128Diffuser; }},
           Wrong{"overlap", [](CreateOptions& o) { o.regions.metadata[1] = o.regions.metadata[0] + 4096; }},
           Wrong{"header in copy", [](CreateOptions& o) { o.regions.header = o.regions.metadata[2] - 512; }},
           Wrong{"copy at the start", [](CreateOptions& o) { o.regions.metadata[0] = 4096; }},
           Wrong{"over the end", [](CreateOptions& o) { o.regions.metadata[2] = o.volumeBytes - 65536; }},
           Wrong{"far over the end", [](CreateOptions& o) { o.regions.metadata[2] = ~uint64_t{0} - 511; }},
           Wrong{"unaligned", [](CreateOptions& o) { o.regions.extra += 1; }},
           Wrong{"no extra area", [](CreateOptions& o) { o.regions.extra = 0; }},
           Wrong{"description", [](CreateOptions& o) { o.description.assign(300, 'x'); }},
       }) {
    CAPTURE(wrong.what);
    CreateOptions options = knownOptions();
    wrong.change(options);
    CHECK(createMetadata(options).status().code() == ErrorCode::DEVICE_RANGE);
  }
  CreateOptions options = knownOptions();
  options.description = "\xFF";
  CHECK(createMetadata(options).status().code() == ErrorCode::KEY_MISTYPED);
}

}  // namespace diskferry::bitlocker
