// The bytes of a planned volume's metadata, made on demand: any record, any index block, any part of $Bitmap. Holds
// what writing needs beyond the plan: which files are left out or shorter, and the system records as they will be.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ntfs/index_shape.h"
#include "ntfs/layout_plan.h"

namespace diskferry::ntfs {

// The children of one directory that will be there, and the shape of its index.
struct DirectoryContent {
  struct Child {
    uint32_t node;
    uint32_t record;
  };
  std::vector<Child> children;
  std::vector<uint16_t> entryBytes;
  std::optional<IndexShape> shape;  // absent: the entries stand in the directory's record
};

class LayoutContent {
 public:
  // Fails with INTERNAL when the options name a file that is not planned or a larger size.
  static Result<std::unique_ptr<LayoutContent>> create(const LayoutPlan& plan, const WriteOptions& options);

  // Index blocks that directory `directory` really takes.
  uint32_t blocksOf(uint32_t directory) const;
  DirectoryContent contentOf(uint32_t directory) const;

  // Fills whole records from `firstRecord` on, fix-ups applied. NTFS_UNSUPPORTED when one overflows.
  Status fillRecords(uint32_t firstRecord, std::span<std::byte> into) const;
  void fillMftBitmap(uint64_t offsetBytes, std::span<std::byte> into) const;
  // Whole index blocks from `firstBlock` on; zeros after the last.
  void fillIndexBlocks(const DirectoryContent& content, uint32_t firstBlock, std::span<std::byte> into) const;
  void fillVolumeBitmap(uint64_t offsetBytes, std::span<std::byte> into) const;
  void fillSecurity(uint64_t offsetBytes, std::span<std::byte> into) const;

  // Every cluster that is in use, for fillVolumeBitmap. Metadata first, then seal().
  void addUsed(const ClusterRange& range);
  void seal();

 private:
  explicit LayoutContent(const LayoutPlan& plan) : plan_(plan) {}

  Status applyOptions(const WriteOptions& options);
  Status buildSystemRecords();
  Status buildMftRecord();
  Status buildRootRecord();
  std::span<std::byte> systemRecord(uint32_t number);
  bool isDropped(uint32_t node) const;
  bool buildRecord(uint32_t record, std::span<std::byte> into) const;
  void fillIndexBlock(const DirectoryContent& content, uint32_t block, std::span<std::byte> into) const;
  void describe(uint32_t node, FileName& into, std::u16string& name) const;
  uint64_t actualSize(uint32_t node) const;
  std::vector<Run> runsOf(uint32_t node) const;
  void addDirectoryIndex(RecordBuilder& builder, uint32_t directory) const;
  void addLargeIndex(RecordBuilder& builder, uint32_t directory, uint32_t blocks) const;
  // Writes the key of a child's index entry and returns its reference.
  uint64_t referenceOf(const DirectoryContent::Child& child) const;
  void storeKey(const DirectoryContent::Child& child, std::span<std::byte> key) const;
  size_t keyBytes(const DirectoryContent& content, uint32_t entry) const;

  const LayoutPlan& plan_;
  std::vector<bool> dropped_;  // by file; empty when none is
  std::unordered_map<uint32_t, uint64_t> actualSizes_;
  std::unordered_map<uint32_t, uint32_t> changedBlocks_;  // by directory, where files were dropped
  std::vector<std::byte> systemRecords_;                  // the first 64, fix-ups applied
  std::vector<RootEntry> rootEntries_;                    // with $MFT's new size
  std::vector<std::byte> securityStream_;
  std::vector<ClusterRange> used_;
};

}  // namespace diskferry::ntfs
