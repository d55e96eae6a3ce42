#include "crypto/fast_ciphers.h"

#include "crypto/evp_ciphers.h"

#if defined(__x86_64__)

namespace diskferry {

namespace {

class FastXts final : public SectorCipher {
 public:
  FastXts(std::span<const std::byte> key, uint32_t sectorBytes, bool isWide)
      : dataKey_(key.first(key.size() / 2)),
        tweakKey_(key.last(key.size() / 2)),
        sectorBytes_(sectorBytes),
        isWide_(isWide) {}

  void encrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override {
    (isWide_ ? xtsEncryptVaes : xtsEncryptAesNi)(runOver(offsetBytes, sectors));
  }
  void decrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override {
    (isWide_ ? xtsDecryptVaes : xtsDecryptAesNi)(runOver(offsetBytes, sectors));
  }

 private:
  XtsRun runOver(uint64_t offsetBytes, std::span<std::byte> sectors) const {
    countSectors(offsetBytes, sectors.size(), sectorBytes_);
    return {dataKey_, tweakKey_, offsetBytes / sectorBytes_, sectorBytes_, sectors};
  }

  AesSchedule dataKey_;
  AesSchedule tweakKey_;
  uint32_t sectorBytes_;
  bool isWide_;
};

class FastCbc final : public SectorCipher {
 public:
  FastCbc(std::span<const std::byte> key, uint32_t sectorBytes) : key_(key), sectorBytes_(sectorBytes) {}

  void encrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override {
    countSectors(offsetBytes, sectors.size(), sectorBytes_);
    cbcEncryptAesNi({key_, offsetBytes, sectorBytes_, sectors});
  }
  void decrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override {
    countSectors(offsetBytes, sectors.size(), sectorBytes_);
    cbcDecryptAesNi({key_, offsetBytes, sectorBytes_, sectors});
  }

 private:
  AesSchedule key_;
  uint32_t sectorBytes_;
};

}  // namespace

std::unique_ptr<SectorCipher> makeFastXts(std::span<const std::byte> key, uint32_t sectorBytes, bool isWide) {
  return std::make_unique<FastXts>(key, sectorBytes, isWide);
}

std::unique_ptr<SectorCipher> makeFastCbc(std::span<const std::byte> key, uint32_t sectorBytes) {
  return std::make_unique<FastCbc>(key, sectorBytes);
}

}  // namespace diskferry

#else

namespace diskferry {

// Never asked for: hasAesInstructions() is false here.
std::unique_ptr<SectorCipher> makeFastXts(std::span<const std::byte>, uint32_t, bool) { return nullptr; }
std::unique_ptr<SectorCipher> makeFastCbc(std::span<const std::byte>, uint32_t) { return nullptr; }

}  // namespace diskferry

#endif
