// What only the keys can tell: whether the metadata is what was sealed, and whether every wrapped key is what it should
// be.
#include <string>

#include "bitlocker/check_parts.h"
#include "bitlocker/recovery_password.h"
#include "bitlocker/wrapped_key.h"

namespace diskferry::bitlocker {

namespace {

// The entries that let an unlocked Windows show the recovery password and change keys without it. Ours and those of
// Windows 8 and later have two, Windows 7 one with role 0.
void checkRecoveryEntries(const Protector& protector, const Keys& keys, const Secret& secret, Findings& findings) {
  std::string structure = "protector " + guidText(protector.identifier);
  auto wrong = [&](const std::string& message) { findings.damage("BITLOCKER_RECOVERY_KEY", structure, message); };
  const Entry* stretch = findEntry(protector.entry->nested, role::property, type::stretchKey);
  const Entry* blob = masterKeyBlob(protector);
  if (stretch == nullptr || blob == nullptr) return;  // checkProtectors has said so

  const Entry* password = findEntry(stretch->nested, role::recoveryPassword, type::sealed);
  if (password == nullptr) password = findEntry(stretch->nested, role::property, type::sealed);
  if (password == nullptr) return wrong("the recovery password is not kept for Windows to show");
  Result<SecureBytes> kept = unwrapKey(keys.masterKey.bytes(), *password, key::recoveryPassword, kRecoveryKeyBytes);
  if (!kept.isOk()) wrong("the kept recovery password: " + kept.status().message());
  if (kept.isOk() && secret.kind == SecretKind::recoveryPassword && protector.identifier == keys.protector) {
    Result<SecureBytes> given = parseRecoveryPassword(secret.bytes.bytes());
    if (given.isOk() && !equalConstantTime(given.value().bytes(), kept.value().bytes()))
      wrong("the kept recovery password is not the one that opens the volume");
  }

  const Entry* stretched = findEntry(stretch->nested, role::stretchedKey, type::sealed);
  if (stretched == nullptr) return;
  Result<SecureBytes> key = unwrapKey(keys.masterKey.bytes(), *stretched, key::stretchedRecovery, 32);
  if (!key.isOk()) return wrong("the kept stretched key: " + key.status().message());
  Result<SecureBytes> master = unwrapKey(key.value().bytes(), *blob, key::master, 32);
  if (!master.isOk() || !equalConstantTime(master.value().bytes(), keys.masterKey.bytes()))
    wrong("the kept stretched key does not open the volume");
}

bool isKeyProblem(ErrorCode code) {
  return code == ErrorCode::KEY_MISTYPED || code == ErrorCode::KEY_WRONG || code == ErrorCode::KEY_NOT_APPLICABLE;
}

}  // namespace

Result<std::optional<Keys>> checkKeys(const CheckedCopies& copies, const Secret& secret, Findings& findings) {
  const Metadata& metadata = copies.metadata();
  Keys keys;
  Result<SecureBytes> masterKey = openMasterKey(metadata, secret, keys.protector);
  if (!masterKey.isOk()) {
    if (isKeyProblem(masterKey.status().code())) return masterKey.status();
    findings.damage("BITLOCKER_MASTER_KEY", "metadata", masterKey.status().message());
    return std::optional<Keys>();
  }
  keys.masterKey = masterKey.take();
  bool isSealed = true;
  for (const CheckedCopy& copy : copies.copies) {
    if (!copy.metadata) continue;
    Status seal = checkSeal(keys.masterKey.bytes(), *copy.metadata, copy.bytes);
    if (seal.isOk()) continue;
    findings.damage("BITLOCKER_SEAL", copy.name, seal.message());
    if (&copy == &copies.good()) isSealed = false;
  }
  for (const Protector& protector : listProtectors(metadata))
    if (protector.kind == ProtectorKind::recoveryPassword) checkRecoveryEntries(protector, keys, secret, findings);
  Status volumeKey = openVolumeKey(metadata, keys);
  if (!volumeKey.isOk()) findings.damage("BITLOCKER_VOLUME_KEY", "metadata", volumeKey.message());
  if (!isSealed || !volumeKey.isOk()) return std::optional<Keys>();
  return std::optional<Keys>(std::move(keys));
}

}  // namespace diskferry::bitlocker
