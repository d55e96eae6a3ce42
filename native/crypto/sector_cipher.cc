#include "crypto/sector_cipher.h"

#include <string>
#include <utility>

#include "crypto/evp_ciphers.h"
#include "crypto/fast_ciphers.h"
#include "crypto/secure_memory.h"

namespace diskferry {

namespace {

bool usesAesInstructions(CipherPath path) { return path != CipherPath::evp && hasAesInstructions(); }

Result<std::unique_ptr<SectorCipher>> makeXts(std::span<const std::byte> key, uint32_t sectorBytes, CipherPath path) {
  size_t halfBytes = key.size() / 2;
  if (equalConstantTime(key.first(halfBytes), key.last(halfBytes)))
    return Status(ErrorCode::VOLUME_DAMAGED, "the volume key is not usable for AES-XTS: its two halves of " +
                                                 std::to_string(halfBytes) + " bytes are equal");
  if (!usesAesInstructions(path)) return makeEvpXts(key, sectorBytes);
  return makeFastXts(key, sectorBytes, path == CipherPath::vaes && hasWideAesInstructions());
}

// VAES brings nothing here: encryption is bound by its chain, decryption by memory.
Result<std::unique_ptr<SectorCipher>> makeCbc(std::span<const std::byte> key, uint32_t sectorBytes, CipherPath path) {
  if (!usesAesInstructions(path)) return makeEvpCbc(key, sectorBytes);
  return makeFastCbc(key, sectorBytes);
}

// The 64-byte container has the CBC key at 0 and the sector-key key at 32, also where each has only 16 bytes.
Result<std::unique_ptr<SectorCipher>> makeDiffused(std::span<const std::byte> container, size_t keyBytes,
                                                   uint32_t sectorBytes, CipherPath path) {
  auto cbc = makeCbc(container.first(keyBytes), sectorBytes, path);
  if (!cbc.isOk()) return cbc;
  return makeDiffusedCipher(cbc.take(), container.subspan(32, keyBytes), sectorBytes);
}

}  // namespace

std::optional<size_t> volumeKeyBytes(uint16_t method) {
  switch (static_cast<CipherMethod>(method)) {
    case CipherMethod::cbc128Diffuser:
    case CipherMethod::cbc256Diffuser:
    case CipherMethod::xts256:
      return 64;
    case CipherMethod::cbc256:
    case CipherMethod::xts128:
      return 32;
    case CipherMethod::cbc128:
      return 16;
  }
  return std::nullopt;
}

std::string_view methodName(CipherMethod method) {
  switch (method) {
    case CipherMethod::cbc128Diffuser:
      return "cbc-128-diffuser";
    case CipherMethod::cbc256Diffuser:
      return "cbc-256-diffuser";
    case CipherMethod::cbc128:
      return "cbc-128";
    case CipherMethod::cbc256:
      return "cbc-256";
    case CipherMethod::xts128:
      return "xts-128";
    case CipherMethod::xts256:
      return "xts-256";
  }
  return "unknown";
}

std::optional<CipherMethod> methodNamed(std::string_view name) {
  for (CipherMethod method : {CipherMethod::cbc128Diffuser, CipherMethod::cbc256Diffuser, CipherMethod::cbc128,
                              CipherMethod::cbc256, CipherMethod::xts128, CipherMethod::xts256})
    if (methodName(method) == name) return method;
  return std::nullopt;
}

CipherPath bestCipherPath() {
  if (hasWideAesInstructions()) return CipherPath::vaes;
  return hasAesInstructions() ? CipherPath::aesNi : CipherPath::evp;
}

Result<std::unique_ptr<SectorCipher>> makeSectorCipher(CipherMethod method, std::span<const std::byte> volumeKey,
                                                       uint32_t sectorBytes, CipherPath path) {
  std::optional<size_t> keyBytes = volumeKeyBytes(static_cast<uint16_t>(method));
  if (!keyBytes)
    return Status(ErrorCode::VOLUME_UNSUPPORTED,
                  "encryption method " + std::to_string(static_cast<uint16_t>(method)) + " is not known");
  if (volumeKey.size() != *keyBytes)
    return Status(ErrorCode::VOLUME_DAMAGED, "the volume key has " + std::to_string(volumeKey.size()) + " bytes but " +
                                                 std::string(methodName(method)) + " needs " +
                                                 std::to_string(*keyBytes));
  if (sectorBytes != 512 && sectorBytes != 4096)
    return Status(ErrorCode::VOLUME_UNSUPPORTED,
                  "sectors have 512 or 4096 bytes but this volume says " + std::to_string(sectorBytes));
  switch (method) {
    case CipherMethod::xts128:
    case CipherMethod::xts256:
      return makeXts(volumeKey, sectorBytes, path);
    case CipherMethod::cbc128:
    case CipherMethod::cbc256:
      return makeCbc(volumeKey, sectorBytes, path);
    case CipherMethod::cbc128Diffuser:
      return makeDiffused(volumeKey, 16, sectorBytes, path);
    case CipherMethod::cbc256Diffuser:
      return makeDiffused(volumeKey, 32, sectorBytes, path);
  }
  return Status(ErrorCode::INTERNAL, "an encryption method without a cipher");
}

}  // namespace diskferry
