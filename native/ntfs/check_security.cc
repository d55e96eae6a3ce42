// $Secure: every descriptor is well-formed and stands twice in the stream, and both indexes agree with the stream.
#include <algorithm>
#include <cstring>

#include "little_endian.h"
#include "ntfs/check_state.h"
#include "ntfs/index_node.h"
#include "ntfs/security.h"

namespace diskferry::ntfs {

namespace {

constexpr uint64_t kStreamBytesMax = 4 << 20;

// Length of the security identifier at the start of `bytes`; 0 when it is none.
size_t sidBytes(std::span<const std::byte> bytes) {
  if (bytes.size() < 8 || bytes[0] != std::byte{1}) return 0;
  size_t parts = static_cast<uint8_t>(bytes[1]);
  bool isKnownAuthority = isZero(bytes.subspan(2, 5)) && (bytes[7] == std::byte{1} || bytes[7] == std::byte{5});
  if (parts == 0 || parts > 5 || !isKnownAuthority || bytes.size() < 8 + 4 * parts) return 0;
  return 8 + 4 * parts;
}

const char* checkAccessList(std::span<const std::byte> list) {
  if (list.size() < 8 || load16(list.data()) != 2 || load16(list.data() + 2) != list.size() ||
      load16(list.data() + 6) != 0)
    return "its access list has a wrong header";
  size_t at = 8;
  for (unsigned left = load16(list.data() + 4); left > 0; left--) {
    size_t length = list.size() - at < 16 ? 0 : load16(list.data() + at + 2);
    if (length < 16 || length > list.size() - at || load16(list.data() + at) > 0x1F00 || list[at] != std::byte{0} ||
        sidBytes(list.subspan(at + 8, length - 8)) != length - 8)
      return "an entry of its access list is damaged";
    at += length;
  }
  // The root's has room for more.
  return isZero(list.subspan(at)) ? nullptr : "its access list has bytes behind its last entry";
}

// Null, or what is wrong with a self-relative security descriptor.
const char* checkDescriptor(std::span<const std::byte> descriptor) {
  if (descriptor.size() < 20 || load16(descriptor.data()) != 1 || load16(descriptor.data() + 2) != 0x8004 ||
      load32(descriptor.data() + 12) != 0)
    return "its security descriptor has a wrong header";
  size_t owner = load32(descriptor.data() + 4);
  size_t group = load32(descriptor.data() + 8);
  size_t list = load32(descriptor.data() + 16);
  if (list != 20 || owner <= list || owner > descriptor.size() || group <= owner || group > descriptor.size())
    return "its security descriptor's parts are out of place";
  if (sidBytes(descriptor.subspan(owner, group - owner)) != group - owner ||
      sidBytes(descriptor.subspan(group)) != descriptor.size() - group)
    return "its security descriptor's owner is damaged";
  return checkAccessList(descriptor.subspan(list, owner - list));
}

struct SecurityEntry {
  uint32_t hash;
  uint32_t id;
  std::span<const std::byte> header;
};

// Everything in the first copy of the stream; the second must equal it.
const char* readSecurityStream(std::span<const std::byte> stream, uint64_t dataBytes,
                               std::vector<SecurityEntry>& entries) {
  if (dataBytes <= kSecurityBlockBytes || dataBytes > 2 * kSecurityBlockBytes || stream.size() < dataBytes)
    return "its stream has a wrong length";
  size_t used = dataBytes - kSecurityBlockBytes;
  size_t at = 0;
  size_t end = 0;
  while (at < used) {
    size_t length = used - at < kSecurityEntryHeaderBytes ? 0 : load32(stream.data() + at + 16);
    if (length < kSecurityEntryHeaderBytes || length > used - at || load64(stream.data() + at + 8) != at)
      return "an entry's header is damaged";
    std::span<const std::byte> descriptor =
        stream.subspan(at + kSecurityEntryHeaderBytes, length - kSecurityEntryHeaderBytes);
    if (securityHash(descriptor) != load32(stream.data() + at)) return "an entry's hash differs";
    if (const char* problem = checkDescriptor(descriptor)) return problem;
    entries.push_back(
        {load32(stream.data() + at), load32(stream.data() + at + 4), stream.subspan(at, kSecurityEntryHeaderBytes)});
    if (!isZero(stream.subspan(end, at - end))) return "bytes stand between entries";
    end = at + length;
    at = alignUp(end, 16);
  }
  if (std::memcmp(stream.data(), stream.data() + kSecurityBlockBytes, used) != 0) return "its two copies differ";
  if (!isZero(stream.subspan(end, kSecurityBlockBytes - end)) || !isZero(stream.subspan(dataBytes)))
    return "bytes stand behind the last entry";
  return nullptr;
}

const char* checkSecurityIndex(const CheckState& state, const Attribute* root, std::vector<SecurityEntry> entries,
                               bool isByHash) {
  IndexNode node;
  if (root == nullptr) return "an index is missing";
  if (const char* problem = checkViewRoot(state, kSecureRecord, *root, node)) return problem;
  auto keyOf = [&](const SecurityEntry& entry) {
    return isByHash ? static_cast<uint64_t>(entry.hash) << 32 | entry.id : entry.id;
  };
  std::ranges::sort(entries, {}, keyOf);
  if (node.entries.size() != entries.size() + 1) return "an index has a wrong number of entries";
  for (size_t i = 0; i < entries.size(); i++) {
    const IndexEntry& found = node.entries[i];
    std::span<const std::byte> key = entries[i].header.subspan(isByHash ? 0 : 4, isByHash ? 8 : 4);
    if (!std::ranges::equal(found.key, key) || !std::ranges::equal(viewData(found), entries[i].header))
      return "an index and the stream differ";
    std::span<const std::byte> padding =
        found.raw.subspan(kIndexEntryHeaderBytes + key.size() + kSecurityEntryHeaderBytes);
    if (isByHash ? std::memcmp(padding.data(), u"II", 4) != 0 : !isZero(padding))
      return "an index entry's padding is damaged";
  }
  return nullptr;
}

}  // namespace

namespace {

// The root's own descriptor is too long for its record.
Status checkRootDescriptor(CheckState& state) {
  AlignedBuffer record(state.geometry.recordBytes);
  RecordView view;
  Status status = state.volume.mft().readRecord(state.volume.sectors(), kRootRecord, record.bytes(), view);
  if (!status.isOk()) return status.code() == ErrorCode::NTFS_DAMAGED ? Status::ok() : status;
  const Attribute* attribute = view.find(kSecurityDescriptor);
  std::vector<Run> runs;
  if (attribute == nullptr || !attributeRuns(state.geometry, *attribute, runs).isOk()) return Status::ok();
  uint64_t allocated = clustersOf(runs) * state.geometry.clusterBytes;
  if (allocated > kStreamBytesMax) return Status::ok();
  AlignedBuffer content(allocated);
  DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, runs, 0, content.bytes()));
  std::span<const std::byte> bytes = content.bytes();
  auto used = static_cast<size_t>(attribute->dataBytes);
  const char* problem = checkDescriptor(bytes.first(used));
  if (problem == nullptr && !isZero(bytes.subspan(used))) problem = "bytes stand behind its security descriptor";
  if (problem != nullptr)
    state.damageRecord("NTFS_SECURITY", kRootRecord, std::string("It is damaged: ") + problem + ".");
  return Status::ok();
}

}  // namespace

