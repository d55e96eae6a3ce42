#include "bitlocker/check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "bitlocker/check_parts.h"
#include "bitlocker/commit.h"
#include "hash/crc32.h"
#include "io/memory_sectors.h"
#include "known_volume.h"
#include "little_endian.h"
#include "xorshift.h"

namespace diskferry::bitlocker {

namespace {

using test::fromHex;
using test::knownCopy;
using test::secret;

constexpr uint64_t kStart = 1 << 20;
constexpr size_t kUsedBytes = 672 + 88;  // information and validation of the known copy

std::shared_ptr<Volume> volumeOf(const Place& place) {
  Result<Metadata> metadata = parseMetadata(knownCopy());
  REQUIRE(metadata.isOk());
  Keys keys;
  keys.volumeKey = std::move(test::knownKeys().volumeKey);
  Result<std::shared_ptr<Volume>> volume = makeVolume(place, metadata.value(), keys);
  REQUIRE(volume.isOk());
  return volume.take();
}

// The known volume, committed, with a boot sector of NTFS at both ends.
struct Drive {
  Drive() {
    std::shared_ptr<Volume> volume = volumeOf(place);
    std::vector<std::byte> inner =
        fromHex("eb52904e5446532020202000020800000000000000f800003f00ff00000800000000000080008000");
    inner.resize(512);
    store64(inner.data() + 0x28, test::kKnownBytes / 512 - 1);
    REQUIRE(volume->write(0, inner).isOk());
    REQUIRE(volume->write(test::kKnownBytes - 512, inner).isOk());
    REQUIRE(commitMetadata(*volume, knownCopy()).isOk());
  }

  std::byte& at(uint64_t offsetBytes) { return device->bytes()[kStart + offsetBytes]; }
  std::vector<Finding> check() {
    Result<CheckReport> report = checkVolume(place, nullptr);
    REQUIRE(report.isOk());
    return report.value().findings;
  }
  CheckReport checkWithKey() {
    Secret known{SecretKind::recoveryPassword, secret(test::kKnownPassword)};
    Result<CheckReport> report = checkVolume(place, &known);
    REQUIRE(report.isOk());
    return report.take();
  }

  std::shared_ptr<MemorySectors> device = std::make_shared<MemorySectors>(kStart + test::kKnownBytes, 512);
  Place place{device, kStart, test::kKnownBytes};
};

bool has(const std::vector<Finding>& findings, std::string_view code, std::string_view structure = "",
         std::string_view text = "") {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
    return finding.code == code && finding.structure.find(structure) != std::string::npos &&
           finding.message.find(text) != std::string::npos;
  });
}

std::string listed(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings)
    text += finding.code + " " + finding.structure + ": " + finding.message + "\n";
  return text;
}

std::string hex(uint64_t value) { return hexText(value); }

// Changes the information of a copy and makes its CRC right again.
template <typename Change>
std::vector<std::byte> edited(Change change) {
  std::vector<std::byte> copy = knownCopy();
  change(copy.data());
  store32(copy.data() + 676, crc32(std::span(copy).first(672)));
  return copy;
}

void putCopies(Drive& drive, std::span<const std::byte> copy) {
  for (uint64_t offset : test::knownRegions().metadata) std::copy(copy.begin(), copy.end(), &drive.at(offset));
}

}  // namespace

TEST_CASE("bitlocker check: a sound volume has no findings, and everything about it is told") {
  Drive drive;
  CheckReport report = drive.checkWithKey();
  CAPTURE(listed(report.findings));
  CHECK(report.findings.empty());
  CHECK(report.volume != nullptr);
  REQUIRE(report.info);
  CHECK(report.info->layout == "fixed");
  CHECK(report.info->state == "encrypted");
  CHECK(report.info->method == "xts-128");
  CHECK(report.info->sectorBytes == 512);
  CHECK(report.info->volumeGuid == "09fa4b98-2d54-4559-9f81-a8c5100c9230");
  CHECK(report.info->description == "EXAMPLE DATA 1/2/2025");
  REQUIRE(report.info->protectors.size() == 1);
  CHECK(report.info->protectors[0].kind == "recovery-password");
  CHECK(report.info->protectors[0].identifier == "bcc0feb6-1e23-4881-a4a1-960cfc5ee79e");
  CHECK(report.info->regions.extra == test::knownRegions().extra);
}

TEST_CASE("bitlocker check: any changed byte of a metadata copy is found and named") {
  Drive drive;
  // Every byte that is used, in one copy after the other, every seventh in all three, and samples of the padding.
  std::vector<std::pair<size_t, size_t>> places;
  for (size_t offset = 0; offset < kUsedBytes; offset++)
    for (size_t copy = 0; copy < 3; copy++)
      if (offset % 3 == copy || offset % 7 == 0) places.push_back({copy, offset});
  for (size_t offset = kUsedBytes; offset < kMetadataBytes; offset += 4001) places.push_back({offset % 3, offset});
  places.push_back({0, kMetadataBytes - 1});
  for (auto [copy, offset] : places) {
    std::byte& changed = drive.at(test::knownRegions().metadata[copy] + offset);
    changed ^= static_cast<std::byte>(1 << (offset % 8));
    std::vector<Finding> findings = drive.check();
    bool isNamed = std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
      return finding.severity == Severity::damage && finding.structure == "metadata copy " + std::to_string(copy + 1) &&
             finding.message.find("the first at offset " + hex(offset) + " ") != std::string::npos;
    });
    CAPTURE(copy);
    CAPTURE(offset);
    CAPTURE(listed(findings));
    CHECK(isNamed);
    changed ^= static_cast<std::byte>(1 << (offset % 8));
  }
  CHECK(drive.check().empty());
}

