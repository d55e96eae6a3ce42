// $ATTRIBUTE_LIST: a file whose attributes do not fit one record names here each of them, and the record it stands in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace diskferry::ntfs {

struct AttributeListEntry {
  uint32_t type = 0;
  uint16_t id = 0;
  uint64_t lowestVcn = 0;  // where this part of an attribute begins, in clusters
  uint64_t reference = 0;  // of the record
  std::u16string name;
};

// NTFS itself allows no longer list.
inline constexpr uint64_t kAttributeListBytesMax = 256 * 1024;

// Replaces `into`. False when an entry leaves the list or its own length.
bool parseAttributeList(std::span<const std::byte> list, std::vector<AttributeListEntry>& into);

}  // namespace diskferry::ntfs
