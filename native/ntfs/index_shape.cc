#include "ntfs/index_shape.h"

#include <algorithm>

#include "ntfs/index_node.h"

namespace diskferry::ntfs {

namespace {

size_t itemCapacity(size_t blockBytes, bool isLeaf) {
  return indexCapacityBytes(blockBytes) - indexEntryBytes(0, !isLeaf);
}

}  // namespace

IndexShape::Level IndexShape::pack(std::span<const uint16_t> itemBytes, size_t capacityBytes) {
  Level level{0, {0}, {}};
  auto count = static_cast<uint32_t>(itemBytes.size());
  size_t used = 0;
  for (uint32_t item = 0; item < count; item++) {
    if (used + itemBytes[item] <= capacityBytes) {
      used += itemBytes[item];
      continue;
    }
    // This item is the separator. When nothing would remain for the block on its right, the one before it is instead:
    // readers do not expect an empty block.
    uint32_t separator = item + 1 < count ? item : item - 1;
    level.ends.push_back(separator);
    level.starts.push_back(separator + 1);
    used = separator < item ? itemBytes[item] : 0;
  }
  level.ends.push_back(count);
  return level;
}

IndexShape::IndexShape(std::span<const uint16_t> entryBytes, size_t blockBytes) {
  std::vector<uint16_t> items(entryBytes.begin(), entryBytes.end());
  for (bool isLeaf = true;; isLeaf = false) {
    Level level = pack(items, itemCapacity(blockBytes, isLeaf));
    level.firstBlock = blockCount_;
    blockCount_ += static_cast<uint32_t>(level.starts.size());
    std::vector<uint16_t> separators;
    for (size_t i = 0; i + 1 < level.ends.size(); i++)
      separators.push_back(static_cast<uint16_t>(items[level.ends[i]] + (isLeaf ? 8 : 0)));
    levels_.push_back(std::move(level));
    if (separators.empty()) return;
    items = std::move(separators);
  }
}

uint32_t IndexShape::blocksToReserve(std::span<const uint16_t> entryBytes, size_t blockBytes) {
  Level leaves = pack(entryBytes, itemCapacity(blockBytes, true));
  size_t longest = *std::ranges::max_element(entryBytes) + size_t{8};
  size_t itemsInBlock = itemCapacity(blockBytes, false) / longest;
  size_t blocks = leaves.starts.size();
  size_t total = blocks;
  while (blocks > 1) {
    blocks = 1 + (blocks - 1) / (itemsInBlock + 1);  // a block takes its items and the separator after it
    total += blocks;
  }
  return static_cast<uint32_t>(total);
}

IndexShape::Block IndexShape::block(uint32_t index) const {
  uint32_t level = 0;
  while (level + 1 < levels_.size() && index >= levels_[level + 1].firstBlock) level++;
  uint32_t within = index - levels_[level].firstBlock;
  return {level == 0, levels_[level].starts[within], levels_[level].ends[within], level};
}

uint32_t IndexShape::entryAt(uint32_t level, uint32_t item) const {
  while (level > 0) item = levels_[--level].ends[item];
  return item;
}

uint32_t IndexShape::childAt(uint32_t level, uint32_t item) const { return levels_[level - 1].firstBlock + item; }

}  // namespace diskferry::ntfs