Status checkSecurity(CheckState& state) {
  AlignedBuffer record(state.geometry.recordBytes);
  RecordView view;
  Status status = state.volume.mft().readRecord(state.volume.sectors(), kSecureRecord, record.bytes(), view);
  if (!status.isOk())
    return status.code() == ErrorCode::NTFS_DAMAGED ? Status::ok() : status;  // reported with the records
  const Attribute* data = view.find(kData, u"$SDS");
  std::vector<Run> runs;
  uint64_t allocated = 0;
  if (data != nullptr && attributeRuns(state.geometry, *data, runs).isOk())
    allocated = clustersOf(runs) * state.geometry.clusterBytes;
  bool isExact = state.isPristine && fixupCounter(record.bytes()) == 1;
  if (isExact) DISKFERRY_TRY(checkRootDescriptor(state));
  if (allocated == 0 || allocated > kStreamBytesMax) {
    if (isExact) state.damage("NTFS_SECURITY", "$Secure", "Its stream cannot be found.");
    return Status::ok();
  }
  AlignedBuffer stream(allocated);
  DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, runs, 0, stream.bytes()));
  std::vector<SecurityEntry> entries;
  const char* problem = readSecurityStream(stream.bytes(), data->dataBytes, entries);
  if (problem == nullptr) problem = checkSecurityIndex(state, view.find(kIndexRoot, u"$SDH"), entries, true);
  if (problem == nullptr) problem = checkSecurityIndex(state, view.find(kIndexRoot, u"$SII"), entries, false);
  for (const SecurityEntry& entry : entries) state.securityIds.push_back(entry.id);
  state.areSecurityIdsComplete = problem == nullptr;
  bool isOurs = std::ranges::find(state.securityIds, kEveryoneSecurityId) != state.securityIds.end();
  if (problem == nullptr && !isOurs) problem = "the descriptor of our files is missing";
  if (problem != nullptr && isExact)
    state.damage("NTFS_SECURITY", "$Secure", std::string("It is damaged: ") + problem + ".");
  return Status::ok();
}

}  // namespace diskferry::ntfs
