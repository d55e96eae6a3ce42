// Secret -> master key -> seal -> volume key.
#include <string>

#include "bitlocker/recovery_password.h"
#include "bitlocker/unlock.h"
#include "bitlocker/utf16.h"
#include "bitlocker/wrapped_key.h"
#include "crypto/sha256.h"
#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

constexpr size_t kMasterKeyBytes = 32;

// The key that a protector's blob was wrapped under, made from the secret.
using WrappingKey = Result<SecureBytes>;

ProtectorKind protectorFor(SecretKind kind) {
  switch (kind) {
    case SecretKind::recoveryPassword:
      return ProtectorKind::recoveryPassword;
    case SecretKind::passphrase:
      return ProtectorKind::passphrase;
    case SecretKind::startupKey:
      return ProtectorKind::startupKey;
    case SecretKind::clearKey:
      break;
  }
  return ProtectorKind::clearKey;
}

// What there is to open the volume with, for a message.
std::string listedKinds(const std::vector<Protector>& protectors) {
  std::string text;
  for (const Protector& protector : protectors)
    text += (text.empty() ? "" : ", ") + std::string(protectorKindName(protector.kind));
  return text.empty() ? "none" : text;
}

// The secret in the form that the key of a protector is made from: 16 bytes, UTF-16, or the key itself.
Result<SecureBytes> prepareSecret(const Secret& secret, Guid& startupProtector) {
  switch (secret.kind) {
    case SecretKind::recoveryPassword:
      return parseRecoveryPassword(secret.bytes.bytes());
    case SecretKind::passphrase: {
      std::optional<SecureBytes> text = utf16FromUtf8(secret.bytes.bytes());
      if (!text) return Status(ErrorCode::KEY_MISTYPED, "the passphrase is not valid UTF-8");
      return std::move(*text);
    }
    case SecretKind::startupKey: {
      Result<StartupKey> startup = parseStartupKey(secret.bytes.bytes());
      if (!startup.isOk()) return startup.status();
      startupProtector = startup.value().protector;
      return std::move(startup.value().key);
    }
    case SecretKind::clearKey:
      break;
  }
  return SecureBytes();
}

WrappingKey wrappingKeyFor(const Protector& protector, const SecureBytes& input) {
  switch (protector.kind) {
    case ProtectorKind::recoveryPassword:
      return stretchFor(protector, key::recoveryPassword, input.bytes());
    case ProtectorKind::passphrase:
      return stretchFor(protector, key::passphrase, input.bytes());
    case ProtectorKind::clearKey: {
      const Entry* clear = findEntry(protector.entry->nested, role::property, type::key);
      if (clear == nullptr || clear->payload.size() != 36)
        return Status(ErrorCode::VOLUME_DAMAGED, "the clear key of the volume has the wrong length");
      return SecureBytes(std::span(clear->payload).subspan(4));
    }
    default:
      return SecureBytes(input.bytes());
  }
}

Result<SecureBytes> masterKeyFrom(const Protector& protector, const SecureBytes& input) {
  const Entry* blob = masterKeyBlob(protector);
  if (blob == nullptr)
    return Status(ErrorCode::VOLUME_DAMAGED, "protector " + guidText(protector.identifier) + " holds no master key");
  WrappingKey wrapping = wrappingKeyFor(protector, input);
  if (!wrapping.isOk()) return wrapping;
  return unwrapKey(wrapping.value().bytes(), *blob, key::master, kMasterKeyBytes);
}

Status noneOpens(const Secret& secret, size_t tried, const Guid& startupProtector) {
  if (secret.kind == SecretKind::startupKey && tried == 0)
    return Status(ErrorCode::KEY_WRONG, "the startup key is that of protector " + guidText(startupProtector) +
                                            ", which this volume does not have");
  std::string kind(protectorKindName(protectorFor(secret.kind)));
  return Status(ErrorCode::KEY_WRONG, "the " + kind + " opens none of the " + std::to_string(tried) + " " + kind +
                                          (tried == 1 ? " protector" : " protectors") + " of the volume");
}

}  // namespace

