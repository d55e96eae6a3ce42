#include "bitlocker/wrapped_key.h"

#include <cstring>
#include <string>

#include "little_endian.h"

namespace diskferry::bitlocker {

CcmNonce makeNonce(uint64_t time, uint32_t counter) {
  CcmNonce nonce;
  store64(nonce.data(), time);
  store32(nonce.data() + 8, counter);
  return nonce;
}

Result<Entry> wrapKey(std::span<const std::byte> wrappingKey, const CcmNonce& nonce, uint16_t entryRole,
                      uint16_t keyType, std::span<const std::byte> key) {
  SecureBytes plain(wrappedBytes(key.size()));
  std::byte* into = plain.bytes().data();
  store16(into, static_cast<uint16_t>(plain.size()));
  store16(into + 2, role::property);
  store16(into + 4, type::key);
  store16(into + 6, uint16_t{0});  // entries inside a blob have version 0
  store16(into + 8, keyType);
  store16(into + 10, uint16_t{0});
  std::memcpy(into + 12, key.data(), key.size());

  Entry sealed{entryRole, type::sealed, 1, {}, {}, 0};
  CcmTag tag;
  size_t fixed = nonce.size() + tag.size();
  sealed.payload.resize(fixed + plain.size());
  DISKFERRY_TRY(aesCcmSeal(wrappingKey, nonce, plain.bytes(), std::span(sealed.payload).subspan(fixed), tag));
  std::memcpy(sealed.payload.data(), nonce.data(), nonce.size());
  std::memcpy(sealed.payload.data() + nonce.size(), tag.data(), tag.size());
  return sealed;
}

Result<SecureBytes> unwrapKey(std::span<const std::byte> wrappingKey, const Entry& sealed, uint16_t keyType,
                              size_t keyBytes) {
  auto place = [&] { return "the sealed key at " + std::to_string(sealed.offsetBytes) + " of the metadata "; };
  std::optional<SealedBlob> blob = sealedBlob(sealed);
  if (!blob || blob->ciphertext.size() != wrappedBytes(keyBytes))
    return Status(ErrorCode::VOLUME_DAMAGED,
                  place() + "does not have the length of a key of " + std::to_string(keyBytes) + " bytes");
  Result<SecureBytes> plain = aesCcmOpen(wrappingKey, blob->nonce, blob->ciphertext, blob->tag);
  if (!plain.isOk()) return plain;
  const std::byte* from = plain.value().bytes().data();
  if (load16(from) != plain.value().size() || load16(from + 4) != type::key || load16(from + 8) != keyType)
    return Status(ErrorCode::VOLUME_DAMAGED, place() + "opens, but does not hold the kind of key it should");
  return SecureBytes(plain.value().bytes().subspan(12));
}

}  // namespace diskferry::bitlocker
