// Index nodes, in $INDEX_ROOT and in INDX blocks: reading one with every length checked, and writing one entry by
// entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ntfs/disk_format.h"

namespace diskferry::ntfs {

struct IndexEntry {
  uint64_t reference = 0;  // file indexes; views keep data offset and length here
  uint16_t flags = 0;
  std::span<const std::byte> key;
  std::span<const std::byte> raw;
  uint64_t childVcn = 0;

  bool hasChild() const { return (flags & kEntryHasChild) != 0; }
  bool isLast() const { return (flags & kEntryIsLast) != 0; }
};

struct IndexNode {
  bool hasChildren = false;
  uint32_t entriesOffset = 0;  // these three from the node header
  uint32_t usedBytes = 0;
  uint32_t allocatedBytes = 0;
  std::vector<IndexEntry> entries;  // the end entry last
};

// `node` begins at the node header. Null, or what is wrong. Views (indexes of other things than names) keep data behind
// their keys, so the caller says which kind it is.
const char* parseIndexNode(std::span<const std::byte> node, bool isView, IndexNode& into);
// The node of an INDX block whose fix-ups are removed. Null, or what is wrong.
const char* parseIndexBlock(std::span<const std::byte> block, uint64_t expectedVcn, bool isView, IndexNode& into);

// Where entries begin in an INDX block of ours, and how many bytes of entries it holds.
constexpr size_t indexEntriesStart(size_t blockBytes) {
  return alignUp(kIndexBlockHeaderBytes + 2 * (blockBytes / kFixupStrideBytes + 1), 8);
}
constexpr size_t indexCapacityBytes(size_t blockBytes) { return blockBytes - indexEntriesStart(blockBytes); }
constexpr size_t indexEntryBytes(size_t keyBytes, bool hasChild) {
  return alignUp(kIndexEntryHeaderBytes + keyBytes, 8) + (hasChild ? 8 : 0);
}

// Fills one node. The caller has computed that everything fits.
class IndexNodeWriter {
 public:
  // Writes an INDX block's header. `block` is cleared.
  static IndexNodeWriter forBlock(std::span<std::byte> block, uint64_t vcn, bool hasChildren);
  // `value` is a whole $INDEX_ROOT value for names, cleared; `indexBytes` and `clusterBytes` as in the boot sector.
  static IndexNodeWriter forRoot(std::span<std::byte> value, uint32_t indexBytes, uint32_t clusterBytes,
                                 bool hasChildren);

  // Returns the key's place, cleared.
  std::span<std::byte> add(uint64_t reference, size_t keyBytes, uint64_t childVcn);
  void addEnd(uint64_t childVcn);
  // Writes the lengths.
  void finish();

 private:
  IndexNodeWriter(std::span<std::byte> node, size_t entriesOffset, bool hasChildren);

  std::span<std::byte> node_;  // from the node header
  size_t used_;
  bool hasChildren_;
};

}  // namespace diskferry::ntfs