TEST_CASE("bitlocker check: any changed byte of the boot sector is found without a key, but for the disk geometry") {
  Drive drive;
  for (size_t offset = 0; offset < 512; offset++) {
    // Sectors per track and heads: only the inner boot sector knows them.
    if (offset >= 0x18 && offset < 0x1C) continue;
    // A cluster of another size is possible, too; 0x03 is no power of two.
    std::byte mask = offset == 0x0D ? std::byte{0x0B} : static_cast<std::byte>(1 << (offset % 8));
    drive.at(offset) ^= mask;
    std::vector<Finding> findings = drive.check();
    CAPTURE(offset);
    CHECK(std::any_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.structure == "boot sector"; }));
    drive.at(offset) ^= mask;
  }
  CHECK(drive.check().empty());
}

TEST_CASE("bitlocker check: the parameters of the boot sector are those of the inner one, byte for byte") {
  Drive drive;
  std::shared_ptr<Volume> volume = volumeOf(drive.place);
  std::vector<std::byte> outer(drive.device->bytes().begin() + kStart, drive.device->bytes().begin() + kStart + 4096);
  Findings sound;
  checkInnerBoot(*volume, outer, sound);
  CHECK(sound.take().empty());
  for (size_t offset = kParameterOffset; offset < kParameterOffset + kParameterBytes; offset++) {
    CAPTURE(offset);
    outer[offset] ^= std::byte{1};
    Findings findings;
    checkInnerBoot(*volume, outer, findings);
    CHECK(has(findings.take(), "BITLOCKER_INNER_BOOT", "boot sector", "offset " + hex(offset)));
    outer[offset] ^= std::byte{1};
  }
}

TEST_CASE("bitlocker check: damage inside is found with the key") {
  Drive drive;
  drive.at(test::kKnownBytes - 100) ^= std::byte{1};
  CheckReport report = drive.checkWithKey();
  CHECK(has(report.findings, "BITLOCKER_BACKUP_BOOT"));
  CHECK(report.findings.size() == 1);
  // Copies that were changed after they were sealed, all alike and with a right CRC: only the seal tells.
  putCopies(drive, edited([](std::byte* copy) { copy[0x50] ^= std::byte{1}; }));
  CHECK(drive.check().empty());
  report = drive.checkWithKey();
  CHECK(has(report.findings, "BITLOCKER_SEAL", "metadata copy 3"));
  CHECK(report.volume == nullptr);
}

TEST_CASE("bitlocker check: contents that contradict each other are found, whatever the CRC says") {
  struct Case {
    const char* code;
    void (*change)(std::byte*);
  };
  for (Case wrong : {
           Case{"BITLOCKER_CONVERTING", [](std::byte* copy) { store16(copy + 0x0E, uint16_t{5}); }},
           Case{"BITLOCKER_DECRYPTED", [](std::byte* copy) { store32(copy + 0x0C, 0x00010001u); }},
           Case{"BITLOCKER_SIZE", [](std::byte* copy) { store64(copy + 0x10, test::kKnownBytes - 512); }},
           Case{"BITLOCKER_CONVERTING", [](std::byte* copy) { store32(copy + 0x18, 512u); }},
           Case{"BITLOCKER_REGIONS", [](std::byte* copy) { store32(copy + 0x1C, 2u); }},
           Case{"BITLOCKER_REGIONS", [](std::byte* copy) { store64(copy + 0x38, uint64_t{0x2110200}); }},
           Case{"BITLOCKER_COUNTERS", [](std::byte* copy) { store32(copy + 0x60, 6u); }},
           Case{"BITLOCKER_METHOD", [](std::byte* copy) { store16(copy + 0x64, uint16_t{0x8009}); }},
           Case{"BITLOCKER_METHOD", [](std::byte* copy) { store16(copy + 0x66, uint16_t{0x8002}); }},
           Case{"BITLOCKER_METHOD_OLD", [](std::byte* copy) { store16(copy + 0x64, uint16_t{0x8000}); }},
           Case{"BITLOCKER_ENTRIES", [](std::byte* copy) { store16(copy + 0x1E8, uint16_t{0x20}); }},
           Case{"BITLOCKER_ENTRIES", [](std::byte* copy) { copy[671] = std::byte{1}; }},
           Case{"BITLOCKER_NO_RECOVERY_PASSWORD", [](std::byte* copy) { store16(copy + 0xC6, uint16_t{0x2000}); }},
           Case{"BITLOCKER_NOT_PROTECTED", [](std::byte* copy) { store16(copy + 0xC6, uint16_t{0}); }},
           Case{"BITLOCKER_HOST_BOUND", [](std::byte* copy) { store16(copy + 0xC6, uint16_t{0x0100}); }},
           Case{"BITLOCKER_VALIDATION", [](std::byte* copy) { store16(copy + 672, uint16_t{1}); }},
           Case{"BITLOCKER_VALIDATION", [](std::byte* copy) { copy[kMetadataBytes - 1] = std::byte{1}; }},
       }) {
    Drive drive;
    putCopies(drive, edited(wrong.change));
    std::vector<Finding> findings = drive.check();
    CAPTURE(wrong.code);
    CAPTURE(listed(findings));
    CHECK(has(findings, wrong.code));
  }
}

