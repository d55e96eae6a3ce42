#include "ntfs/layout_content.h"

#include <algorithm>
#include <cstring>

#include "little_endian.h"
#include "ntfs/bitmap_bits.h"
#include "ntfs/fixups.h"
#include "ntfs/index_node.h"

namespace diskferry::ntfs {

namespace {

Status wrongOption(const std::string& what) { return Status(ErrorCode::INTERNAL, "writing the layout: " + what); }

std::vector<std::byte> blockBitmap(uint32_t blocks) {
  std::vector<std::byte> bits(indexBitmapBytes(blocks));
  for (uint32_t i = 0; i < blocks; i++) bits[i / 8] |= static_cast<std::byte>(1 << (i % 8));
  return bits;
}

}  // namespace

Result<std::unique_ptr<LayoutContent>> LayoutContent::create(const LayoutPlan& plan, const WriteOptions& options) {
  std::unique_ptr<LayoutContent> content(new LayoutContent(plan));
  DISKFERRY_TRY(content->applyOptions(options));
  DISKFERRY_TRY(content->buildSystemRecords());
  return content;
}

Status LayoutContent::applyOptions(const WriteOptions& options) {
  const LayoutTree& tree = plan_.tree;
  for (const auto& [file, size] : options.actualSizes) {
    if (file >= tree.fileCount || size > tree.fileSizeBytes(file))
      return wrongOption("file " + std::to_string(file) + " cannot become " + std::to_string(size) + " bytes");
    actualSizes_[file] = size;
  }
  if (options.droppedFiles.empty()) return Status::ok();
  dropped_.resize(tree.fileCount);
  std::vector<uint32_t> touched;
  for (uint32_t file : options.droppedFiles) {
    if (file >= tree.fileCount) return wrongOption("no file " + std::to_string(file) + " to leave out");
    dropped_[file] = true;
    touched.push_back(tree.parent(tree.nodeOfFile(file)));
  }
  std::ranges::sort(touched);
  touched.erase(std::ranges::unique(touched).begin(), touched.end());
  for (uint32_t directory : touched) {
    DirectoryContent content = contentOf(directory);
    uint32_t blocks = content.shape ? content.shape->blockCount() : 0;
    if (blocks > tree.directories[directory].reservedBlocks) return wrongOption("an index grew by leaving out a file");
    changedBlocks_[directory] = blocks;
  }
  return Status::ok();
}

bool LayoutContent::isDropped(uint32_t node) const {
  return !dropped_.empty() && plan_.tree.isFile(node) && dropped_[plan_.tree.fileOf(node)];
}

uint32_t LayoutContent::blocksOf(uint32_t directory) const {
  auto changed = changedBlocks_.find(directory);
  return changed != changedBlocks_.end() ? changed->second : plan_.tree.directories[directory].blocks;
}

DirectoryContent LayoutContent::contentOf(uint32_t directory) const {
  const LayoutTree& tree = plan_.tree;
  DirectoryContent content;
  std::u16string name;
  uint32_t record = kFirstUserRecord + tree.directories[directory].firstChild;
  size_t total = 0;
  for (uint32_t node : tree.childrenOf(directory)) {
    bool isRootEntry = (node & LayoutTree::kRootEntryBit) != 0;
    uint32_t own = isRootEntry ? 0 : record++;
    if (!isRootEntry && isDropped(node)) continue;
    size_t units;
    if (isRootEntry) {
      units = plan_.system.rootEntries[node & ~LayoutTree::kRootEntryBit].name.size();
    } else {
      tree.name(node, name);
      units = name.size();
    }
    content.children.push_back({node, own});
    content.entryBytes.push_back(static_cast<uint16_t>(indexEntryBytes(fileNameBytes(units), false)));
    total += content.entryBytes.back();
  }
  tree.name(directory, name);
  bool isResident = directory != 0 && total <= residentIndexCapacity(plan_.geometry().recordBytes, name.size());
  if (!isResident) content.shape.emplace(content.entryBytes, plan_.geometry().indexBytes);
  return content;
}

uint64_t LayoutContent::actualSize(uint32_t node) const {
  if (plan_.tree.isFile(node) && !actualSizes_.empty()) {
    auto actual = actualSizes_.find(plan_.tree.fileOf(node));
    if (actual != actualSizes_.end()) return actual->second;
  }
  return plan_.tree.sizeBytes(node);
}

std::vector<Run> LayoutContent::runsOf(uint32_t node) const {
  const LayoutTree& tree = plan_.tree;
  if (!tree.isFile(node)) {
    const ClusterRange& range = plan_.systemFiles[tree.systemFileOf(node)];
    return {{range.lcn, range.count}};
  }
  std::vector<Run> runs;
  uint32_t file = tree.fileOf(node);
  uint64_t left = plan_.clustersFor(actualSize(node));
  for (uint32_t i = plan_.firstExtent[file]; i < plan_.firstExtent[file + 1] && left > 0; i++) {
    runs.push_back({plan_.extents[i].lcn, std::min<uint64_t>(plan_.extents[i].count, left)});
    left -= runs.back().count;
  }
  return runs;
}

void LayoutContent::describe(uint32_t node, FileName& into, std::u16string& name) const {
  const LayoutTree& tree = plan_.tree;
  tree.name(node, name);
  uint32_t parent = tree.parent(node);
  into.parent = reference(tree.directories[parent].record, parent == 0 ? kRootRecord : 1);
  std::ranges::fill(into.times, tree.modifiedTime(node));
  into.dataBytes = actualSize(node);
  into.allocatedBytes = plan_.clustersFor(into.dataBytes) * plan_.geometry().clusterBytes;
  into.attributes = tree.attributes(node) | (tree.isDirectory(node) ? kAttributeDirectory : 0);
  into.nameSpace = kNamespacePosix;
  into.name = name;
}

bool LayoutContent::buildRecord(uint32_t record, std::span<std::byte> into) const {
  const LayoutTree& tree = plan_.tree;
  size_t index = record - kFirstUserRecord;
  if (index >= tree.nodes.size() || isDropped(tree.nodes[index])) {
    buildUnusedRecord(into, record);
    return true;
  }
  uint32_t node = tree.nodes[index];
  FileName name;
  std::u16string text;
  describe(node, name, text);
  uint16_t flags = kRecordInUse | (tree.isDirectory(node) ? kRecordIsDirectory : 0);
  RecordBuilder builder(into, record, 1, 1, flags);
  std::byte* information = builder.addResidentSpace(kStandardInformation, u"", kStandardInformationBytes).data();
  for (size_t i = 0; i < 4; i++) store64(information + 8 * i, name.times[i]);
  store32(information + 0x20, tree.attributes(node));
  store32(information + 0x34, kEveryoneSecurityId);
  storeFileName(builder.addResidentSpace(kFileName, u"", fileNameBytes(text.size())).data(), name);
  if (tree.isDirectory(node))
    addDirectoryIndex(builder, node);
  else if (name.dataBytes == 0)
    builder.addResident(kData, u"", {});
  else
    builder.addNonResident(kData, u"", runsOf(node), plan_.geometry().clusterBytes, name.dataBytes);
  return builder.finish();
}

void LayoutContent::addDirectoryIndex(RecordBuilder& builder, uint32_t directory) const {
  uint32_t blocks = blocksOf(directory);
  if (blocks > 0) return addLargeIndex(builder, directory, blocks);
  DirectoryContent content = contentOf(directory);
  size_t bytes = kIndexRootHeaderBytes + kIndexEntryHeaderBytes;
  for (uint16_t length : content.entryBytes) bytes += length;
  std::span<std::byte> value = builder.addResidentSpace(kIndexRoot, u"$I30", bytes);
  if (value.empty()) return;
  auto writer = IndexNodeWriter::forRoot(value, plan_.geometry().indexBytes, plan_.geometry().clusterBytes, false);
  for (uint32_t i = 0; i < content.children.size(); i++)
    storeKey(content.children[i], writer.add(referenceOf(content.children[i]), keyBytes(content, i), 0));
  writer.addEnd(0);
  writer.finish();
}

void LayoutContent::addLargeIndex(RecordBuilder& builder, uint32_t directory, uint32_t blocks) const {
  const Geometry& geometry = plan_.geometry();
  const LayoutDirectory& entry = plan_.tree.directories[directory];
  std::span<std::byte> value =
      builder.addResidentSpace(kIndexRoot, u"$I30", kIndexRootHeaderBytes + indexEntryBytes(0, true));
  if (value.empty()) return;
  auto writer = IndexNodeWriter::forRoot(value, geometry.indexBytes, geometry.clusterBytes, true);
  writer.addEnd(uint64_t{blocks - 1} * (geometry.indexBytes / geometry.indexVcnBytes()));
  writer.finish();
  builder.addNonResident(kIndexAllocation, u"$I30", plan_.indexRuns(entry.firstCluster, plan_.indexClusters(blocks)),
                         geometry.clusterBytes, uint64_t{blocks} * geometry.indexBytes);
  if (blocks <= kResidentBitmapBlocks) return builder.addResident(kBitmap, u"$I30", blockBitmap(blocks));
  std::vector<Run> runs = plan_.indexRuns(entry.firstCluster + plan_.indexClusters(entry.reservedBlocks),
                                          plan_.clustersFor(indexBitmapBytes(blocks)));
  builder.addNonResident(kBitmap, u"$I30", runs, geometry.clusterBytes, indexBitmapBytes(blocks));
}

uint64_t LayoutContent::referenceOf(const DirectoryContent::Child& child) const {
  if ((child.node & LayoutTree::kRootEntryBit) == 0) return reference(child.record, 1);
  return rootEntries_[child.node & ~LayoutTree::kRootEntryBit].reference;
}

size_t LayoutContent::keyBytes(const DirectoryContent& content, uint32_t entry) const {
  uint32_t node = content.children[entry].node;
  if ((node & LayoutTree::kRootEntryBit) != 0) return rootEntries_[node & ~LayoutTree::kRootEntryBit].fileName.size();
  std::u16string name;
  plan_.tree.name(node, name);
  return fileNameBytes(name.size());
}

void LayoutContent::storeKey(const DirectoryContent::Child& child, std::span<std::byte> key) const {
  if ((child.node & LayoutTree::kRootEntryBit) != 0) {
    std::ranges::copy(rootEntries_[child.node & ~LayoutTree::kRootEntryBit].fileName, key.begin());
    return;
  }
  FileName name;
  std::u16string text;
  describe(child.node, name, text);
  storeFileName(key.data(), name);
}

void LayoutContent::fillIndexBlock(const DirectoryContent& content, uint32_t block, std::span<std::byte> into) const {
  const Geometry& geometry = plan_.geometry();
  uint64_t vcnStep = geometry.indexBytes / geometry.indexVcnBytes();
  const IndexShape& shape = *content.shape;
  IndexShape::Block place = shape.block(block);
  auto writer = IndexNodeWriter::forBlock(into, block * vcnStep, !place.isLeaf);
  auto childVcn = [&](uint32_t item) { return place.isLeaf ? 0 : shape.childAt(place.level, item) * vcnStep; };
  for (uint32_t item = place.firstItem; item < place.endItem; item++) {
    uint32_t entry = shape.entryAt(place.level, item);
    const DirectoryContent::Child& child = content.children[entry];
    storeKey(child, writer.add(referenceOf(child), keyBytes(content, entry), childVcn(item)));
  }
  writer.addEnd(childVcn(place.endItem));
  writer.finish();
  applyFixups(into, 1);
}

void LayoutContent::fillIndexBlocks(const DirectoryContent& content, uint32_t firstBlock,
                                    std::span<std::byte> into) const {
  size_t blockBytes = plan_.geometry().indexBytes;
  std::memset(into.data(), 0, into.size());
  for (uint32_t block = firstBlock; block < content.shape->blockCount() && into.size() >= blockBytes; block++) {
    fillIndexBlock(content, block, into.first(blockBytes));
    into = into.subspan(blockBytes);
  }
}

Status LayoutContent::fillRecords(uint32_t firstRecord, std::span<std::byte> into) const {
  size_t recordBytes = plan_.geometry().recordBytes;
  for (uint32_t record = firstRecord; !into.empty(); record++, into = into.subspan(recordBytes)) {
    if (record < kFirstUserRecord)
      std::memcpy(into.data(), systemRecords_.data() + record * recordBytes, recordBytes);
    else if (!buildRecord(record, into.first(recordBytes)))
      return Status(ErrorCode::NTFS_UNSUPPORTED, "MFT record " + std::to_string(record) + " has no room for its runs");
  }
  return Status::ok();
}

void LayoutContent::fillMftBitmap(uint64_t offsetBytes, std::span<std::byte> into) const {
  std::memset(into.data(), 0, into.size());
  for (uint64_t record = offsetBytes * 8; record < (offsetBytes + into.size()) * 8 && record < plan_.recordCount;
       record++) {
    size_t index = static_cast<size_t>(record) - kFirstUserRecord;
    bool isUsed =
        record < kFirstUserRecord
            ? record < plan_.system.recordCount &&
                  (load16(plan_.system.record(static_cast<uint32_t>(record)).data() + 0x16) & kRecordInUse) != 0
            : index < plan_.tree.nodes.size() && !isDropped(plan_.tree.nodes[index]);
    if (isUsed) into[static_cast<size_t>(record / 8 - offsetBytes)] |= static_cast<std::byte>(1 << (record % 8));
  }
}

void LayoutContent::fillSecurity(uint64_t offsetBytes, std::span<std::byte> into) const {
  std::memset(into.data(), 0, into.size());
  if (offsetBytes >= securityStream_.size()) return;
  size_t length = std::min<size_t>(into.size(), securityStream_.size() - offsetBytes);
  std::memcpy(into.data(), securityStream_.data() + offsetBytes, length);
}

void LayoutContent::addUsed(const ClusterRange& range) {
  if (range.count > 0) used_.push_back(range);
}

void LayoutContent::seal() {
  const LayoutTree& tree = plan_.tree;
  for (const ClusterRange& range : plan_.systemFiles) addUsed(range);
  for (uint32_t file = 0; file < tree.fileCount; file++) {
    uint32_t node = tree.nodeOfFile(file);
    if (isDropped(node)) continue;
    uint64_t left = plan_.clustersFor(actualSize(node));
    for (uint32_t i = plan_.firstExtent[file]; i < plan_.firstExtent[file + 1] && left > 0; i++) {
      ClusterRange range{plan_.extents[i].lcn, std::min<uint64_t>(plan_.extents[i].count, left)};
      left -= range.count;
      if (used_.back().end() == range.lcn)
        used_.back().count += range.count;
      else
        used_.push_back(range);
    }
  }
  std::ranges::sort(used_, {}, &ClusterRange::lcn);
  size_t kept = 0;
  for (const ClusterRange& range : used_) {
    if (kept > 0 && used_[kept - 1].end() == range.lcn)
      used_[kept - 1].count += range.count;
    else
      used_[kept++] = range;
  }
  used_.resize(kept);
}

void LayoutContent::fillVolumeBitmap(uint64_t offsetBytes, std::span<std::byte> into) const {
  std::memset(into.data(), 0, into.size());
  uint64_t first = offsetBytes * 8;
  uint64_t end = first + into.size() * 8;
  auto range = std::ranges::upper_bound(used_, first, {}, &ClusterRange::lcn);
  if (range != used_.begin()) --range;
  for (; range != used_.end() && range->lcn < end; ++range) setBits(into, first, range->lcn, range->end());
  // The bits after the last cluster are set, so that nobody allocates them.
  setBits(into, first, plan_.geometry().clusterCount, plan_.system.bitmapBytes * 8);
}

}  // namespace diskferry::ntfs
