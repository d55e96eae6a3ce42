#include "bitlocker/metadata.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "hash/crc32.h"
#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

// Windows nests two levels deep (protector, stretch key, blob); a deeper one is an attack on the stack.
constexpr unsigned kDepthMax = 6;
// Validation header and the shortest seal that Windows writes, the plain key of a decrypted volume.
constexpr size_t kValidationBytesMin = kValidationHeaderBytes + kEntryHeaderBytes;

Status damaged(const std::string& why) { return Status(ErrorCode::VOLUME_DAMAGED, "BitLocker metadata: " + why); }

// Length of a type's own fields before its nested entries; nothing for types without any.
std::optional<size_t> nestedStart(uint16_t type) {
  switch (type) {
    case type::stretchKey:
      return 20;  // key type, flags, salt
    case type::useKey:
      return 4;  // key type, flags
    case type::protector:
      return 28;  // GUID, FILETIME, 0, protection
    case type::externalKey:
      return 24;  // GUID, FILETIME
    default:
      return std::nullopt;
  }
}

Result<std::vector<Entry>> parseLevel(std::span<const std::byte> bytes, uint32_t offsetBytes, unsigned depth) {
  if (depth > kDepthMax) return damaged("entries at " + std::to_string(offsetBytes) + " are nested too deep");
  std::vector<Entry> entries;
  while (!bytes.empty()) {
    size_t length = bytes.size() < kEntryHeaderBytes ? 0 : load16(bytes.data());
    if (length < kEntryHeaderBytes || length > bytes.size())
      return damaged("the entry at " + std::to_string(offsetBytes) + " has a length of " + std::to_string(length) +
                     " with " + std::to_string(bytes.size()) + " bytes left");
    Entry entry;
    entry.role = load16(bytes.data() + 2);
    entry.type = load16(bytes.data() + 4);
    entry.version = load16(bytes.data() + 6);
    entry.offsetBytes = offsetBytes;
    std::span<const std::byte> payload = bytes.subspan(kEntryHeaderBytes, length - kEntryHeaderBytes);
    if (std::optional<size_t> start = nestedStart(entry.type)) {
      if (payload.size() < *start)
        return damaged("the entry at " + std::to_string(offsetBytes) + " is too short for its type");
      auto nestedOffset = static_cast<uint32_t>(offsetBytes + kEntryHeaderBytes + *start);
      Result<std::vector<Entry>> nested = parseLevel(payload.subspan(*start), nestedOffset, depth + 1);
      if (!nested.isOk()) return nested.status();
      entry.nested = nested.take();
      payload = payload.first(*start);
    }
    entry.payload.assign(payload.begin(), payload.end());
    entries.push_back(std::move(entry));
    bytes = bytes.subspan(length);
    offsetBytes += static_cast<uint32_t>(length);
  }
  return entries;
}

Result<DatasetHeader> parseDatasetHeader(std::span<const std::byte> information) {
  const std::byte* from = information.data() + kBlockHeaderBytes;
  DatasetHeader dataset;
  dataset.datasetBytes = load32(from);
  dataset.version = load32(from + 4);
  uint32_t firstEntry = load32(from + 8);
  uint32_t end = load32(from + 12);
  if (dataset.datasetBytes < kDatasetHeaderBytes || dataset.datasetBytes > information.size() - kBlockHeaderBytes)
    return damaged("a dataset of " + std::to_string(dataset.datasetBytes) + " bytes does not fit in " +
                   std::to_string(information.size()) + " bytes of information");
  if (dataset.version != 1 || firstEntry != kDatasetHeaderBytes || end != dataset.datasetBytes)
    return damaged("the dataset header (version " + std::to_string(dataset.version) + ", entries from " +
                   std::to_string(firstEntry) + " to " + std::to_string(end) + ") is not one that Windows writes");
  std::memcpy(dataset.volumeGuid.data(), from + 16, dataset.volumeGuid.size());
  dataset.nextCounter = load32(from + 32);
  dataset.method = load16(from + 36);
  dataset.methodAgain = load16(from + 38);
  dataset.created = load64(from + 40);
  return dataset;
}

