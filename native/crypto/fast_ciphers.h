// The sector ciphers with the CPU's own AES instructions. Internal to native/crypto; makeSectorCipher chooses, after
// hasAesInstructions() or hasWideAesInstructions(). The bytes are those of evp_ciphers.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/aes_schedule.h"
#include "crypto/sector_cipher.h"

namespace diskferry {

// `key`: data key and tweak key, one after the other; the caller has refused equal halves.
std::unique_ptr<SectorCipher> makeFastXts(std::span<const std::byte> key, uint32_t sectorBytes, bool isWide);
std::unique_ptr<SectorCipher> makeFastCbc(std::span<const std::byte> key, uint32_t sectorBytes);

// The loops below them. `sectors` is whole sectors of `sectorBytes` each.
struct XtsRun {
  const AesSchedule& dataKey;
  const AesSchedule& tweakKey;
  uint64_t firstSector;  // number on the volume
  uint32_t sectorBytes;
  std::span<std::byte> sectors;
};
void xtsEncryptAesNi(const XtsRun& run);
void xtsDecryptAesNi(const XtsRun& run);
void xtsEncryptVaes(const XtsRun& run);
void xtsDecryptVaes(const XtsRun& run);

struct CbcRun {
  const AesSchedule& key;
  uint64_t offsetBytes;
  uint32_t sectorBytes;
  std::span<std::byte> sectors;
};
void cbcEncryptAesNi(const CbcRun& run);
void cbcDecryptAesNi(const CbcRun& run);

}  // namespace diskferry
