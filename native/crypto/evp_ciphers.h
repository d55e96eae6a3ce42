// The sector ciphers through OpenSSL: the path that every CPU has, and the one that the others are compared with. The
// header is internal to native/crypto; makeSectorCipher chooses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/sector_cipher.h"

namespace diskferry {

// `key`: data key and tweak key, one after the other, 32 or 64 bytes. Fails on equal halves, which OpenSSL refuses.
Result<std::unique_ptr<SectorCipher>> makeEvpXts(std::span<const std::byte> key, uint32_t sectorBytes);
// 16 or 32 bytes.
Result<std::unique_ptr<SectorCipher>> makeEvpCbc(std::span<const std::byte> key, uint32_t sectorBytes);
// Diffuser and sector key around any CBC. `sectorKey` is the AES key of the sector keys, 16 or 32 bytes.
Result<std::unique_ptr<SectorCipher>> makeDiffusedCipher(std::unique_ptr<SectorCipher> cbc,
                                                         std::span<const std::byte> sectorKey, uint32_t sectorBytes);

// How many sectors a call covers. A range that is not whole sectors would be encrypted into something that nobody can
// read back: that is a bug in the caller, and it ends the process.
size_t countSectors(uint64_t offsetBytes, size_t lengthBytes, uint32_t sectorBytes);

}  // namespace diskferry