Result<Validation> parseValidation(std::span<const std::byte> copy, const BlockHeader& block) {
  std::span<const std::byte> from = copy.subspan(block.informationBytes);
  Validation validation;
  validation.lengthBytes = load16(from.data());
  validation.version = load16(from.data() + 2);
  validation.crc = load32(from.data() + 4);
  size_t sealBytes = load16(from.data() + kValidationHeaderBytes);
  if (sealBytes > from.size() - kValidationHeaderBytes)
    return damaged("a seal of " + std::to_string(sealBytes) + " bytes leaves the copy");
  Result<std::vector<Entry>> seal =
      parseLevel(from.subspan(kValidationHeaderBytes, std::max(sealBytes, size_t{1})),
                 static_cast<uint32_t>(block.informationBytes + kValidationHeaderBytes), 0);
  if (!seal.isOk()) return seal.status();
  validation.seal = std::move(seal.value().front());
  return validation;
}

void appendEntry(std::vector<std::byte>& into, const Entry& entry) {
  size_t start = into.size();
  into.resize(start + kEntryHeaderBytes);
  store16(into.data() + start, static_cast<uint16_t>(entryBytes(entry)));
  store16(into.data() + start + 2, entry.role);
  store16(into.data() + start + 4, entry.type);
  store16(into.data() + start + 6, entry.version);
  into.insert(into.end(), entry.payload.begin(), entry.payload.end());
  for (const Entry& nested : entry.nested) appendEntry(into, nested);
}

}  // namespace

uint64_t SealedBlob::time() const { return load64(nonce.data()); }
uint32_t SealedBlob::counter() const { return load32(nonce.data() + 8); }

Result<BlockHeader> parseBlockHeader(std::span<const std::byte> copy) {
  if (copy.size() < kMetadataBytes) return damaged("a copy has 65536 bytes, not " + std::to_string(copy.size()));
  const std::byte* from = copy.data();
  if (std::memcmp(from, kSignature.data(), kSignature.size()) != 0) return damaged("the signature is missing");
  BlockHeader block;
  block.informationBytes = load16(from + 0x08) * 16u;
  block.version = load16(from + 0x0A);
  if (block.version == 1)
    return Status(ErrorCode::VOLUME_UNSUPPORTED, "BitLocker metadata of version 1 (Windows Vista) is not supported");
  if (block.version != kMetadataVersion) return damaged("unknown version " + std::to_string(block.version));
  if (block.informationBytes < kBlockHeaderBytes + kDatasetHeaderBytes ||
      block.informationBytes > kMetadataBytes - kValidationBytesMin)
    return damaged("information of " + std::to_string(block.informationBytes) + " bytes does not fit in a copy");
  block.currentState = load16(from + 0x0C);
  block.nextState = load16(from + 0x0E);
  block.encryptedBytes = load64(from + 0x10);
  block.stateBytes = load32(from + 0x18);
  block.relocatedSectors = load32(from + 0x1C);
  for (size_t index = 0; index < 3; index++) block.metadataOffsets[index] = load64(from + 0x20 + index * 8);
  block.headerOffset = load64(from + 0x38);
  return block;
}

std::span<const std::byte> informationOf(std::span<const std::byte> copy, const BlockHeader& block) {
  return copy.first(block.informationBytes);
}

Status checkCrc(std::span<const std::byte> copy, const BlockHeader& block) {
  uint32_t stored = load32(copy.data() + block.informationBytes + 4);
  uint32_t found = crc32(informationOf(copy, block));
  if (stored == found) return Status::ok();
  return damaged("the CRC-32 of the information is " + std::to_string(found) + ", the stored one " +
                 std::to_string(stored));
}

Result<Metadata> parseMetadata(std::span<const std::byte> copy) {
  Result<BlockHeader> block = parseBlockHeader(copy);
  if (!block.isOk()) return block.status();
  DISKFERRY_TRY(checkCrc(copy, block.value()));
  Metadata metadata;
  metadata.block = block.take();
  std::span<const std::byte> information = informationOf(copy, metadata.block);
  Result<DatasetHeader> dataset = parseDatasetHeader(information);
  if (!dataset.isOk()) return dataset.status();
  metadata.dataset = dataset.take();
  constexpr uint32_t entriesStart = kBlockHeaderBytes + kDatasetHeaderBytes;
  size_t entriesBytes = metadata.dataset.datasetBytes - kDatasetHeaderBytes;
  Result<std::vector<Entry>> entries = parseLevel(information.subspan(entriesStart, entriesBytes), entriesStart, 0);
  if (!entries.isOk()) return entries.status();
  metadata.entries = entries.take();
  Result<Validation> validation = parseValidation(copy, metadata.block);
  if (!validation.isOk()) return validation.status();
  metadata.validation = validation.take();
  return metadata;
}

