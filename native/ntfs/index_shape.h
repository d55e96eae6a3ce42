// The shape of a directory's B-tree, computed bottom-up from nothing but the lengths of its entries: leaves are filled
// one after the other, the entry after a full leaf becomes the separator one level up, and so on until a level is one
// block. The root in the directory's record then holds only an end entry that points to that block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace diskferry::ntfs {

class IndexShape {
 public:
  // `entryBytes[i]` is entry i's length in a leaf, in collation order; there is at least one.
  IndexShape(std::span<const uint16_t> entryBytes, size_t blockBytes);

  // Never less than what any subset of the same entries needs, so that files can be dropped after planning. Leaves are
  // monotonous (fewer entries, no more leaves), but separators are not, so upper levels are counted with the longest
  // entry.
  static uint32_t blocksToReserve(std::span<const uint16_t> entryBytes, size_t blockBytes);

  struct Block {
    bool isLeaf;
    uint32_t firstItem;
    uint32_t endItem;  // its right separator, one past its own items
    uint32_t level;
  };

  uint32_t blockCount() const { return blockCount_; }
  // Blocks are numbered leaves first, then level by level; the last is the top.
  Block block(uint32_t index) const;
  // The entry that stands at `item` of `level`, and the number of the block below it on its left.
  uint32_t entryAt(uint32_t level, uint32_t item) const;
  uint32_t childAt(uint32_t level, uint32_t item) const;

 private:
  struct Level {
    uint32_t firstBlock;
    std::vector<uint32_t> starts;
    std::vector<uint32_t> ends;
  };
  static Level pack(std::span<const uint16_t> itemBytes, size_t capacityBytes);

  std::vector<Level> levels_;
  uint32_t blockCount_ = 0;
};

}  // namespace diskferry::ntfs
