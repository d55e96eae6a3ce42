#include "bitlocker/volume.h"

#include <doctest/doctest.h>

#include <cstring>

#include "bitlocker/boot_sector.h"
#include "bitlocker/commit.h"
#include "bitlocker/unlock.h"
#include "io/memory_sectors.h"
#include "known_volume.h"
#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

using test::fromHex;
using test::knownCopy;
using test::secret;
using test::toHex;

constexpr uint64_t kStart = 1 << 20;  // where the volume lies on the device

Secret knownSecret() { return {SecretKind::recoveryPassword, secret(test::kKnownPassword)}; }

struct Drive {
  std::shared_ptr<MemorySectors> device = std::make_shared<MemorySectors>(kStart + test::kKnownBytes + 4096, 512);
  Place place{device, kStart, test::kKnownBytes};

  std::span<std::byte> at(uint64_t offsetBytes, size_t lengthBytes) {
    return device->bytes().subspan(kStart + offsetBytes, lengthBytes);
  }
};

// With the known keys: stretching the password takes most of a second.
std::shared_ptr<Volume> attach(Drive& drive) {
  Result<Metadata> metadata = parseMetadata(knownCopy());
  REQUIRE(metadata.isOk());
  Keys keys;
  keys.volumeKey = std::move(test::knownKeys().volumeKey);
  Result<std::shared_ptr<Volume>> volume = makeVolume(drive.place, metadata.value(), keys);
  REQUIRE(volume.isOk());
  return volume.take();
}

// Enough of an NTFS boot sector for BitLocker.
std::vector<std::byte> innerBoot() {
  std::vector<std::byte> sector = fromHex("eb52904e5446532020202000020800000000000000f800003f00ff0000080000");
  sector.resize(512);
  store16(sector.data() + 510, uint16_t{0xAA55});
  return sector;
}

std::vector<std::byte> pattern(size_t lengthBytes, unsigned seed) {
  std::vector<std::byte> bytes(lengthBytes);
  for (size_t index = 0; index < lengthBytes; index++)
    bytes[index] = static_cast<std::byte>((index * 31 + index / 509 + seed) & 0xFF);
  return bytes;
}

// Counts what commit does and can fail or lose it.
class FaultySectors final : public Sectors {
 public:
  explicit FaultySectors(std::shared_ptr<Sectors> inner) : inner_(std::move(inner)) {}
  uint64_t sizeBytes() const override { return inner_->sizeBytes(); }
  uint32_t sectorBytes() const override { return inner_->sectorBytes(); }
  Status read(uint64_t offsetBytes, std::span<std::byte> into) override { return inner_->read(offsetBytes, into); }
  Status write(uint64_t offsetBytes, std::span<const std::byte> from) override {
    writes.push_back(offsetBytes);
    if (writes.size() == failAtWrite) return Status(ErrorCode::DEVICE_WRITE_FAILED, "broken");
    if (writes.size() == loseWrite) return Status::ok();
    return inner_->write(offsetBytes, from);
  }
  Status flush() override {
    writes.push_back(kFlush);
    return inner_->flush();
  }

  static constexpr uint64_t kFlush = ~uint64_t{0};
  std::vector<uint64_t> writes;
  size_t failAtWrite = 0;
  size_t loseWrite = 0;

 private:
  std::shared_ptr<Sectors> inner_;
};

}  // namespace

TEST_CASE("bitlocker: sectors lie on the disk as the known volume has them") {
  Drive drive;
  std::shared_ptr<Volume> volume = attach(drive);
  std::vector<std::byte> sector(512);
  for (size_t index = 0; index < sector.size(); index++) sector[index] = static_cast<std::byte>(index & 0xFF);
  REQUIRE(volume->write(51200, sector).isOk());
  CHECK(toHex(drive.at(51200, 32)) == "32ee34482a26b2c5b6615932c659e1a43c847f07ffa46dbcdd438de97fdb936d");
  // The start is encrypted with the tweak of the header block, where it really lies. The first two cipher blocks depend
  // on nothing after them.
  REQUIRE(volume->write(0, innerBoot()).isOk());
  CHECK(toHex(drive.at(0x2110000, 32)) == "3b208f3489f9e90c80110236081aadd92e6787a69fabb79acb4267349abc66ea");
  CHECK(toHex(drive.at(0, 16)) == "00000000000000000000000000000000");
}

