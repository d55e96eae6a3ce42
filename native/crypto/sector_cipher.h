// The sector ciphers of BitLocker: AES-XTS, AES-CBC, and AES-CBC with the Elephant diffuser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "status.h"

namespace diskferry {

// The values are those in the volume's metadata.
enum class CipherMethod : uint16_t {
  cbc128Diffuser = 0x8000,
  cbc256Diffuser = 0x8001,
  cbc128 = 0x8002,
  cbc256 = 0x8003,
  xts128 = 0x8004,
  xts256 = 0x8005,
};

// Length of the volume key (FVEK) container; nothing for an unknown method.
std::optional<size_t> volumeKeyBytes(uint16_t method);
std::string_view methodName(CipherMethod method);  // "xts-128", "cbc-256-diffuser", ...
std::optional<CipherMethod> methodNamed(std::string_view name);

enum class CipherPath { evp, aesNi, vaes };
CipherPath bestCipherPath();

// Stateless after construction: every call may come from another thread.
class SectorCipher {
 public:
  virtual ~SectorCipher() = default;
  // In place, whole sectors; `offsetBytes` is the place of the first byte on the volume, a multiple of the sector. A
  // part of a sector would never be readable again: it ends the process.
  virtual void encrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const = 0;
  virtual void decrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const = 0;
};

// A path that the method or the CPU does not have falls back to evp; all paths give equal bytes. sectorBytes 512 or
// 4096.
Result<std::unique_ptr<SectorCipher>> makeSectorCipher(CipherMethod method, std::span<const std::byte> volumeKey,
                                                       uint32_t sectorBytes, CipherPath path = bestCipherPath());

}  // namespace diskferry
