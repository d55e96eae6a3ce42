#include "ntfs/attribute_list.h"

#include <cstring>

#include "little_endian.h"

namespace diskferry::ntfs {

bool parseAttributeList(std::span<const std::byte> list, std::vector<AttributeListEntry>& into) {
  constexpr size_t headerBytes = 0x1A;
  into.clear();
  for (size_t at = 0; at < list.size();) {
    const std::byte* entry = list.data() + at;
    size_t length = list.size() - at < headerBytes ? 0 : load16(entry + 4);
    if (length < headerBytes || length % 8 != 0 || length > list.size() - at) return false;
    size_t nameUnits = static_cast<uint8_t>(entry[6]);
    size_t nameOffset = static_cast<uint8_t>(entry[7]);
    if (nameUnits > 0 && (nameOffset < headerBytes || nameOffset + 2 * nameUnits > length)) return false;
    AttributeListEntry& made = into.emplace_back();
    made.type = load32(entry);
    made.lowestVcn = load64(entry + 8);
    made.reference = load64(entry + 0x10);
    made.id = load16(entry + 0x18);
    made.name.resize(nameUnits);
    std::memcpy(made.name.data(), entry + nameOffset, 2 * nameUnits);
    at += length;
  }
  return true;
}

}  // namespace diskferry::ntfs
