#include "ntfs/security.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "little_endian.h"
#include "ntfs/index_node.h"

namespace diskferry::ntfs {

namespace {

// The entry of $SDS is 92 bytes, and 4 are left to the next multiple of 16: the auditor of ntfs-3g takes stale memory
// for an entry when nothing, or 12 bytes and more, follow the last one.
constexpr std::array<uint8_t, 72> kEveryone = {
    1,  0, 0x04, 0x80,                                       // revision, self-relative with an access list
    48, 0, 0,    0,    60,   0,    0,    0,                  // owner, group
    0,  0, 0,    0,    20,   0,    0,    0,                  // no audit list, access list
    2,  0, 28,   0,    1,    0,    0,    0,                  // the list: revision 2, one entry
    0,  3, 20,   0,    0xFF, 0x01, 0x1F, 0x00,               // allow, inherited by all below, full control
    1,  1, 0,    0,    0,    0,    0,    1,    0,  0, 0, 0,  // S-1-1-0 everyone
    1,  1, 0,    0,    0,    0,    0,    5,    18, 0, 0, 0,  // owner S-1-5-18 the system
    1,  1, 0,    0,    0,    0,    0,    5,    18, 0, 0, 0,  // group
};

Status unsupported(const char* what) {
  return Status(ErrorCode::NTFS_UNSUPPORTED, std::string("$Secure is not as mkntfs makes it: ") + what);
}

uint64_t sortKey(bool isByHash, const std::byte* key) {
  return isByHash ? static_cast<uint64_t>(load32(key)) << 32 | load32(key + 4) : load32(key);
}

// A copy of a view's root value with one more entry.
Result<std::vector<std::byte>> withEntry(const Attribute& root, std::span<const std::byte> entry, bool isByHash) {
  IndexNode node;
  if (root.value.size() < kIndexRootHeaderBytes || parseIndexNode(root.value.subspan(0x10), true, node) != nullptr ||
      node.hasChildren)
    return unsupported("an index cannot be read");
  std::vector<std::byte> value(root.value.begin(), root.value.begin() + kIndexRootHeaderBytes);
  bool isPlaced = false;
  for (const IndexEntry& other : node.entries) {
    if (!other.isLast() && other.key.size() != (isByHash ? 8u : 4u)) return unsupported("an index has other keys");
    bool isNext = other.isLast() || sortKey(isByHash, other.key.data()) > sortKey(isByHash, entry.data() + 0x10);
    if (isNext && !isPlaced) value.insert(value.end(), entry.begin(), entry.end());
    isPlaced = isPlaced || isNext;
    value.insert(value.end(), other.raw.begin(), other.raw.end());
  }
  store32(value.data() + 0x14, static_cast<uint32_t>(value.size() - 0x10));
  store32(value.data() + 0x18, static_cast<uint32_t>(value.size() - 0x10));
  return value;
}

// "Security id -> place" for $SII, "hash, security id -> place" for $SDH, whose data ends with "II".
std::vector<std::byte> indexEntry(std::span<const std::byte> header, bool isByHash) {
  size_t keyBytes = isByHash ? 8 : 4;
  std::vector<std::byte> entry(isByHash ? 0x30 : 0x28);
  store16(entry.data(), static_cast<uint16_t>(kIndexEntryHeaderBytes + keyBytes));
  store16(entry.data() + 2, kSecurityEntryHeaderBytes);
  store16(entry.data() + 8, static_cast<uint16_t>(entry.size()));
  store16(entry.data() + 0x0A, static_cast<uint16_t>(keyBytes));
  std::memcpy(entry.data() + 0x10, header.data() + (isByHash ? 0 : 4), keyBytes);
  std::memcpy(entry.data() + 0x10 + keyBytes, header.data(), kSecurityEntryHeaderBytes);
  if (isByHash) std::memcpy(entry.data() + 0x2C, u"II", 4);
  return entry;
}

}  // namespace

uint32_t securityHash(std::span<const std::byte> descriptor) {
  uint32_t hash = 0;
  for (size_t at = 0; at + 4 <= descriptor.size(); at += 4) hash = load32(descriptor.data() + at) + std::rotl(hash, 3);
  return hash;
}

std::span<const std::byte> everyoneDescriptor() { return std::as_bytes(std::span(kEveryone)); }

Status addEveryoneDescriptor(std::vector<std::byte>& stream, uint64_t allocatedBytes, const RecordView& view,
                             std::span<std::byte> rebuilt) {
  std::span<const std::byte> descriptor = everyoneDescriptor();
  size_t entryBytes = kSecurityEntryHeaderBytes + descriptor.size();
  if (stream.size() <= kSecurityBlockBytes) return unsupported("its stream has no second copy");
  size_t offset = alignUp(stream.size() - kSecurityBlockBytes, 16);
  if (kSecurityBlockBytes + offset + entryBytes > allocatedBytes) return unsupported("its stream has no room");
  stream.resize(kSecurityBlockBytes + offset + entryBytes);
  std::byte* entry = stream.data() + offset;
  store32(entry, securityHash(descriptor));
  store32(entry + 4, kEveryoneSecurityId);
  store64(entry + 8, offset);
  store32(entry + 16, static_cast<uint32_t>(entryBytes));
  std::memcpy(entry + kSecurityEntryHeaderBytes, descriptor.data(), descriptor.size());
  std::memcpy(entry + kSecurityBlockBytes, entry, entryBytes);

  RecordBuilder builder(rebuilt, view.number, view.sequence, view.linkCount, view.flags);
  std::vector<std::byte> copy;
  for (const Attribute& attribute : view.attributes) {
    bool isByHash = attribute.name == u"$SDH";
    if (attribute.type == kData && attribute.name == u"$SDS") {
      copy.assign(attribute.raw.begin(), attribute.raw.end());
      store64(copy.data() + 0x30, stream.size());
      store64(copy.data() + 0x38, stream.size());
      Attribute changed = attribute;
      changed.raw = copy;
      builder.copy(changed);
    } else if (attribute.type == kIndexRoot && (isByHash || attribute.name == u"$SII")) {
      Result<std::vector<std::byte>> value =
          withEntry(attribute, indexEntry(std::span(entry, kSecurityEntryHeaderBytes), isByHash), isByHash);
      if (!value.isOk()) return value.status();
      builder.replaceResident(attribute, value.value());
    } else {
      builder.copy(attribute);
    }
  }
  // Fix-ups are applied when the record is written; finish() here would hide its bytes from later readers.
  return builder.finish() ? Status::ok() : unsupported("its record is full");
}

}  // namespace diskferry::ntfs
