// The records that mkntfs made, and $Secure. Their attributes are of few kinds, each with strict rules, so that damage
// shows although nothing else on the volume repeats their content.
#include <algorithm>
#include <cstring>
#include <set>

#include "hash/crc32.h"
#include "little_endian.h"
#include "ntfs/check_state.h"
#include "ntfs/fixups.h"
#include "ntfs/index_node.h"
#include "ntfs/security.h"

namespace diskferry::ntfs {

namespace {

// The 32 bytes of $UpCase:$Info as mkntfs writes them for the table of Windows 7.
constexpr uint32_t kUpcaseInfoCrc = 0x3661A5B9;

bool isZero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

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
  return at == list.size() ? nullptr : "its access list has bytes behind its last entry";
}

const char* checkViewRoot(const CheckState& state, std::span<const std::byte> value, IndexNode& node) {
  if (value.size() < kIndexRootHeaderBytes || load32(value.data()) != 0 ||
      load32(value.data() + 8) != state.geometry.indexBytes ||
      load32(value.data() + 12) != state.geometry.indexBytes / state.geometry.indexVcnBytes())
    return "its header is damaged";
  if (const char* problem = parseIndexNode(value.subspan(0x10), true, node)) return problem;
  if (node.entriesOffset != 0x10 || node.usedBytes != value.size() - 0x10 || node.allocatedBytes != node.usedBytes ||
      node.hasChildren || load32(value.data() + 0x1C) != 0)
    return "its node header is damaged";
  for (const IndexEntry& entry : node.entries) {
    size_t dataOffset = load16(entry.raw.data());
    size_t dataBytes = load16(entry.raw.data() + 2);
    bool isEmptyEnd = entry.isLast() && entry.raw.size() == kIndexEntryHeaderBytes && entry.key.empty();
    if (load32(entry.raw.data() + 4) != 0 || load16(entry.raw.data() + 0x0E) > 2 || (entry.isLast() && !isEmptyEnd))
      return "an entry's header is damaged";
    if (entry.isLast()) continue;
    if (dataOffset != kIndexEntryHeaderBytes + entry.key.size() ||
        alignUp(dataOffset + dataBytes, 8) != entry.raw.size())
      return "an entry's lengths are damaged";
  }
  return nullptr;
}

std::span<const std::byte> dataOf(const IndexEntry& entry) {
  return entry.raw.subspan(load16(entry.raw.data()), load16(entry.raw.data() + 2));
}

// Quotas of owners ($Q) and their numbers by identifier ($O).
const char* checkQuota(const IndexNode& node, bool isByOwner, uint64_t createdTime) {
  for (const IndexEntry& entry : node.entries) {
    if (entry.isLast()) break;
    std::span<const std::byte> data = dataOf(entry);
    if (!isByOwner) {
      if (sidBytes(entry.key) != entry.key.size() || data.size() != 4) return "an owner is damaged";
      continue;
    }
    if (entry.key.size() != 4 || data.size() < 48 || load32(data.data()) != 2 || load64(data.data() + 8) != 0 ||
        (load64(data.data() + 16) != createdTime && load64(data.data() + 16) != 0) ||
        load64(data.data() + 24) != ~0ull || load64(data.data() + 32) != ~0ull || load64(data.data() + 40) != 0 ||
        (data.size() > 48 && sidBytes(data.subspan(48)) != data.size() - 48))
      return "a quota is damaged";
  }
  return nullptr;
}

const char* checkInformation(const CheckState& state, std::span<const std::byte> value) {
  if (value.size() != 48 && value.size() != kStandardInformationBytes)
    return "its standard information has a wrong length";
  for (size_t i = 0; i < 4; i++)
    if (load64(value.data() + 8 * i) != state.createdTime) return "its times are not those of the volume's making";
  if ((load32(value.data() + 0x20) & ~0x20000026u) != 0 || !isZero(value.subspan(0x24, 12)))
    return "its file attributes are damaged";
  if (value.size() == 48) return nullptr;
  bool isKnown = std::ranges::find(state.securityIds, load32(value.data() + 0x34)) != state.securityIds.end();
  return isKnown && load32(value.data() + 0x30) == 0 && isZero(value.subspan(0x38)) ? nullptr
                                                                                    : "its security id is unknown";
}

// Whole-volume "bad clusters": one sparse run.
const char* checkBadClusters(const CheckState& state, const Attribute& attribute) {
  std::vector<Run> runs;
  uint64_t bytes = state.geometry.clusterCount * state.geometry.clusterBytes;
  bool isGood = attribute.name == u"$Bad" && decodeRuns(attribute.mappingPairs, state.geometry.clusterCount, runs) &&
                runs.size() == 1 && runs[0].isSparse() && runs[0].count == state.geometry.clusterCount &&
                attribute.allocatedBytes == bytes && attribute.dataBytes == bytes && attribute.initializedBytes == 0 &&
                attribute.lowestVcn == 0 && attribute.highestVcn + 1 == runs[0].count;
  return isGood ? nullptr : "its list of bad clusters is damaged";
}

const char* checkAttribute(const CheckState& state, uint32_t number, const Attribute& attribute) {
  switch (attribute.type) {
    case kStandardInformation:
      return checkInformation(state, attribute.value);
    case kSecurityDescriptor:
      return attribute.isNonResident ? nullptr : checkDescriptor(attribute.value);
    case kVolumeInformation:
      if (attribute.value.size() != 12 || !isZero(attribute.value.first(8)) ||
          load16(attribute.value.data() + 8) != 0x0103)
        return "its volume information is damaged";
      return load16(attribute.value.data() + 10) == 0
                 ? nullptr
                 : "the volume is marked dirty, or to be changed at the next mount";
    case kData:
      if (attribute.name == u"$Info" && crc32(attribute.value) != kUpcaseInfoCrc)
        return "its $Info is not the one mkntfs writes";
      if (number == kBadClustersRecord && attribute.isNonResident) return checkBadClusters(state, attribute);
      return nullptr;
    case kIndexRoot: {
      if (attribute.name == u"$I30" || number == kSecureRecord) return nullptr;  // checked elsewhere
      IndexNode node;
      if (const char* problem = checkViewRoot(state, attribute.value, node)) return problem;
      if (number == 24) return checkQuota(node, attribute.name == u"$Q", state.createdTime);
      return nullptr;
    }
    default:
      return nullptr;
  }
}

}  // namespace

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

