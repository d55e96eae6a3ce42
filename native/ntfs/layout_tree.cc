#include "ntfs/layout_tree.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "little_endian.h"
#include "ntfs/index_node.h"
#include "ntfs/index_shape.h"

namespace diskferry::ntfs {

namespace {

constexpr std::u16string_view kSystemDirectoryName = u"System Volume Information";

Status badColumns(const char* what) {
  return Status(ErrorCode::INTERNAL, std::string("the file tree contradicts itself: ") + what);
}

bool areEndsValid(std::span<const uint32_t> ends, size_t count, size_t bytes) {
  return ends.size() == count && std::ranges::is_sorted(ends) && (ends.empty() ? 0 : ends.back()) <= bytes;
}

uint64_t ticksOf(int64_t unixNs) {
  int64_t ticks = unixNs / 100 - (unixNs % 100 < 0 ? 1 : 0);  // the floor; 64-bit nanoseconds never reach back to 1601
  return static_cast<uint64_t>(ticks + kUnixEpochTicks);
}

}  // namespace

size_t residentIndexCapacity(size_t recordBytes, size_t nameUnits) {
  size_t fixed = firstAttributeOffset(recordBytes) + residentAttributeBytes(0, kStandardInformationBytes) +
                 residentAttributeBytes(0, fileNameBytes(nameUnits)) +
                 residentAttributeBytes(4, kIndexRootHeaderBytes + kIndexEntryHeaderBytes) + 8;
  return fixed < recordBytes ? recordBytes - fixed : 0;
}

Status LayoutTree::copyColumns(const TreeColumns& columns, std::span<const SystemFileGroup> groups) {
  size_t directoryCount = columns.directoryParent.size();
  size_t files = columns.fileDirectory.size();
  if (directoryCount == 0 || directoryCount + files > 1u << 26)
    return badColumns("it has no root or more than 67 million entries");
  if (columns.fileSizeBytes.size() != files || columns.fileModifiedNs.size() != files)
    return badColumns("columns have different lengths");
  parentOf.assign(columns.directoryParent.begin(), columns.directoryParent.end());
  directoryNames_.assign(columns.directoryNames.begin(), columns.directoryNames.end());
  directoryNameEnds_.assign(columns.directoryNameEnds.begin(), columns.directoryNameEnds.end());
  fileNames_.assign(columns.fileNames.begin(), columns.fileNames.end());
  fileNameEnds_.assign(columns.fileNameEnds.begin(), columns.fileNameEnds.end());
  fileDirectory_.assign(columns.fileDirectory.begin(), columns.fileDirectory.end());
  fileCount = static_cast<uint32_t>(files);
  if (!areEndsValid(directoryNameEnds_, directoryCount, directoryNames_.size()) ||
      !areEndsValid(fileNameEnds_, files, fileNames_.size()))
    return badColumns("the ends of names are out of order");
  for (size_t i = 1; i < directoryCount; i++)
    if (parentOf[i] >= i) return badColumns("a directory comes before its parent");
  if (std::ranges::any_of(fileDirectory_, [&](uint32_t directory) { return directory >= directoryCount; }))
    return badColumns("a file is in no directory");
  fileSizes_.reserve(files);
  for (double size : columns.fileSizeBytes) {
    if (!(size >= 0) || size > 9007199254740992.0 || std::floor(size) != size)
      return badColumns("a size is no whole number");
    fileSizes_.push_back(static_cast<uint64_t>(size));
  }
  fileTimes_.reserve(files);
  for (int64_t time : columns.fileModifiedNs) fileTimes_.push_back(ticksOf(time));
  for (const SystemFileGroup& group : groups) {
    for (const SystemFile& file : group.files) {
      std::u16string& name = systemNames_.emplace_back();
      systemSizes_.push_back(file.sizeBytes);
      if (!decodeUtf8(std::as_bytes(std::span(file.name)), name) || refuse(name) || file.sizeBytes == 0)
        return badColumns("a system file has a bad name or no size");
    }
  }
  hasSystemDirectory = !systemNames_.empty();
  if (hasSystemDirectory) parentOf.push_back(0);
  directories.resize(parentOf.size());
  return Status::ok();
}

std::span<const std::byte> LayoutTree::nameBytes(uint32_t node) const {
  bool isFileNode = !isDirectory(node);
  uint32_t index = isFileNode ? fileOf(node) : node;
  const std::vector<uint32_t>& ends = isFileNode ? fileNameEnds_ : directoryNameEnds_;
  uint32_t start = index == 0 ? 0 : ends[index - 1];
  return std::span(isFileNode ? fileNames_ : directoryNames_).subspan(start, ends[index] - start);
}

void LayoutTree::name(uint32_t node, std::u16string& into) const {
  bool isKnown = true;
  if (isDirectory(node) && node == directoryNameEnds_.size())
    into = kSystemDirectoryName;
  else if (isDirectory(node) || isFile(node))
    isKnown = decodeUtf8(nameBytes(node), into);
  else
    into = systemNames_[systemFileOf(node)];
  if (!isKnown) into.clear();  // reported by checkNames
}

uint64_t LayoutTree::sizeBytes(uint32_t node) const {
  if (isDirectory(node)) return 0;
  return isFile(node) ? fileSizes_[fileOf(node)] : systemSizes_[systemFileOf(node)];
}

uint32_t LayoutTree::parent(uint32_t node) const {
  if (isDirectory(node)) return parentOf[node];
  return isFile(node) ? fileDirectory_[fileOf(node)] : static_cast<uint32_t>(directories.size()) - 1;
}

// Directories carry no time of their own in the columns: they get the file system's, which a resumed job keeps.
uint64_t LayoutTree::modifiedTime(uint32_t node) const {
  return isFile(node) ? fileTimes_[fileOf(node)] : createdTime_;
}

uint32_t LayoutTree::attributes(uint32_t node) const {
  if (isFile(node)) return kAttributeArchive;
  bool isSystem = !isDirectory(node) || node == directoryNameEnds_.size();
  return isSystem ? kAttributeHidden | kAttributeSystem : 0;
}

std::span<const uint32_t> LayoutTree::childrenOf(uint32_t directory) const {
  if (directory == 0) return rootOrder;
  return std::span(nodes).subspan(directories[directory].firstChild, directories[directory].childCount);
}

std::string LayoutTree::path(uint32_t directory) const {
  std::vector<uint32_t> chain;
  for (; directory != 0; directory = parentOf[directory]) chain.push_back(directory);
  std::string text;
  std::u16string part;
  for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
    name(*at, part);
    text += '\\';
    appendUtf8(part, text);
  }
  return text.empty() ? "\\" : text;
}

