#include "bitlocker/protectors.h"

#include <cstring>
#include <string>

#include "crypto/sha256.h"
#include "crypto/stretch_key.h"
#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

// The high byte decides; the low one carries flags.
ProtectorKind kindOf(uint16_t protection) {
  switch (protection >> 8) {
    case 0x00:
      return ProtectorKind::clearKey;
    case 0x01:
    case 0x04:
    case 0x05:
      return ProtectorKind::tpm;
    case 0x02:
      return ProtectorKind::startupKey;
    case 0x08:
      return ProtectorKind::recoveryPassword;
    case 0x10:
      return ProtectorKind::certificate;
    case 0x20:
      return ProtectorKind::passphrase;
    default:
      return ProtectorKind::other;
  }
}

void wipeEntries(std::vector<Entry>& entries) {
  for (Entry& entry : entries) {
    wipe(entry.payload);
    wipeEntries(entry.nested);
  }
}

// A startup key file: a dataset header whose GUID is the protector's, then an external key entry (role 6, type 9) that
// holds the protector's GUID, a time, a name, on Windows 11 the volume's GUID, and the key.
Result<StartupKey> startupKeyFrom(std::span<const Entry> entries) {
  const Entry* external = findEntry(entries, role::externalKey, type::externalKey);
  const Entry* held = external == nullptr ? nullptr : findEntry(external->nested, role::property, type::key);
  if (held == nullptr || held->payload.size() != 36 || load16(held->payload.data()) != key::external)
    return Status(ErrorCode::KEY_MISTYPED, "startup key file: it holds no external key of 32 bytes");
  StartupKey startup;
  std::memcpy(startup.protector.data(), external->payload.data(), startup.protector.size());
  startup.key = SecureBytes(std::span(held->payload).subspan(4));
  return startup;
}

}  // namespace

std::string_view protectorKindName(ProtectorKind kind) {
  switch (kind) {
    case ProtectorKind::clearKey:
      return "clear-key";
    case ProtectorKind::tpm:
      return "tpm";
    case ProtectorKind::startupKey:
      return "startup-key";
    case ProtectorKind::recoveryPassword:
      return "recovery-password";
    case ProtectorKind::passphrase:
      return "passphrase";
    case ProtectorKind::certificate:
      return "certificate";
    case ProtectorKind::other:
      break;
  }
  return "other";
}

std::vector<Protector> listProtectors(const Metadata& metadata) {
  std::vector<Protector> protectors;
  for (const Entry& entry : metadata.entries) {
    // The parser has made sure of the 28 bytes of a protector.
    if (entry.role != role::protector || entry.type != type::protector) continue;
    Protector protector{};
    protector.protection = load16(entry.payload.data() + 26);
    protector.kind = kindOf(protector.protection);
    std::memcpy(protector.identifier.data(), entry.payload.data(), protector.identifier.size());
    protector.changed = load64(entry.payload.data() + 16);
    protector.entry = &entry;
    protectors.push_back(protector);
  }
  return protectors;
}

const Entry* masterKeyBlob(const Protector& protector) {
  return findEntry(protector.entry->nested, role::property, type::sealed);
}

SecureBytes stretchSecret(uint16_t keyType, std::span<const std::byte> input, std::span<const std::byte> salt16) {
  Sha256Digest hashed = sha256(input);
  if (keyType == key::passphrase) hashed = sha256(hashed);
  SecureBytes stretched = stretchKey(hashed, salt16);
  wipe(hashed);
  return stretched;
}

Result<SecureBytes> stretchFor(const Protector& protector, uint16_t keyType, std::span<const std::byte> input) {
  const Entry* stretch = findEntry(protector.entry->nested, role::property, type::stretchKey);
  if (stretch == nullptr || load16(stretch->payload.data()) != keyType)
    return Status(ErrorCode::VOLUME_DAMAGED, "protector " + guidText(protector.identifier) + " (" +
                                                 std::string(protectorKindName(protector.kind)) +
                                                 ") has no salt for its key");
  return stretchSecret(keyType, input, std::span(stretch->payload).subspan(4));
}

Result<StartupKey> parseStartupKey(std::span<const std::byte> file) {
  constexpr size_t fileBytesMax = 65536;
  auto notOne = [](const std::string& why) { return Status(ErrorCode::KEY_MISTYPED, "startup key file: " + why); };
  if (file.size() < kDatasetHeaderBytes || file.size() > fileBytesMax)
    return notOne(std::to_string(file.size()) + " bytes is not the length of one");
  uint32_t length = load32(file.data());
  if (length < kDatasetHeaderBytes || length > file.size() || load32(file.data() + 8) != kDatasetHeaderBytes)
    return notOne("it does not begin with the header of one");
  Result<std::vector<Entry>> entries =
      parseEntries(file.subspan(kDatasetHeaderBytes, length - kDatasetHeaderBytes), kDatasetHeaderBytes);
  if (!entries.isOk()) return notOne("its entries are damaged");
  Result<StartupKey> startup = startupKeyFrom(entries.value());
  wipeEntries(entries.value());
  return startup;
}

}  // namespace diskferry::bitlocker
