// Indexes of other things than names: descriptors by number and by hash, quotas, owners. On a fresh volume all of them
// stand in their record.
#include <algorithm>

#include "little_endian.h"
#include "ntfs/check_state.h"
#include "ntfs/index_node.h"

namespace diskferry::ntfs {

namespace {

constexpr uint32_t kQuotaRecord = 24;

// How a view orders its keys: as a number, as an identifier, as a hash and a number, or as numbers.
uint32_t collationOf(uint32_t record, std::u16string_view name) {
  if (record == kSecureRecord) return name == u"$SDH" ? 0x12 : 0x10;
  if (record == kQuotaRecord) return name == u"$O" ? 0x11 : 0x10;
  return 0x13;
}

// S-1-5-32-544, the administrators: the only owner with a quota of its own.
bool isAdministrators(std::span<const std::byte> identifier) {
  static constexpr uint8_t kBytes[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
  return std::ranges::equal(identifier, std::as_bytes(std::span(kBytes)));
}

// mkntfs knows whole seconds, and a large volume takes it some.
bool isShortlyAfter(uint64_t time, uint64_t createdTime) {
  constexpr uint64_t second = 10'000'000;
  return time >= createdTime && time - createdTime <= 3600 * second && (time - createdTime) % second == 0;
}

// Quotas by number ($Q: 1, the default, and 256) and numbers by owner ($O), as a formatter leaves them: no limits.
const char* checkQuotaEntries(const IndexNode& node, bool isByNumber, uint64_t createdTime) {
  constexpr size_t quotaBytes = 48;
  constexpr uint32_t administratorsNumber = 256;
  constexpr std::byte leftOver{0x20};  // a part of the identifier that mkntfs writes behind its number
  for (const IndexEntry& entry : node.entries) {
    if (entry.isLast()) break;
    std::span<const std::byte> data = viewData(entry);
    std::span<const std::byte> padding = entry.raw.subspan(load16(entry.raw.data()) + data.size());
    bool hasLeftOver = !isByNumber && !padding.empty() && padding[0] == leftOver;
    if (isByNumber ? !isZero(padding) : !hasLeftOver || !isZero(padding.subspan(1)))
      return "an entry's padding is damaged";
    if (!isByNumber) {
      bool isGood = isAdministrators(entry.key) && data.size() == 4 && load32(data.data()) == administratorsNumber;
      if (!isGood) return "an owner is damaged";
      continue;
    }
    if (entry.key.size() != 4 || data.size() < quotaBytes || load32(data.data()) != 2 || load32(data.data() + 4) != 1 ||
        load64(data.data() + 8) != 0 || !isShortlyAfter(load64(data.data() + 16), createdTime) ||
        load64(data.data() + 24) != ~0ull || load64(data.data() + 32) != ~0ull || load64(data.data() + 40) != 0)
      return "a quota is damaged";
    uint32_t number = load32(entry.key.data());
    bool isKnown = number == 1 ? data.size() == quotaBytes
                               : number == administratorsNumber && isAdministrators(data.subspan(quotaBytes));
    if (!isKnown) return "a quota has an unknown owner";
  }
  return nullptr;
}

}  // namespace

const char* checkViewRoot(const CheckState& state, uint32_t record, const Attribute& attribute, IndexNode& node) {
  std::span<const std::byte> value = attribute.value;
  if (value.size() < kIndexRootHeaderBytes || load32(value.data()) != 0 ||
      load32(value.data() + 4) != collationOf(record, attribute.name) ||
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
    bool isEmptyEnd = entry.raw.size() == kIndexEntryHeaderBytes && entry.key.empty() && load64(entry.raw.data()) == 0;
    if (load32(entry.raw.data() + 4) != 0 || load16(entry.raw.data() + 0x0E) != 0 ||
        entry.flags != (entry.isLast() ? kEntryIsLast : 0) || (entry.isLast() && !isEmptyEnd))
      return "an entry's header is damaged";
    if (entry.isLast()) continue;
    if (dataOffset != kIndexEntryHeaderBytes + entry.key.size() ||
        alignUp(dataOffset + dataBytes, 8) != entry.raw.size())
      return "an entry's lengths are damaged";
  }
  return nullptr;
}

std::span<const std::byte> viewData(const IndexEntry& entry) {
  return entry.raw.subspan(load16(entry.raw.data()), load16(entry.raw.data() + 2));
}

const char* checkView(const CheckState& state, uint32_t record, const Attribute& attribute) {
  IndexNode node;
  if (const char* problem = checkViewRoot(state, record, attribute, node)) return problem;
  return record == kQuotaRecord ? checkQuotaEntries(node, attribute.name == u"$Q", state.createdTime) : nullptr;
}

}  // namespace diskferry::ntfs
