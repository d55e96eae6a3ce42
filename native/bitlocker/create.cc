#include "bitlocker/create.h"

#include <cstring>
#include <string>
#include <string_view>

#include "bitlocker/metadata.h"
#include "bitlocker/protectors.h"
#include "bitlocker/recovery_password.h"
#include "bitlocker/unlock.h"
#include "bitlocker/utf16.h"
#include "bitlocker/wrapped_key.h"
#include "crypto/sha256.h"
#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

constexpr size_t kMasterKeyBytes = 32;
constexpr uint16_t kProtectionRecoveryPassword = 0x0800;
constexpr uint16_t kProtectionPassphrase = 0x2000;
constexpr uint32_t kFirstCounter = 2;  // where Windows volumes start
constexpr size_t kDescriptionUnitsMax = 255;

// Hands out the nonces of one operation: one time, consecutive counters.
class Nonces {
 public:
  explicit Nonces(uint64_t time) : time_(time) {}
  CcmNonce next() { return makeNonce(time_, counter_++); }
  uint32_t counter() const { return counter_; }

 private:
  uint64_t time_;
  uint32_t counter_ = kFirstCounter;
};

// Text entries end with a NUL, which counts.
Result<Entry> textEntry(uint16_t entryRole, std::string_view utf8) {
  std::optional<SecureBytes> text = utf16FromUtf8(std::as_bytes(std::span(utf8)));
  if (!text) return Status(ErrorCode::KEY_MISTYPED, "the description of the volume is not valid UTF-8");
  Entry entry{entryRole, type::text, 1, {}, {}, 0};
  entry.payload.assign(text->bytes().begin(), text->bytes().end());
  entry.payload.resize(entry.payload.size() + 2);
  return entry;
}

Entry protectorEntry(const Guid& identifier, uint64_t time, uint16_t protection) {
  Entry entry{role::protector, type::protector, 1, std::vector<std::byte>(28), {}, 0};
  std::memcpy(entry.payload.data(), identifier.data(), identifier.size());
  store64(entry.payload.data() + 16, time);
  store16(entry.payload.data() + 26, protection);
  return entry;
}

Entry stretchEntry(uint16_t keyType, std::span<const std::byte> salt) {
  Entry entry{role::property, type::stretchKey, 1, std::vector<std::byte>(20), {}, 0};
  store16(entry.payload.data(), keyType);
  std::memcpy(entry.payload.data() + 4, salt.data(), salt.size());
  return entry;
}

// Wraps a key and adds the blob; the parent keeps a failure for later.
class Wrapper {
 public:
  explicit Wrapper(Nonces& nonces) : nonces_(nonces) {}
  void add(std::vector<Entry>& into, std::span<const std::byte> wrappingKey, uint16_t entryRole, uint16_t keyType,
           const SecureBytes& key) {
    Result<Entry> sealed = wrapKey(wrappingKey, nonces_.next(), entryRole, keyType, key.bytes());
    if (sealed.isOk())
      into.push_back(sealed.take());
    else
      status_ = sealed.status();
  }
  const Status& status() const { return status_; }

 private:
  Nonces& nonces_;
  Status status_;
};

Result<Entry> recoveryProtector(const KeyMaterial& keys, Nonces& nonces) {
  SecureBytes stretched = stretchSecret(key::recoveryPassword, keys.recoveryKey.bytes(), keys.recoverySalt);
  std::span<const std::byte> master = keys.masterKey.bytes();
  Wrapper wrapper(nonces);
  Entry stretching = stretchEntry(key::recoveryPassword, keys.recoverySalt);
  wrapper.add(stretching.nested, master, role::recoveryPassword, key::recoveryPassword, keys.recoveryKey);
  wrapper.add(stretching.nested, master, role::stretchedKey, key::stretchedRecovery, stretched);
  Entry protector = protectorEntry(keys.recoveryGuid, keys.keyTime, kProtectionRecoveryPassword);
  // The name that the API and the command line of Windows give to it.
  Result<Entry> name = textEntry(role::property, "DiskPassword");
  if (!name.isOk()) return name;
  protector.nested.push_back(name.take());
  protector.nested.push_back(std::move(stretching));
  wrapper.add(protector.nested, stretched.bytes(), role::property, key::master, keys.masterKey);
  DISKFERRY_TRY(wrapper.status());
  return protector;
}

Result<Entry> passphraseProtector(const SecureBytes& passphrase, const KeyMaterial& keys, Nonces& nonces) {
  std::optional<SecureBytes> text = utf16FromUtf8(passphrase.bytes());
  if (!text || text->size() == 0) return Status(ErrorCode::KEY_MISTYPED, "the passphrase is empty or not valid UTF-8");
  SecureBytes stretched = stretchSecret(key::passphrase, text->bytes(), keys.passphraseSalt);
  Wrapper wrapper(nonces);
  Entry stretching = stretchEntry(key::passphrase, keys.passphraseSalt);
  wrapper.add(stretching.nested, keys.masterKey.bytes(), role::property, key::stretchedPassphrase, stretched);
  Entry protector = protectorEntry(keys.passphraseGuid, keys.keyTime, kProtectionPassphrase);
  protector.nested.push_back(std::move(stretching));
  wrapper.add(protector.nested, stretched.bytes(), role::property, key::master, keys.masterKey);
  DISKFERRY_TRY(wrapper.status());
  return protector;
}

