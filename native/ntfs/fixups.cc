#include "ntfs/fixups.h"

#include "little_endian.h"
#include "ntfs/disk_format.h"

namespace diskferry::ntfs {

void applyFixups(std::span<std::byte> block, uint16_t counter) {
  std::byte* array = block.data() + load16(block.data() + 4);
  store16(array, counter);
  for (size_t end = kFixupStrideBytes; end <= block.size(); end += kFixupStrideBytes) {
    array += 2;
    store16(array, load16(block.data() + end - 2));
    store16(block.data() + end - 2, counter);
  }
}

bool removeFixups(std::span<std::byte> block) {
  size_t offset = load16(block.data() + 4);
  size_t count = load16(block.data() + 6);
  if (count != block.size() / kFixupStrideBytes + 1 || offset < 8 || offset % 2 != 0 ||
      offset + 2 * count > kFixupStrideBytes - 2)
    return false;
  const std::byte* array = block.data() + offset;
  uint16_t counter = load16(array);
  for (size_t end = kFixupStrideBytes; end <= block.size(); end += kFixupStrideBytes)
    if (load16(block.data() + end - 2) != counter) return false;
  for (size_t end = kFixupStrideBytes; end <= block.size(); end += kFixupStrideBytes) {
    array += 2;
    store16(block.data() + end - 2, load16(array));
  }
  return true;
}

}  // namespace diskferry::ntfs
