// The tree that is laid out: names checked, every directory's children in collation order, records numbered. A "node"
// is a directory, a file or a system file, in that order of numbers. Records are given breadth-first, so the children
// of a directory have consecutive records, in the order of its index: one array serves as both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ntfs/layout.h"
#include "ntfs/name_sort.h"
#include "ntfs/record.h"
#include "ntfs/system_files.h"

namespace diskferry::ntfs {

struct LayoutDirectory {
  uint32_t record = 0;
  uint32_t firstChild = 0;  // in LayoutTree::nodes
  uint32_t childCount = 0;
  uint32_t blocks = 0;          // of its index; 0: everything fits into its record
  uint32_t reservedBlocks = 0;  // at least `blocks`, for the case that files are dropped later
  uint32_t firstCluster = 0;    // of its slice of the index area
};

class LayoutTree {
 public:
  // A child of the root that mkntfs made: bit 31 and its place in SystemFiles::rootEntries.
  static constexpr uint32_t kRootEntryBit = 0x80000000u;

  // Fails with INTERNAL (bad columns) or NTFS_NAMES.
  static Result<LayoutTree> build(const TreeColumns& columns, std::span<const SystemFileGroup> groups,
                                  const SystemFiles& system, const Geometry& geometry,
                                  std::vector<NameProblem>& problems);

  bool isDirectory(uint32_t node) const { return node < directories.size(); }
  bool isFile(uint32_t node) const { return !isDirectory(node) && node - directories.size() < fileCount; }
  uint32_t fileOf(uint32_t node) const { return node - static_cast<uint32_t>(directories.size()); }
  uint32_t systemFileOf(uint32_t node) const { return fileOf(node) - fileCount; }
  // Replaces `into`; empty for what is not well-formed, which build() refuses.
  void name(uint32_t node, std::u16string& into) const;
  uint32_t nodeOfFile(uint32_t file) const { return static_cast<uint32_t>(directories.size()) + file; }
  uint64_t fileSizeBytes(uint32_t file) const { return fileSizes_[file]; }
  uint64_t sizeBytes(uint32_t node) const;
  uint32_t parent(uint32_t node) const;
  uint64_t modifiedTime(uint32_t node) const;
  uint32_t attributes(uint32_t node) const;
  // "\a\b" for messages; "\" for the root.
  std::string path(uint32_t directory) const;
  std::span<const uint32_t> childrenOf(uint32_t directory) const;

  std::vector<LayoutDirectory> directories;  // System Volume Information is the last, if there is one
  std::vector<uint32_t> directoryOrder;      // by record, the root first
  std::vector<uint32_t> nodes;               // nodes[i] has record kFirstUserRecord + i
  std::vector<uint32_t> rootOrder;           // the root's children with mkntfs's entries among them
  std::vector<uint32_t> parentOf;            // of directories
  uint32_t fileCount = 0;
  bool hasSystemDirectory = false;

 private:
  Status copyColumns(const TreeColumns& columns, std::span<const SystemFileGroup> groups);
  void checkNames(const Upcase& upcase, std::vector<NameProblem>& problems) const;
  void order(const SystemFiles& system, const Geometry& geometry, std::vector<NameProblem>& problems);
  void sortChildren(uint32_t directory, std::span<uint32_t> children, const SystemFiles& system,
                    std::vector<uint16_t>& entryBytes, std::vector<NameProblem>& problems);
  void reportEqual(std::span<const SortedName> equal, std::vector<NameProblem>& problems) const;
  NameProblem problemOf(uint32_t node, NameReason reason) const;
  std::span<const std::byte> nameBytes(uint32_t node) const;

  std::vector<std::byte> directoryNames_;
  std::vector<uint32_t> directoryNameEnds_;
  std::vector<std::byte> fileNames_;
  std::vector<uint32_t> fileNameEnds_;
  std::vector<uint32_t> fileDirectory_;
  std::vector<uint64_t> fileSizes_;
  std::vector<uint64_t> fileTimes_;
  std::vector<std::u16string> systemNames_;
  std::vector<uint64_t> systemSizes_;
  uint64_t createdTime_ = 0;
};

// Bytes that are left for index entries in a new directory's record.
size_t residentIndexCapacity(size_t recordBytes, size_t nameUnits);

}  // namespace diskferry::ntfs