// Offset and length of the header block, then the 76 bytes that Windows 8 and later add. The operating system fields
// are those of Windows 10 build 19041; the flags differ by sector size in all samples.
Entry relocationEntry(const CreateOptions& options) {
  Entry entry{role::relocation, type::relocation, 1, std::vector<std::byte>(16 + 76), {}, 0};
  std::byte* into = entry.payload.data();
  store64(into, options.regions.header);
  store64(into + 8, options.regions.headerBytes);
  std::byte* extended = into + 16;
  store16(extended, uint16_t{5});       // revision
  store16(extended + 2, uint16_t{76});  // length
  store64(extended + 8, uint64_t{options.sectorBytes == 512 ? 0x0Au : 0x0Bu});
  store32(extended + 28, options.sectorBytes);
  store32(extended + 32, options.sectorBytes);
  store32(extended + 36, uint32_t{10});
  store32(extended + 44, uint32_t{19041});
  store32(extended + 48, uint32_t{2});       // platform
  store16(extended + 56, uint16_t{0x0110});  // suites
  extended[58] = std::byte{1};               // product type
  extended[59] = std::byte{2};
  store64(extended + 60, options.regions.extra);
  store32(extended + 68, static_cast<uint32_t>(kExtraAreaBytes));
  return entry;
}

Status checkOptions(const CreateOptions& options) {
  auto refuse = [](const std::string& why) { return Status(ErrorCode::DEVICE_RANGE, "new BitLocker volume: " + why); };
  if (options.sectorBytes != 512 && options.sectorBytes != 4096)
    return refuse("sectors of " + std::to_string(options.sectorBytes) + " bytes; 512 or 4096 are possible");
  if (options.volumeBytes % options.sectorBytes != 0 || options.volumeBytes < 2 * kHeaderBytes)
    return refuse(std::to_string(options.volumeBytes) + " bytes are no size for it");
  if (options.method == CipherMethod::cbc128Diffuser || options.method == CipherMethod::cbc256Diffuser)
    return refuse("the diffuser is for reading old volumes only");
  if (options.regions.extra == 0 || options.regions.headerBytes != kHeaderBytes)
    return refuse("an extra area and a header block of 8192 bytes are needed");
  if (options.description.size() > kDescriptionUnitsMax)
    return refuse("a description of more than " + std::to_string(kDescriptionUnitsMax) + " bytes");
  Status regions = checkRegions(options.regions, options.sectorBytes, options.volumeBytes - options.sectorBytes);
  return regions.isOk() ? regions : refuse(regions.message());
}

Result<KeyMaterial> randomKeys(const CreateOptions& options) {
  KeyMaterial keys;
  keys.recoveryKey = SecureBytes(kRecoveryKeyBytes);
  keys.masterKey = SecureBytes(kMasterKeyBytes);
  keys.volumeKey = SecureBytes(volumeKeyBytes(static_cast<uint16_t>(options.method)).value_or(0));
  for (std::span<std::byte> random :
       {keys.recoveryKey.bytes(), keys.masterKey.bytes(), keys.volumeKey.bytes(),
        std::span<std::byte>(keys.recoverySalt), std::span<std::byte>(keys.passphraseSalt)})
    DISKFERRY_TRY(fillRandom(random));
  for (Guid* guid : {&keys.volumeGuid, &keys.recoveryGuid, &keys.passphraseGuid}) {
    Result<Guid> random = randomGuid();
    if (!random.isOk()) return random.status();
    *guid = random.value();
  }
  // Windows cuts the time of wrapped keys to milliseconds and gives the seal the full one.
  keys.keyTime = options.createdTime - options.createdTime % 10000;
  keys.sealTime = options.createdTime;
  return keys;
}

}  // namespace

Result<std::vector<std::byte>> encodeMetadata(const CreateOptions& options, const KeyMaterial& keys) {
  DISKFERRY_TRY(checkOptions(options));
  Nonces nonces(keys.keyTime);
  std::vector<Entry> entries;
  Status status;
  auto add = [&](Result<Entry> entry) {
    if (entry.isOk())
      entries.push_back(entry.take());
    else if (status.isOk())
      status = entry.status();
  };
  std::span<const std::byte> master = keys.masterKey.bytes();
  auto method = static_cast<uint16_t>(options.method);
  add(textEntry(role::description, options.description));
  add(recoveryProtector(keys, nonces));
  if (options.passphrase) add(passphraseProtector(*options.passphrase, keys, nonces));
  add(wrapKey(master, nonces.next(), role::volumeKey, method, keys.volumeKey.bytes()));
  add(relocationEntry(options));
  DISKFERRY_TRY(status);

  BlockHeader block;
  block.encryptedBytes = options.volumeBytes;
  block.relocatedSectors = static_cast<uint32_t>(options.regions.headerBytes / options.sectorBytes);
  block.metadataOffsets = options.regions.metadata;
  block.headerOffset = options.regions.header;
  DatasetHeader dataset;
  dataset.volumeGuid = keys.volumeGuid;
  dataset.nextCounter = nonces.counter() + 1;  // the seal takes the last one
  dataset.method = method;
  dataset.created = options.createdTime;
  std::vector<std::byte> information = encodeInformation(block, dataset, entries);

  SecureBytes digest{std::span<const std::byte>(sha256(information))};
  Result<Entry> seal =
      wrapKey(master, makeNonce(keys.sealTime, nonces.counter()), role::property, key::informationHash, digest.bytes());
  if (!seal.isOk()) return seal.status();
  return encodeCopy(information, seal.value());
}

Result<Created> createMetadata(const CreateOptions& options) {
  DISKFERRY_TRY(checkOptions(options));
  Result<KeyMaterial> keys = randomKeys(options);
  if (!keys.isOk()) return keys.status();
  Result<std::vector<std::byte>> metadata = encodeMetadata(options, keys.value());
  if (!metadata.isOk()) return metadata.status();
  return Created{metadata.take(), recoveryPasswordText(keys.value().recoveryKey.bytes())};
}

}  // namespace diskferry::bitlocker