void checkSystemRecord(CheckState& state, uint32_t number, std::span<const std::byte> raw, const RecordView& view) {
  if (!state.isPristine) {
    if (number != kVolumeRecord) return;
    const Attribute* information = view.find(kVolumeInformation);
    if (information != nullptr && information->value.size() == 12 && (load16(information->value.data() + 10) & 1) != 0)
      state.add("NTFS_DIRTY", Severity::warning, "$Volume", "The volume is marked dirty.");
    return;
  }
  const Attribute* first = view.find(kStandardInformation);
  if (number == kMftRecord && first != nullptr && first->value.size() >= 8)
    state.createdTime = load64(first->value.data());
  std::vector<std::byte> expected(raw.size());
  std::vector<Run> runs;
  uint16_t sequence = number == kMftRecord                            ? 1
                      : number < kFirstNamedRecord || !view.isInUse() ? static_cast<uint16_t>(number)
                                                                      : 1;
  uint16_t links = view.find(kFileName) == nullptr ? 0 : 1;
  RecordBuilder builder(expected, view.number, sequence, links, view.flags);
  for (const Attribute& attribute : view.attributes) {
    if (const char* problem = checkAttribute(state, number, attribute))
      state.damage("NTFS_SYSTEM_RECORD", recordName(number), std::string("It is damaged: ") + problem + ".");
    if (!attribute.isNonResident)
      builder.replaceResident(attribute, attribute.value);
    else if (number == kBadClustersRecord)
      builder.copy(attribute);
    else if (attributeRuns(state.geometry, attribute, runs).isOk() && !runs.empty())
      builder.replaceNonResident(attribute, runs, state.geometry.clusterBytes, attribute.dataBytes);
  }
  bool isBuilt = builder.finish(load16(raw.data() + kRecordHeaderBytes));
  store16(expected.data() + 0x28, std::max(view.nextId, load16(expected.data() + 0x28)));
  if (isBuilt) return compareRecord(state, number, raw, expected);
  state.damage("NTFS_SYSTEM_RECORD", recordName(number), "Its attributes do not fit into it.");
}

namespace {

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
  if (root == nullptr || load32(root->value.data()) != 0) return "an index is missing";
  if (const char* problem = checkViewRoot(state, root->value, node)) return problem;
  auto keyOf = [&](const SecurityEntry& entry) {
    return isByHash ? static_cast<uint64_t>(entry.hash) << 32 | entry.id : entry.id;
  };
  std::ranges::sort(entries, {}, keyOf);
  if (node.entries.size() != entries.size() + 1) return "an index has a wrong number of entries";
  for (size_t i = 0; i < entries.size(); i++) {
    const IndexEntry& found = node.entries[i];
    std::span<const std::byte> key = entries[i].header.subspan(isByHash ? 0 : 4, isByHash ? 8 : 4);
    if (!std::ranges::equal(found.key, key) || !std::ranges::equal(dataOf(found), entries[i].header))
      return "an index and the stream differ";
    std::span<const std::byte> padding =
        found.raw.subspan(kIndexEntryHeaderBytes + key.size() + kSecurityEntryHeaderBytes);
    if (isByHash ? std::memcmp(padding.data(), u"II", 4) != 0 : !isZero(padding))
      return "an index entry's padding is damaged";
  }
  return nullptr;
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
  if (allocated == 0 || allocated > 4 << 20) {
    if (state.isPristine) state.damage("NTFS_SECURITY", "$Secure", "Its stream cannot be found.");
    return Status::ok();
  }
  AlignedBuffer stream(allocated);
  DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, runs, 0, stream.bytes()));
  std::vector<SecurityEntry> entries;
  const char* problem = readSecurityStream(stream.bytes(), data->dataBytes, entries);
  auto isRoot = [&](const Attribute* root) { return root != nullptr && root->value.size() >= kIndexRootHeaderBytes; };
  const Attribute* byHash = view.find(kIndexRoot, u"$SDH");
  const Attribute* byId = view.find(kIndexRoot, u"$SII");
  if (problem == nullptr && (!isRoot(byHash) || !isRoot(byId))) problem = "an index is missing";
  if (problem == nullptr) problem = checkSecurityIndex(state, byHash, entries, true);
  if (problem == nullptr) problem = checkSecurityIndex(state, byId, entries, false);
  for (const SecurityEntry& entry : entries) state.securityIds.push_back(entry.id);
  bool isOurs = std::ranges::find(state.securityIds, kEveryoneSecurityId) != state.securityIds.end();
  if (problem == nullptr && !isOurs) problem = "the descriptor of our files is missing";
  if (problem != nullptr && state.isPristine)
    state.damage("NTFS_SECURITY", "$Secure", std::string("It is damaged: ") + problem + ".");
  return Status::ok();
}

}  // namespace diskferry::ntfs
