#include "crypto/evp_ciphers.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <utility>

#include "crypto/diffuser.h"
#include "crypto/evp_objects.h"
#include "crypto/secure_memory.h"
#include "little_endian.h"

namespace diskferry {

namespace {

constexpr size_t kBlockBytes = 16;
using Block = std::array<std::byte, kBlockBytes>;

// A 128-bit little-endian number below 2^64, and what `last` says in its highest byte.
Block numberBlock(uint64_t number, std::byte last = std::byte{0}) {
  Block block{};
  store64(block.data(), number);
  block[15] = last;
  return block;
}

// A keyed context without padding. Null when OpenSSL refuses the key.
evp::CipherContext keyed(evp::Mode mode, const SecureBytes& key, bool encrypt) {
  size_t keyBits = key.size() * 8 / (mode == evp::Mode::xts ? 2 : 1);
  evp::CipherContext context = evp::newCipherContext();
  if (context == nullptr || EVP_CipherInit_ex2(context.get(), evp::aes(mode, keyBits), evp::raw(key.bytes().data()),
                                               nullptr, encrypt ? 1 : 0, nullptr) != 1)
    return nullptr;
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  return context;
}

// The keys were tried at construction, so a failure here is lack of memory for a context.
void require(bool isDone) {
  if (!isDone) std::abort();
}

void update(EVP_CIPHER_CTX* context, std::span<std::byte> inPlace) {
  int written = 0;
  require(EVP_CipherUpdate(context, evp::raw(inPlace.data()), &written, evp::raw(inPlace.data()),
                           static_cast<int>(inPlace.size())) == 1);
}

// The next sectors keep key and direction; only the IV changes. That halves the cost against a full init.
void restart(EVP_CIPHER_CTX* context, const Block& iv) {
  require(EVP_CipherInit_ex2(context, nullptr, nullptr, evp::raw(iv.data()), -1, nullptr) == 1);
}

Status keyRefused(evp::Mode mode, size_t keyBytes) {
  return Status(ErrorCode::VOLUME_DAMAGED,
                mode == evp::Mode::xts ? "the volume key is not usable for AES-XTS: its two halves of " +
                                             std::to_string(keyBytes / 2) + " bytes are equal"
                                       : "OpenSSL refused an AES key of " + std::to_string(keyBytes) + " bytes");
}

class EvpXts final : public SectorCipher {
 public:
  EvpXts(SecureBytes key, uint32_t sectorBytes) : key_(std::move(key)), sectorBytes_(sectorBytes) {}

  void encrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override { run(true, offsetBytes, sectors); }
  void decrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override { run(false, offsetBytes, sectors); }

 private:
  void run(bool encrypt, uint64_t offsetBytes, std::span<std::byte> sectors) const {
    size_t count = countSectors(offsetBytes, sectors.size(), sectorBytes_);
    if (count == 0) return;
    evp::CipherContext context = keyed(evp::Mode::xts, key_, encrypt);
    require(context != nullptr);
    for (size_t index = 0; index < count; index++) {
      restart(context.get(), numberBlock(offsetBytes / sectorBytes_ + index));
      update(context.get(), sectors.subspan(index * sectorBytes_, sectorBytes_));
    }
  }

  SecureBytes key_;
  uint32_t sectorBytes_;
};

class EvpCbc final : public SectorCipher {
 public:
  EvpCbc(SecureBytes key, uint32_t sectorBytes) : key_(std::move(key)), sectorBytes_(sectorBytes) {}

  void encrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override { run(true, offsetBytes, sectors); }
  void decrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override { run(false, offsetBytes, sectors); }

 private:
  // The IV is the encrypted byte offset, also where sectors have 4096 bytes.
  void run(bool encrypt, uint64_t offsetBytes, std::span<std::byte> sectors) const {
    size_t count = countSectors(offsetBytes, sectors.size(), sectorBytes_);
    if (count == 0) return;
    evp::CipherContext ivContext = keyed(evp::Mode::ecb, key_, true);
    evp::CipherContext context = keyed(evp::Mode::cbc, key_, encrypt);
    require(ivContext != nullptr && context != nullptr);
    for (size_t index = 0; index < count; index++) {
      Block iv = numberBlock(offsetBytes + index * sectorBytes_);
      update(ivContext.get(), iv);
      restart(context.get(), iv);
      update(context.get(), sectors.subspan(index * sectorBytes_, sectorBytes_));
    }
  }

