// The stored form of a Skeleton:
//   0  "DFNTFSSK"            8  u32 version 1         12  u32 CRC-32 of everything from 16
//  16  u32 backup boot bytes  20  u32 used extents     24  u32 fragments       28  u32 zero      32  u64 literal bytes
//  40  backup boot sector, extents (u64 lcn, u64 count), fragments (u64 kind << 56 | offset, u64 length), literal bytes
// The backup boot sector is a copy of the first one, so it carries the geometry.
#include <algorithm>
#include <cstring>
#include <string>

#include "hash/crc32.h"
#include "little_endian.h"
#include "ntfs/skeleton.h"

namespace diskferry::ntfs {

namespace {

constexpr char kMagic[] = "DFNTFSSK";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 40;
constexpr size_t kEntryBytes = 16;

Status refused(const std::string& why) {
  return Status(ErrorCode::NTFS_DAMAGED, "the stored empty file system cannot be used: " + why);
}

}  // namespace

std::vector<std::byte> Skeleton::encode() const {
  std::vector<std::byte> out(kHeaderBytes + backupBoot_.size() + kEntryBytes * (used_.size() + fragments_.size()) +
                             data_.size());
  std::byte* at = out.data();
  std::memcpy(at, kMagic, 8);
  store32(at + 8, kVersion);
  store32(at + 16, static_cast<uint32_t>(backupBoot_.size()));
  store32(at + 20, static_cast<uint32_t>(used_.size()));
  store32(at + 24, static_cast<uint32_t>(fragments_.size()));
  store64(at + 32, data_.size());
  at += kHeaderBytes;
  std::memcpy(at, backupBoot_.data(), backupBoot_.size());
  at += backupBoot_.size();
  for (const ClusterRange& range : used_) {
    store64(at, range.lcn);
    store64(at + 8, range.count);
    at += kEntryBytes;
  }
  for (const Fragment& fragment : fragments_) {
    store64(at, static_cast<uint64_t>(fragment.kind) << 56 | fragment.offsetBytes);
    store64(at + 8, fragment.lengthBytes);
    at += kEntryBytes;
  }
  if (!data_.empty()) std::memcpy(at, data_.data(), data_.size());
  store32(out.data() + 12, crc32(std::span(out).subspan(16)));
  return out;
}

Result<Skeleton> Skeleton::decode(std::span<const std::byte> encoded) {
  const std::byte* at = encoded.data();
  if (encoded.size() < kHeaderBytes || std::memcmp(at, kMagic, 8) != 0) return refused("it is not one");
  if (load32(at + 8) != kVersion) return refused("it has version " + std::to_string(load32(at + 8)));
  if (load32(at + 12) != crc32(encoded.subspan(16))) return refused("its checksum differs");
  size_t bootBytes = load32(at + 16);
  size_t usedCount = load32(at + 20);
  size_t fragmentCount = load32(at + 24);
  uint64_t dataBytes = load64(at + 32);
  size_t room = encoded.size() - kHeaderBytes;
  if (bootBytes < 512 || bootBytes > 4096 || bootBytes > room || usedCount > room / kEntryBytes ||
      fragmentCount > room / kEntryBytes || dataBytes > room ||
      bootBytes + kEntryBytes * (usedCount + fragmentCount) + dataBytes != room)
    return refused("its length does not add up");

  Skeleton skeleton;
  at += kHeaderBytes;
  skeleton.backupBoot_.assign(at, at + bootBytes);
  at += bootBytes;
  Result<Geometry> geometry = parseBootSector(skeleton.backupBoot_);
  if (!geometry.isOk()) return geometry.status();
  skeleton.geometry_ = geometry.value();
  if (skeleton.geometry_.sectorBytes != bootBytes) return refused("its boot sector has another length");
  uint64_t end = 0;
  for (size_t i = 0; i < usedCount; i++, at += kEntryBytes) {
    ClusterRange range{load64(at), load64(at + 8)};
    if (range.lcn < end || range.count == 0 || range.lcn > skeleton.geometry_.clusterCount ||
        range.count > skeleton.geometry_.clusterCount - range.lcn)
      return refused("its used clusters are out of order");
    end = range.end();
    skeleton.used_.push_back(range);
  }
  uint64_t limit = skeleton.geometry_.clusterOffsetBytes(skeleton.geometry_.clusterCount);
  uint64_t endBytes = 0;
  size_t dataStart = 0;
  for (size_t i = 0; i < fragmentCount; i++, at += kEntryBytes) {
    Fragment fragment{static_cast<Kind>(load64(at) >> 56), load64(at) << 8 >> 8, load64(at + 8), dataStart};
    if (fragment.kind > Kind::ones || fragment.offsetBytes < endBytes || fragment.offsetBytes > limit ||
        fragment.lengthBytes > limit - fragment.offsetBytes)
      return refused("its fragments are out of order");
    endBytes = fragment.offsetBytes + fragment.lengthBytes;
    if (fragment.kind == Kind::bytes) {
      if (fragment.lengthBytes > dataBytes - dataStart) return refused("its fragments need more bytes than it has");
      dataStart += fragment.lengthBytes;
    }
    skeleton.fragments_.push_back(fragment);
  }
  skeleton.data_.assign(at, at + dataBytes);
  return skeleton;
}

void Skeleton::copy(uint64_t offsetBytes, std::span<std::byte> into) const {
  std::memset(into.data(), 0, into.size());
  auto fragment = std::ranges::upper_bound(fragments_, offsetBytes, {}, &Fragment::offsetBytes);
  if (fragment != fragments_.begin()) --fragment;
  for (; fragment != fragments_.end() && fragment->offsetBytes < offsetBytes + into.size(); ++fragment) {
    uint64_t from = std::max(fragment->offsetBytes, offsetBytes);
    uint64_t end = std::min(fragment->offsetBytes + fragment->lengthBytes, offsetBytes + into.size());
    if (from >= end || fragment->kind == Kind::zeros) continue;
    std::byte* target = into.data() + (from - offsetBytes);
    if (fragment->kind == Kind::ones)
      std::memset(target, 0xFF, end - from);
    else
      std::memcpy(target, data_.data() + fragment->dataStart + (from - fragment->offsetBytes), end - from);
  }
}

}  // namespace diskferry::ntfs