Result<SecureBytes> openMasterKey(const Metadata& metadata, const Secret& secret, Guid& opened) {
  Guid startupProtector{};
  Result<SecureBytes> input = prepareSecret(secret, startupProtector);
  if (!input.isOk()) return input;
  std::vector<Protector> protectors = listProtectors(metadata);
  ProtectorKind wanted = protectorFor(secret.kind);
  // All protectors of the secret's kind are tried: a volume may have several recovery passwords.
  size_t applicable = 0;
  size_t tried = 0;
  Status other;
  for (const Protector& protector : protectors) {
    if (protector.kind != wanted) continue;
    applicable++;
    if (secret.kind == SecretKind::startupKey && protector.identifier != startupProtector) continue;
    tried++;
    Result<SecureBytes> masterKey = masterKeyFrom(protector, input.value());
    if (masterKey.isOk()) {
      opened = protector.identifier;
      return masterKey;
    }
    if (masterKey.status().code() != ErrorCode::KEY_WRONG) other = masterKey.status();
  }
  if (applicable == 0)
    return Status(ErrorCode::KEY_NOT_APPLICABLE, "the volume has no protector of the kind " +
                                                     std::string(protectorKindName(wanted)) +
                                                     "; it has: " + listedKinds(protectors));
  if (!other.isOk()) return other;
  return noneOpens(secret, tried, startupProtector);
}

Status checkSeal(std::span<const std::byte> masterKey, const Metadata& metadata, std::span<const std::byte> copy) {
  Result<SecureBytes> sealed = unwrapKey(masterKey, metadata.validation.seal, key::informationHash, 32);
  if (!sealed.isOk())
    return Status(ErrorCode::VOLUME_DAMAGED,
                  "the seal over the metadata does not open: it was changed by something "
                  "that does not know the master key");
  Sha256Digest found = sha256(informationOf(copy, metadata.block));
  if (equalConstantTime(found, sealed.value().bytes())) return Status::ok();
  return Status(ErrorCode::VOLUME_DAMAGED, "the metadata is not what was sealed: it was changed after it was written");
}

Status openVolumeKey(const Metadata& metadata, Keys& keys) {
  std::optional<size_t> keyBytes = volumeKeyBytes(metadata.dataset.method);
  if (!keyBytes)
    return Status(ErrorCode::VOLUME_UNSUPPORTED,
                  "unknown encryption method " + std::to_string(metadata.dataset.method));
  const Entry* sealed = findEntry(metadata.entries, role::volumeKey, type::sealed);
  if (sealed == nullptr) return Status(ErrorCode::VOLUME_DAMAGED, "the metadata holds no volume key");
  // A volume key that does not open is the volume's fault, not that of the secret.
  Result<SecureBytes> volumeKey = unwrapKey(keys.masterKey.bytes(), *sealed, metadata.dataset.method, *keyBytes);
  if (!volumeKey.isOk())
    return Status(ErrorCode::VOLUME_DAMAGED, "the volume key does not open: " + volumeKey.status().message());
  keys.volumeKey = volumeKey.take();
  keys.method = static_cast<CipherMethod>(metadata.dataset.method);
  return Status::ok();
}

Result<Keys> openKeys(const Metadata& metadata, std::span<const std::byte> copy, const Secret& secret) {
  Keys keys;
  Result<SecureBytes> masterKey = openMasterKey(metadata, secret, keys.protector);
  if (!masterKey.isOk()) return masterKey.status();
  keys.masterKey = masterKey.take();
  DISKFERRY_TRY(checkSeal(keys.masterKey.bytes(), metadata, copy));
  DISKFERRY_TRY(openVolumeKey(metadata, keys));
  return keys;
}

}  // namespace diskferry::bitlocker