NameProblem LayoutTree::problemOf(uint32_t node, NameReason reason) const {
  return {isDirectory(node), isDirectory(node) ? node : fileOf(node), reason};
}

void LayoutTree::checkNames(const Upcase& upcase, std::vector<NameProblem>& problems) const {
  std::u16string name;
  auto check = [&](uint32_t node, uint32_t parent) {
    std::optional<NameReason> reason =
        decodeUtf8(nameBytes(node), name) ? refuse(name) : std::optional(NameReason::invalidUtf8);
    // Windows makes this one itself when there is none.
    if (!reason && parent == 0 && upcase.compare(name, kSystemDirectoryName) == 0) reason = NameReason::reserved;
    if (reason) problems.push_back(problemOf(node, *reason));
  };
  auto directoryCount = static_cast<uint32_t>(directories.size());
  for (uint32_t i = 1; i < directoryNameEnds_.size(); i++) check(i, parentOf[i]);
  for (uint32_t i = 0; i < fileCount; i++) check(directoryCount + i, fileDirectory_[i]);
}

void LayoutTree::reportEqual(std::span<const SortedName> equal, std::vector<NameProblem>& problems) const {
  auto isOurs = [&](const SortedName& item) { return !isDirectory(item.node) && !isFile(item.node); };
  auto isSystemDirectory = [&](const SortedName& item) {
    return isDirectory(item.node) && item.node == directoryNameEnds_.size();
  };
  if (std::ranges::any_of(equal, isSystemDirectory)) return;  // reported by checkNames
  bool isReserved = std::ranges::any_of(equal, isOurs);
  const SortedName& first = *std::ranges::min_element(equal, {}, &SortedName::node);
  for (const SortedName& item : equal) {
    if (isOurs(item) || (!isReserved && item.node == first.node)) continue;
    NameProblem problem = problemOf(item.node, isReserved ? NameReason::reserved : NameReason::duplicate);
    if (!isReserved) {
      NameProblem other = problemOf(first.node, NameReason::duplicate);
      problem.hasOther = true;
      problem.otherIsDirectory = other.isDirectory;
      problem.otherIndex = other.index;
    }
    problems.push_back(problem);
  }
}

