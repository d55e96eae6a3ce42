#include "ntfs/index_node.h"

#include <cstring>

#include "little_endian.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kNodeHeaderBytes = 0x10;

const char* parseEntry(std::span<const std::byte> raw, bool isView, IndexEntry& into) {
  into.raw = raw;
  into.reference = load64(raw.data());
  into.flags = load16(raw.data() + 0x0C);
  size_t keyBytes = load16(raw.data() + 0x0A);
  size_t body = raw.size() - kIndexEntryHeaderBytes;
  if (into.hasChild()) {
    if (body < 8) return "an entry has no room for its child";
    body -= 8;
    into.childVcn = load64(raw.data() + raw.size() - 8);
  }
  if (into.isLast() && !isView && keyBytes != 0) return "the end entry has a name";
  if (keyBytes > body) return "an entry's name leaves it";
  into.key = raw.subspan(kIndexEntryHeaderBytes, keyBytes);
  return nullptr;
}

}  // namespace

const char* parseIndexNode(std::span<const std::byte> node, bool isView, IndexNode& into) {
  into.entries.clear();
  if (node.size() < kNodeHeaderBytes) return "it has no node header";
  into.entriesOffset = load32(node.data());
  into.usedBytes = load32(node.data() + 4);
  into.allocatedBytes = load32(node.data() + 8);
  into.hasChildren = node[12] != std::byte{0};
  if (into.usedBytes > node.size() || into.allocatedBytes > node.size() || into.allocatedBytes < into.usedBytes ||
      into.entriesOffset < kNodeHeaderBytes || into.entriesOffset % 8 != 0)
    return "its node header is out of range";
  for (size_t at = into.entriesOffset;;) {
    if (at + kIndexEntryHeaderBytes > into.usedBytes) return "its entries have no end";
    size_t length = load16(node.data() + at + 8);
    if (length < kIndexEntryHeaderBytes || length % 8 != 0 || length > into.usedBytes - at)
      return "an entry's length is out of range";
    IndexEntry& entry = into.entries.emplace_back();
    if (const char* problem = parseEntry(node.subspan(at, length), isView, entry)) return problem;
    if (entry.hasChild() != into.hasChildren) return "an entry and its node disagree about children";
    at += length;
    if (!entry.isLast()) continue;
    return at == into.usedBytes ? nullptr : "bytes follow its end entry";
  }
}

const char* parseIndexBlock(std::span<const std::byte> block, uint64_t expectedVcn, bool isView, IndexNode& into) {
  if (std::memcmp(block.data(), "INDX", 4) != 0) return "it does not begin with INDX";
  if (load64(block.data() + 0x10) != expectedVcn) return "it says it is another block";
  if (const char* problem = parseIndexNode(block.subspan(kIndexNodeHeaderOffset), isView, into)) return problem;
  if (into.entriesOffset + kIndexNodeHeaderOffset < indexEntriesStart(block.size()))
    return "its entries begin in its header";
  return into.allocatedBytes == block.size() - kIndexNodeHeaderOffset ? nullptr : "its allocated length is wrong";
}

IndexNodeWriter::IndexNodeWriter(std::span<std::byte> node, size_t entriesOffset, bool hasChildren)
    : node_(node), used_(entriesOffset), hasChildren_(hasChildren) {
  store32(node.data(), static_cast<uint32_t>(entriesOffset));
  store32(node.data() + 8, static_cast<uint32_t>(node.size()));
  node[12] = static_cast<std::byte>(hasChildren);
}

IndexNodeWriter IndexNodeWriter::forBlock(std::span<std::byte> block, uint64_t vcn, bool hasChildren) {
  std::memset(block.data(), 0, block.size());
  std::memcpy(block.data(), "INDX", 4);
  store16(block.data() + 4, kIndexBlockHeaderBytes);
  store16(block.data() + 6, static_cast<uint16_t>(block.size() / kFixupStrideBytes + 1));
  store64(block.data() + 0x10, vcn);
  return IndexNodeWriter(block.subspan(kIndexNodeHeaderOffset),
                         indexEntriesStart(block.size()) - kIndexNodeHeaderOffset, hasChildren);
}

IndexNodeWriter IndexNodeWriter::forRoot(std::span<std::byte> value, uint32_t indexBytes, uint32_t clusterBytes,
                                         bool hasChildren) {
  uint32_t unit = clusterBytes <= indexBytes ? clusterBytes : 512;
  store32(value.data(), kFileName);
  store32(value.data() + 4, kCollateFileName);
  store32(value.data() + 8, indexBytes);
  value[12] = static_cast<std::byte>(indexBytes / unit);
  return IndexNodeWriter(value.subspan(0x10), kNodeHeaderBytes, hasChildren);
}

std::span<std::byte> IndexNodeWriter::add(uint64_t reference, size_t keyBytes, uint64_t childVcn) {
  size_t length = indexEntryBytes(keyBytes, hasChildren_);
  std::byte* at = node_.data() + used_;
  used_ += length;
  store64(at, reference);
  store16(at + 8, static_cast<uint16_t>(length));
  store16(at + 0x0A, static_cast<uint16_t>(keyBytes));
  store16(at + 0x0C, hasChildren_ ? kEntryHasChild : 0);
  if (hasChildren_) store64(at + length - 8, childVcn);
  return {at + kIndexEntryHeaderBytes, keyBytes};
}

void IndexNodeWriter::addEnd(uint64_t childVcn) {
  size_t length = indexEntryBytes(0, hasChildren_);
  std::byte* at = node_.data() + used_;
  used_ += length;
  store16(at + 8, static_cast<uint16_t>(length));
  store16(at + 0x0C, static_cast<uint16_t>(kEntryIsLast | (hasChildren_ ? kEntryHasChild : 0)));
  if (hasChildren_) store64(at + length - 8, childVcn);
}

void IndexNodeWriter::finish() { store32(node_.data() + 4, static_cast<uint32_t>(used_)); }

}  // namespace diskferry::ntfs