Result<std::vector<Entry>> parseEntries(std::span<const std::byte> bytes, uint32_t baseOffsetBytes) {
  return parseLevel(bytes, baseOffsetBytes, 0);
}

size_t entryBytes(const Entry& entry) {
  size_t length = kEntryHeaderBytes + entry.payload.size();
  for (const Entry& nested : entry.nested) length += entryBytes(nested);
  return length;
}

std::vector<std::byte> encodeInformation(const BlockHeader& block, const DatasetHeader& dataset,
                                         std::span<const Entry> entries) {
  std::vector<std::byte> information(kBlockHeaderBytes + kDatasetHeaderBytes);
  for (const Entry& entry : entries) appendEntry(information, entry);
  auto datasetBytes = static_cast<uint32_t>(information.size() - kBlockHeaderBytes);
  information.resize((information.size() + 15) / 16 * 16);

  std::byte* header = information.data();
  std::memcpy(header, kSignature.data(), kSignature.size());
  store16(header + 0x08, static_cast<uint16_t>(information.size() / 16));
  store16(header + 0x0A, block.version);
  store16(header + 0x0C, block.currentState);
  store16(header + 0x0E, block.nextState);
  store64(header + 0x10, block.encryptedBytes);
  store32(header + 0x18, block.stateBytes);
  store32(header + 0x1C, block.relocatedSectors);
  for (size_t index = 0; index < 3; index++) store64(header + 0x20 + index * 8, block.metadataOffsets[index]);
  store64(header + 0x38, block.headerOffset);

  std::byte* set = header + kBlockHeaderBytes;
  store32(set, datasetBytes);
  store32(set + 4, dataset.version);
  store32(set + 8, static_cast<uint32_t>(kDatasetHeaderBytes));
  store32(set + 12, datasetBytes);
  std::memcpy(set + 16, dataset.volumeGuid.data(), dataset.volumeGuid.size());
  store32(set + 32, dataset.nextCounter);
  store16(set + 36, dataset.method);
  store16(set + 38, dataset.methodAgain);
  store64(set + 40, dataset.created);
  return information;
}

std::vector<std::byte> encodeCopy(std::span<const std::byte> information, const Entry& seal) {
  std::vector<std::byte> copy(information.begin(), information.end());
  copy.resize(information.size() + kValidationHeaderBytes);
  std::byte* validation = copy.data() + information.size();
  // The length reaches to the end of the copy and includes the zeros after the seal.
  store16(validation, static_cast<uint16_t>(kMetadataBytes - information.size()));
  store16(validation + 2, kMetadataVersion);
  store32(validation + 4, crc32(information));
  appendEntry(copy, seal);
  copy.resize(kMetadataBytes);
  return copy;
}

std::optional<SealedBlob> sealedBlob(const Entry& entry) {
  SealedBlob blob;
  size_t fixed = blob.nonce.size() + blob.tag.size();
  if (entry.type != type::sealed || entry.payload.size() < fixed) return std::nullopt;
  std::memcpy(blob.nonce.data(), entry.payload.data(), blob.nonce.size());
  std::memcpy(blob.tag.data(), entry.payload.data() + blob.nonce.size(), blob.tag.size());
  blob.ciphertext = std::span(entry.payload).subspan(fixed);
  return blob;
}

const Entry* findEntry(std::span<const Entry> entries, uint16_t role, uint16_t type) {
  auto found = std::find_if(entries.begin(), entries.end(),
                            [&](const Entry& entry) { return entry.role == role && entry.type == type; });
  return found == entries.end() ? nullptr : &*found;
}

std::optional<Relocation> relocationOf(const Metadata& metadata) {
  constexpr size_t extendedBytes = 76;
  const Entry* entry = findEntry(metadata.entries, role::relocation, type::relocation);
  if (entry == nullptr || entry->payload.size() < 16) return std::nullopt;
  const std::byte* from = entry->payload.data();
  Relocation relocation{load64(from), load64(from + 8), 0, 0};
  if (entry->payload.size() >= 16 + extendedBytes) {
    relocation.extraOffsetBytes = load64(from + 16 + 60);
    relocation.extraLengthBytes = load32(from + 16 + 68);
  }
  return relocation;
}

}  // namespace diskferry::bitlocker