void LayoutTree::sortChildren(uint32_t directory, std::span<uint32_t> children, const SystemFiles& system,
                              std::vector<uint16_t>& entryBytes, std::vector<NameProblem>& problems) {
  std::vector<char16_t> keys;
  std::vector<SortedName> items;
  std::u16string text;
  bool isNarrow = true;  // every unit fits a byte
  auto add = [&](uint32_t node) {
    items.push_back({0, keys.size(), node, static_cast<uint16_t>(text.size())});
    for (char16_t unit : text) {
      keys.push_back(std::max<char16_t>(system.upcase(unit), 1));  // zero pads prefixes; no valid name has it
      isNarrow = isNarrow && keys.back() < 256;
    }
  };
  items.reserve(children.size() + (directory == 0 ? system.rootEntries.size() : 0));
  for (uint32_t node : children) {
    name(node, text);
    if (text.size() > kNameUnitsMax) text.clear();  // reported already
    add(node);
  }
  if (directory == 0) {
    for (uint32_t i = 0; i < system.rootEntries.size(); i++) {
      text = system.rootEntries[i].name;
      add(kRootEntryBit | i);
    }
  }
  sortNames(items, keys, 0, isNarrow);
  for (size_t at = 0; at < items.size();) {
    size_t end = at + 1;
    while (end < items.size() && keyOf(keys, items[end]) == keyOf(keys, items[at])) end++;
    bool isValid = items[at].units > 0;
    if (end - at > 1 && isValid) reportEqual(std::span(items).subspan(at, end - at), problems);
    at = end;
  }
  entryBytes.clear();
  size_t next = 0;
  for (const SortedName& item : items) {
    entryBytes.push_back(static_cast<uint16_t>(indexEntryBytes(fileNameBytes(item.units), false)));
    if ((item.node & kRootEntryBit) == 0) children[next++] = item.node;
    if (directory == 0) rootOrder.push_back(item.node);
  }
}

void LayoutTree::order(const SystemFiles& system, const Geometry& geometry, std::vector<NameProblem>& problems) {
  auto directoryCount = static_cast<uint32_t>(directories.size());
  size_t total = directoryCount - 1 + fileCount + systemNames_.size();
  // Children grouped by directory, by counting.
  std::vector<uint32_t> starts(directoryCount + 1);
  for (uint32_t directory = 1; directory < directoryCount; directory++) starts[parentOf[directory] + 1]++;
  for (uint32_t parent : fileDirectory_) starts[parent + 1]++;
  if (hasSystemDirectory) starts[directoryCount] += static_cast<uint32_t>(systemNames_.size());
  for (size_t i = 1; i < starts.size(); i++) starts[i] += starts[i - 1];
  std::vector<uint32_t> grouped(total);
  std::vector<uint32_t> cursor(starts.begin(), starts.end() - 1);
  for (uint32_t directory = 1; directory < directoryCount; directory++)
    grouped[cursor[parentOf[directory]]++] = directory;
  for (uint32_t file = 0; file < fileCount; file++) grouped[cursor[fileDirectory_[file]]++] = directoryCount + file;
  for (uint32_t i = 0; i < systemNames_.size(); i++)
    grouped[cursor[directoryCount - 1]++] = directoryCount + fileCount + i;
  cursor = {};

  nodes.reserve(total);
  directoryOrder.push_back(0);
  directories[0].record = kRootRecord;
  std::vector<uint16_t> entryBytes;
  std::u16string ownName;
  for (size_t i = 0; i < directoryOrder.size(); i++) {
    uint32_t directory = directoryOrder[i];
    LayoutDirectory& entry = directories[directory];
    auto children = std::span(grouped).subspan(starts[directory], starts[directory + 1] - starts[directory]);
    sortChildren(directory, children, system, entryBytes, problems);
    entry.firstChild = static_cast<uint32_t>(nodes.size());
    entry.childCount = static_cast<uint32_t>(children.size());
    for (uint32_t node : children) {
      if (isDirectory(node)) {
        directories[node].record = kFirstUserRecord + static_cast<uint32_t>(nodes.size());
        directoryOrder.push_back(node);
      }
      nodes.push_back(node);
    }
    size_t bytes = 0;
    for (uint16_t length : entryBytes) bytes += length;
    name(directory, ownName);
    bool isResident = directory != 0 && bytes <= residentIndexCapacity(geometry.recordBytes, ownName.size());
    if (isResident) continue;
    entry.blocks = IndexShape(entryBytes, geometry.indexBytes).blockCount();
    entry.reservedBlocks = IndexShape::blocksToReserve(entryBytes, geometry.indexBytes);
  }
}

Result<LayoutTree> LayoutTree::build(const TreeColumns& columns, std::span<const SystemFileGroup> groups,
                                     const SystemFiles& system, const Geometry& geometry,
                                     std::vector<NameProblem>& problems) {
  LayoutTree tree;
  tree.createdTime_ = system.createdTime;
  DISKFERRY_TRY(tree.copyColumns(columns, groups));
  tree.checkNames(system.upcase, problems);
  tree.order(system, geometry, problems);
  if (problems.empty()) return tree;
  std::ranges::sort(problems, {}, [](const NameProblem& problem) {
    return std::tuple(!problem.isDirectory, problem.index, problem.reason);
  });
  return Status(ErrorCode::NTFS_NAMES, std::to_string(problems.size()) + " names cannot stand on an NTFS volume");
}

}  // namespace diskferry::ntfs