  SecureBytes key_;
  uint32_t sectorBytes_;
};

class DiffusedCipher final : public SectorCipher {
 public:
  DiffusedCipher(std::unique_ptr<SectorCipher> cbc, SecureBytes sectorKey, uint32_t sectorBytes)
      : cbc_(std::move(cbc)), sectorKey_(std::move(sectorKey)), sectorBytes_(sectorBytes) {}

  void encrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override {
    size_t count = countSectors(offsetBytes, sectors.size(), sectorBytes_);
    if (count == 0) return;
    evp::CipherContext keyContext = sectorKeyContext();
    for (size_t index = 0; index < count; index++) {
      std::span<std::byte> sector = sectors.subspan(index * sectorBytes_, sectorBytes_);
      addSectorKey(keyContext.get(), offsetBytes + index * sectorBytes_, sector);
      diffuse(sector);
    }
    cbc_->encrypt(offsetBytes, sectors);
  }

  void decrypt(uint64_t offsetBytes, std::span<std::byte> sectors) const override {
    cbc_->decrypt(offsetBytes, sectors);
    size_t count = countSectors(offsetBytes, sectors.size(), sectorBytes_);
    if (count == 0) return;
    evp::CipherContext keyContext = sectorKeyContext();
    for (size_t index = 0; index < count; index++) {
      std::span<std::byte> sector = sectors.subspan(index * sectorBytes_, sectorBytes_);
      undiffuse(sector);
      addSectorKey(keyContext.get(), offsetBytes + index * sectorBytes_, sector);
    }
  }

 private:
  evp::CipherContext sectorKeyContext() const {
    evp::CipherContext context = keyed(evp::Mode::ecb, sectorKey_, true);
    require(context != nullptr);
    return context;
  }

  // The key of a sector is its encrypted offset, then its encrypted offset with 0x80 in the last byte; repeated.
  static void addSectorKey(EVP_CIPHER_CTX* context, uint64_t offsetBytes, std::span<std::byte> sector) {
    std::array<Block, 2> key = {numberBlock(offsetBytes), numberBlock(offsetBytes, std::byte{0x80})};
    std::span<std::byte> keyBytes(key[0].data(), 2 * kBlockBytes);
    update(context, keyBytes);
    for (size_t at = 0; at < sector.size(); at += 8)
      store64(&sector[at], load64(&sector[at]) ^ load64(&keyBytes[at % keyBytes.size()]));
    wipe(keyBytes);
  }

  std::unique_ptr<SectorCipher> cbc_;
  SecureBytes sectorKey_;
  uint32_t sectorBytes_;
};

}  // namespace

size_t countSectors(uint64_t offsetBytes, size_t lengthBytes, uint32_t sectorBytes) {
  if (offsetBytes % sectorBytes != 0 || lengthBytes % sectorBytes != 0) std::abort();
  return lengthBytes / sectorBytes;
}

Result<std::unique_ptr<SectorCipher>> makeEvpXts(std::span<const std::byte> key, uint32_t sectorBytes) {
  SecureBytes copy(key);
  if (keyed(evp::Mode::xts, copy, true) == nullptr) return keyRefused(evp::Mode::xts, key.size());
  return Result<std::unique_ptr<SectorCipher>>(std::make_unique<EvpXts>(std::move(copy), sectorBytes));
}

Result<std::unique_ptr<SectorCipher>> makeEvpCbc(std::span<const std::byte> key, uint32_t sectorBytes) {
  SecureBytes copy(key);
  if (keyed(evp::Mode::cbc, copy, true) == nullptr) return keyRefused(evp::Mode::cbc, key.size());
  return Result<std::unique_ptr<SectorCipher>>(std::make_unique<EvpCbc>(std::move(copy), sectorBytes));
}

Result<std::unique_ptr<SectorCipher>> makeDiffusedCipher(std::unique_ptr<SectorCipher> cbc,
                                                         std::span<const std::byte> sectorKey, uint32_t sectorBytes) {
  SecureBytes copy(sectorKey);
  if (keyed(evp::Mode::ecb, copy, true) == nullptr) return keyRefused(evp::Mode::ecb, sectorKey.size());
  return Result<std::unique_ptr<SectorCipher>>(
      std::make_unique<DiffusedCipher>(std::move(cbc), std::move(copy), sectorBytes));
}

}  // namespace diskferry
