#include "filesystems/signatures.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "filesystems/fat_geometry.h"
#include "io/aligned_buffer.h"
#include "little_endian.h"

namespace diskferry::filesystems {

namespace {

using namespace std::string_view_literals;

constexpr size_t kProbeBytes = 260 * 1024;
constexpr uint32_t kRaidMagic = 0xA92B4EFC;

struct Mark {
  size_t offsetBytes;
  std::string_view bytes;
  SignatureKind kind;
  const char* name;
};

// Those of kind `other` hold something that is not a file system of its own, or one that is always kept whole.
constexpr Mark kMarks[] = {
    {0x438, "\x53\xEF"sv, SignatureKind::ext, "ext"},
    {0, "XFSB"sv, SignatureKind::xfs, "xfs"},
    {3, "NTFS    "sv, SignatureKind::ntfs, "ntfs"},
    {3, "EXFAT   "sv, SignatureKind::exfat, "exfat"},
    {3, "-FVE-FS-"sv, SignatureKind::other, "bitlocker"},
    // BitLocker To Go looks like FAT32, whose free clusters hold all of the volume.
    {0x1A8, "\x3B\xD6\x67\x49\x29\x2E\xD8\x4A\x83\x99\xF6\xA3\x39\xE3\xD0\x01"sv, SignatureKind::other, "bitlocker"},
    {0, "LUKS\xBA\xBE"sv, SignatureKind::other, "luks"},
    {0, "LABELONE"sv, SignatureKind::other, "lvm"},
    {0x200, "LABELONE"sv, SignatureKind::other, "lvm"},
    {0x400, "LABELONE"sv, SignatureKind::other, "lvm"},
    {0x600, "LABELONE"sv, SignatureKind::other, "lvm"},
    {0, "\xFC\x4E\x2B\xA9"sv, SignatureKind::other, "linux-raid"},
    {0x1000, "\xFC\x4E\x2B\xA9"sv, SignatureKind::other, "linux-raid"},
    {0x1018, "\xC6\x85\x73\xF6\x4E\x1A\x45\xCA\x82\x65\xF5\x7F\x48\xBA\x6D\x81"sv, SignatureKind::other, "bcache"},
    {0x10040, "_BHRfS_M"sv, SignatureKind::other, "btrfs"},
    {0x10034, "ReIsErFs"sv, SignatureKind::other, "reiserfs"},
    {0x10034, "ReIsEr2Fs"sv, SignatureKind::other, "reiserfs"},
    {0x1018, "\xC6\x85\x73\xF6\x66\xCE\x90\xA9\xD9\x6A\x60\xCF\x80\x3D\xF7\xEF"sv, SignatureKind::other, "bcachefs"},
    {0x10000, "\x01\x16\x19\x70"sv, SignatureKind::other, "gfs2"},
    {0x255C, "\x54\x19\x01\x00"sv, SignatureKind::other, "ufs"},
    {0x1055C, "\x19\x01\x54\x19"sv, SignatureKind::other, "ufs"},
    {3, "ReFS\0"sv, SignatureKind::other, "refs"},
    {0, "dmvdo001"sv, SignatureKind::other, "vdo"},
    {0, "bluestore block device"sv, SignatureKind::other, "bluestore"},
    {0x8000, "JFS1"sv, SignatureKind::other, "jfs"},
    {0x8001, "CD001"sv, SignatureKind::other, "iso9660"},
    {0x400, "\x10\x20\xF5\xF2"sv, SignatureKind::other, "f2fs"},
    {0x400, "H+\0"sv, SignatureKind::other, "hfsplus"},
    {0x20, "NXSB"sv, SignatureKind::other, "apfs"},
    {0, "hsqs"sv, SignatureKind::other, "squashfs"},
};
// A hibernated system overwrites the mark of swap, so that its memory is not taken for free room.
constexpr std::string_view kSwapMark = "SWAPSPACE2"sv;

bool isAt(std::span<const std::byte> start, size_t offsetBytes, std::string_view bytes) {
  return offsetBytes + bytes.size() <= start.size() &&
         std::memcmp(start.data() + offsetBytes, bytes.data(), bytes.size()) == 0;
}

// Of ZFS the first 8 KiB are not used, so that what was there before may still be; its own marks are in a ring behind.
bool isZfs(std::span<const std::byte> start) {
  constexpr size_t kRing = 128 * 1024;
  constexpr size_t kRingBytes = 128 * 1024;
  constexpr size_t kSlotBytes = 1024;
  for (size_t slot = kRing; slot < kRing + kRingBytes; slot += kSlotBytes)
    if (isAt(start, slot, "\x0C\xB1\xBA\0\0\0\0\0"sv) || isAt(start, slot, "\0\0\0\0\0\xBA\xB1\x0C"sv)) return true;
  return false;
}

// A member of a RAID has its superblock at the end, and a file system at its start that is only a part of one.
Status findRaidAtEnd(PartitionSectors& partition, std::vector<Signature>& into) {
  constexpr uint64_t kOldUnit = 64 * 1024;
  const uint64_t size = partition.sizeBytes();
  if (size < 2 * kOldUnit) return Status::ok();
  for (uint64_t place : {size / kOldUnit * kOldUnit - kOldUnit, (size / 512 - 16) / 8 * 8 * 512}) {
    std::byte magic[4];
    DISKFERRY_TRY(partition.read(place, magic));
    if (load32(magic) != kRaidMagic) continue;
    into.push_back({SignatureKind::other, "linux-raid"});
    break;
  }
  return Status::ok();
}

}  // namespace

Status findSignatures(PartitionSectors& partition, std::vector<Signature>& into) {
  into.clear();
  AlignedBuffer buffer(static_cast<size_t>(std::min<uint64_t>(kProbeBytes, partition.sizeBytes())));
  DISKFERRY_TRY(partition.read(0, buffer.bytes()));
  std::span<const std::byte> start = buffer.bytes();
  for (const Mark& mark : kMarks)
    if (isAt(start, mark.offsetBytes, mark.bytes)) into.push_back({mark.kind, mark.name});
  if (isZfs(start)) into.push_back({SignatureKind::other, "zfs"});
  bool hasBootSector = std::ranges::any_of(into, [](const Signature& one) {
    return one.kind == SignatureKind::ntfs || one.kind == SignatureKind::exfat || one.name == "bitlocker";
  });
  if (!hasBootSector && start.size() >= 512 && looksLikeFat(start)) into.push_back({SignatureKind::fat, "fat"});
  for (uint32_t pageBytes = 4096; pageBytes <= 65536; pageBytes *= 2)
    if (isAt(start, pageBytes - kSwapMark.size(), kSwapMark)) into.push_back({SignatureKind::swap, "swap", pageBytes});
  return findRaidAtEnd(partition, into);
}

}  // namespace diskferry::filesystems