TEST_CASE("bitlocker: what is written through the view is read back, except in the hidden regions, which stay zero") {
  Drive drive;
  std::shared_ptr<Volume> volume = attach(drive);
  // A request over the relocated start, ordinary data, copy 1, header block and extra area, longer than one piece.
  constexpr uint64_t length = 0x2200000;
  std::vector<std::byte> written = pattern(length, 7);
  REQUIRE(volume->write(0, written).isOk());
  std::vector<std::byte> found(length);
  REQUIRE(volume->read(0, found).isOk());
  std::fill_n(written.begin() + 0x2100000, kMetadataBytes + kHeaderBytes, std::byte{0});
  CHECK(found == written);
  // On the disk nothing was written over copy 1, and the start is not at the start.
  std::vector<std::byte> zeros(kMetadataBytes);
  CHECK(std::memcmp(drive.at(0x2100000, kMetadataBytes).data(), zeros.data(), zeros.size()) == 0);
  CHECK(std::memcmp(drive.at(0, kHeaderBytes).data(), zeros.data(), kHeaderBytes) == 0);
  CHECK(toHex(drive.at(0x2110000, 16)) != toHex(std::span(zeros).first(16)));
  // Reads that begin anywhere see the same.
  for (uint64_t offset : {uint64_t{512}, uint64_t{7680}, uint64_t{8192}, uint64_t{0x20FFE00}, uint64_t{0x210FE00},
                          uint64_t{0x2111E00}, uint64_t{0x2112000}}) {
    CAPTURE(offset);
    std::vector<std::byte> part(3 * 512);
    REQUIRE(volume->read(offset, part).isOk());
    CHECK(std::memcmp(part.data(), written.data() + offset, part.size()) == 0);
  }
}

TEST_CASE("bitlocker: ranges outside the volume or off its sectors are refused, and regions are known") {
  Drive drive;
  std::shared_ptr<Volume> volume = attach(drive);
  std::vector<std::byte> sectors(1024);
  CHECK(volume->read(100, sectors).code() == ErrorCode::DEVICE_RANGE);
  CHECK(volume->write(test::kKnownBytes - 512, sectors).code() == ErrorCode::DEVICE_RANGE);
  CHECK(volume->write(0, std::span(sectors).first(100)).code() == ErrorCode::DEVICE_RANGE);
  CHECK(volume->read(~uint64_t{511}, sectors).code() == ErrorCode::DEVICE_RANGE);
  CHECK(volume->touchesRegion(0, 512));
  CHECK(volume->touchesRegion(8191, 1));
  CHECK(!volume->touchesRegion(8192, 0x2100000 - 8192));
  CHECK(volume->touchesRegion(8192, 0x2100000 - 8191));
  CHECK(volume->touchesRegion(0x2100000 + 4096, 512));
  CHECK(volume->touchesRegion(0x2111FFF, 1));
  CHECK(!volume->touchesRegion(0x2112000, kExtraAreaBytes));
  CHECK(volume->touchesRegion(0x2112000, 0x2C00000 - 0x2112000 + 1));
  CHECK(!volume->touchesRegion(0x3710000, test::kKnownBytes - 0x3710000));
}

TEST_CASE("bitlocker: a committed volume opens from the device, its data as written") {
  Drive drive;
  Result<std::shared_ptr<Volume>> attached = attachVolume(drive.place, knownCopy(), knownSecret());
  REQUIRE(attached.isOk());
  std::shared_ptr<Volume> volume = attached.take();
  std::vector<std::byte> data = pattern(1 << 20, 3);
  REQUIRE(volume->write(0, innerBoot()).isOk());
  REQUIRE(volume->write(1 << 20, data).isOk());
  REQUIRE(commitMetadata(*volume, knownCopy()).isOk());

  Result<std::shared_ptr<Volume>> opened = unlockVolume(drive.place, knownSecret());
  REQUIRE(opened.isOk());
  std::vector<std::byte> found(data.size());
  REQUIRE(opened.value()->read(1 << 20, found).isOk());
  CHECK(found == data);
  BootSector boot = parseBootSector(drive.at(0, 512));
  CHECK(boot.layout == Layout::fixed);
  CHECK(boot.clusterBytes == 4096);
  CHECK(boot.hiddenSectors == 2048);
  // The rest of the first 8 KiB is noise, the extra area encrypted zeros.
  std::vector<std::byte> extra(kExtraAreaBytes);
  REQUIRE(opened.value()->read(0x2112000, extra).isOk());
  CHECK(extra == std::vector<std::byte>(kExtraAreaBytes));
  CHECK(toHex(drive.at(8176, 16)) != "00000000000000000000000000000000");
}

TEST_CASE("bitlocker: a volume opens as long as one of its three copies is good") {
  Drive drive;
  std::shared_ptr<Volume> volume = attach(drive);
  REQUIRE(volume->write(0, innerBoot()).isOk());
  REQUIRE(commitMetadata(*volume, knownCopy()).isOk());
  drive.at(0x2100000 + 200, 1)[0] ^= std::byte{1};  // CRC
  CHECK(unlockVolume(drive.place, knownSecret()).isOk());
  drive.at(0x2C00000 + 672 + 40, 1)[0] ^= std::byte{1};  // seal, which the CRC does not cover
  CHECK(unlockVolume(drive.place, knownSecret()).isOk());
  store64(drive.at(0xB0, 8).data(), ~uint64_t{0});  // the boot sector's first offset
  CHECK(unlockVolume(drive.place, knownSecret()).isOk());
  drive.at(0x3700000, 1)[0] ^= std::byte{1};  // the signature of the last one
  CHECK(unlockVolume(drive.place, knownSecret()).status().code() == ErrorCode::VOLUME_DAMAGED);
}