TEST_CASE("bitlocker check: stale and missing copies are told apart from damaged ones") {
  Drive drive;
  std::vector<std::byte> stale = edited([](std::byte* copy) { copy[0x50] ^= std::byte{1}; });
  std::copy(stale.begin(), stale.end(), &drive.at(test::knownRegions().metadata[1]));
  std::vector<Finding> findings = drive.check();
  CHECK(has(findings, "BITLOCKER_COPY_DIFFERS", "metadata copy 2", "offset 0x50 (information)"));
  store64(&drive.at(0xC0), uint64_t{0xFFFFFFFFFFFF0000});
  findings = drive.check();
  CHECK(has(findings, "BITLOCKER_OFFSETS", "boot sector", "metadata copy 3"));
  for (uint64_t offset : test::knownRegions().metadata) drive.at(offset) ^= std::byte{1};
  findings = drive.check();
  CHECK(has(findings, "BITLOCKER_NO_METADATA"));
}

TEST_CASE("bitlocker check: what is no volume says so, and a wrong key fails the check") {
  Drive drive;
  Secret wrong{SecretKind::recoveryPassword, secret("235818-357951-253979-013365-241120-245575-342914-591910")};
  CHECK(checkVolume(drive.place, &wrong).status().code() == ErrorCode::KEY_WRONG);
  Secret other{SecretKind::passphrase, secret("x")};
  CHECK(checkVolume(drive.place, &other).status().code() == ErrorCode::KEY_NOT_APPLICABLE);
  // Without its identifier the boot sector is damaged, but a volume it remains.
  drive.at(0xA0) ^= std::byte{1};
  CHECK(has(drive.check(), "BITLOCKER_BOOT_SECTOR", "boot sector", "identifier"));
  REQUIRE(eraseVolumeStart(drive.place, test::knownRegions()).isOk());
  CHECK(has(drive.check(), "BITLOCKER_NONE"));
  Place outside{drive.device, kStart + 512, test::kKnownBytes};
  CHECK(checkVolume(outside, nullptr).status().code() == ErrorCode::DEVICE_RANGE);
}

TEST_CASE("bitlocker check: a hostile volume gives findings, a view inside its bounds, or an error, never a crash") {
  // Method: change bytes where offsets, lengths and states lie, in the boot sector and in all three copies alike, with
  // the CRC right again. Then check it, and read through the view that the unharmed volume key gives: the device
  // refuses whatever leaves it, the sanitizers see the rest.
  Drive drive;
  const std::vector<std::byte> front(&drive.at(0), &drive.at(512));
  test::Xorshift random(7);
  Keys keys;
  keys.volumeKey = std::move(test::knownKeys().volumeKey);
  std::vector<std::byte> into(64 << 10);
  size_t opened = 0;
  for (int round = 0; round < 1500; round++) {
    std::copy(front.begin(), front.end(), &drive.at(0));
    for (uint64_t change = random.below(3); change > 0; change--)
      drive.at(0xB0 + random.below(24)) = static_cast<std::byte>(random.below(256));
    std::vector<std::byte> copy = edited([&](std::byte* bytes) {
      for (uint64_t change = random.below(4) + 1; change > 0; change--) {
        size_t place = random.below(2) == 0 ? 0x0C + random.below(0x34) : 0x216 + random.below(672 - 0x216);
        bytes[place] = random.below(3) == 0 ? std::byte{0} : static_cast<std::byte>(random.below(256));
      }
    });
    putCopies(drive, copy);
    Result<CheckReport> report = checkVolume(drive.place, nullptr);
    REQUIRE(report.isOk());
    Result<Metadata> metadata = parseMetadata(copy);
    if (!metadata.isOk()) continue;
    Result<std::shared_ptr<Volume>> volume = makeVolume(drive.place, metadata.value(), keys);
    if (!volume.isOk()) continue;
    opened++;
    uint64_t length = std::min<uint64_t>(into.size(), volume.value()->sizeBytes());
    uint64_t offset = random.below(volume.value()->sizeBytes() - length + 1) / 4096 * 4096;
    CHECK(volume.value()->read(offset, std::span(into).first(length)).isOk());
  }
  CHECK(opened > 150);
  CHECK(opened < 1350);
}

}  // namespace diskferry::bitlocker