TEST_CASE("bitlocker: commit writes the boot sector last, after a flush, and leaves none behind when it fails") {
  size_t operations = 0;
  for (size_t failAt = 0; failAt == 0 || failAt <= operations; failAt++) {
    CAPTURE(failAt);
    Drive drive;
    std::shared_ptr<Volume> plain = attach(drive);
    REQUIRE(plain->write(0, innerBoot()).isOk());
    auto faulty = std::make_shared<FaultySectors>(drive.device);
    Volume volume(faulty, kStart, test::kKnownBytes, 512, test::knownRegions(), plain->method(), plain->cipher());
    faulty->failAtWrite = failAt;
    Status status = commitMetadata(volume, knownCopy());
    if (failAt == 0) {
      CHECK(status.isOk());
      operations = faulty->writes.size();
      CHECK(faulty->writes == std::vector<uint64_t>{kStart + 0x2112000, kStart + 0x3700000, kStart + 0x2C00000,
                                                    kStart + 0x2100000, kStart, FaultySectors::kFlush, kStart,
                                                    FaultySectors::kFlush});
      continue;
    }
    if (faulty->writes.back() == FaultySectors::kFlush) continue;  // the number of a flush: nothing failed
    CHECK(status.code() == ErrorCode::DEVICE_WRITE_FAILED);
    CHECK(unlockVolume(drive.place, knownSecret()).status().code() == ErrorCode::VOLUME_NOT_BITLOCKER);
  }
}

TEST_CASE("bitlocker: a write that the device lost is found by reading back") {
  for (size_t lost : {size_t{2}, size_t{4}, size_t{7}}) {
    CAPTURE(lost);
    Drive drive;
    std::shared_ptr<Volume> plain = attach(drive);
    REQUIRE(plain->write(0, innerBoot()).isOk());
    auto faulty = std::make_shared<FaultySectors>(drive.device);
    Volume volume(faulty, kStart, test::kKnownBytes, 512, test::knownRegions(), plain->method(), plain->cipher());
    faulty->loseWrite = lost;
    CHECK(commitMetadata(volume, knownCopy()).code() == ErrorCode::DEVICE_WRITE_FAILED);
  }
}

TEST_CASE("bitlocker: commit refuses a volume without a file system, and metadata of another volume") {
  Drive drive;
  std::shared_ptr<Volume> volume = attach(drive);
  CHECK(commitMetadata(*volume, knownCopy()).code() == ErrorCode::NTFS_DAMAGED);
  REQUIRE(volume->write(0, innerBoot()).isOk());
  CreateOptions options = test::knownOptions();
  options.regions.metadata[2] += 4096;
  Result<std::vector<std::byte>> other = encodeMetadata(options, test::knownKeys());
  REQUIRE(other.isOk());
  CHECK(commitMetadata(*volume, other.value()).code() == ErrorCode::VOLUME_DAMAGED);
  CHECK(unlockVolume(drive.place, knownSecret()).status().code() == ErrorCode::VOLUME_NOT_BITLOCKER);
}

TEST_CASE("bitlocker: an erased start is no volume any more, and nothing else was touched") {
  Drive drive;
  std::shared_ptr<Volume> volume = attach(drive);
  REQUIRE(volume->write(0, innerBoot()).isOk());
  REQUIRE(volume->write(8192, pattern(4096, 1)).isOk());
  REQUIRE(commitMetadata(*volume, knownCopy()).isOk());
  std::fill_n(drive.device->bytes().data() + kStart - 512, 512, std::byte{0xEE});
  REQUIRE(eraseVolumeStart(drive.place, test::knownRegions()).isOk());
  CHECK(unlockVolume(drive.place, knownSecret()).status().code() == ErrorCode::VOLUME_NOT_BITLOCKER);
  for (uint64_t offset :
       {uint64_t{0}, uint64_t{0x2100000}, uint64_t{0x2C00000}, uint64_t{0x3700000}, uint64_t{0x2110000}})
    CHECK(toHex(drive.at(offset, 8)) == "0000000000000000");
  CHECK(toHex(drive.device->bytes().subspan(kStart - 8, 8)) == "eeeeeeeeeeeeeeee");
  CHECK(toHex(drive.at(8192, 8)) != "0000000000000000");
}

}  // namespace diskferry::bitlocker
