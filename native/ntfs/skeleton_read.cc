// Reading what mkntfs made into a Skeleton: $Bitmap says which clusters are used, everything in them is kept.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "io/aligned_buffer.h"
#include "little_endian.h"
#include "ntfs/mft_access.h"
#include "ntfs/skeleton.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kGrainBytes = 512;  // runs of zeros or ones are found in steps of this

// The memory file as sectors, read-only. It accepts any alignment, as memory does.
class MemoryFileSectors final : public Sectors {
 public:
  MemoryFileSectors(int descriptor, uint64_t sizeBytes) : descriptor_(descriptor), sizeBytes_(sizeBytes) {}
  uint64_t sizeBytes() const override { return sizeBytes_; }
  uint32_t sectorBytes() const override { return 512; }

  Status read(uint64_t offsetBytes, std::span<std::byte> into) override {
    while (!into.empty()) {
      ssize_t got = pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offsetBytes));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0)
        return Status::fromErrno(ErrorCode::DEVICE_READ_FAILED,
                                 "reading the empty file system at byte " + std::to_string(offsetBytes),
                                 got < 0 ? errno : ENODATA);
      offsetBytes += static_cast<uint64_t>(got);
      into = into.subspan(static_cast<size_t>(got));
    }
    return Status::ok();
  }
  Status write(uint64_t, std::span<const std::byte>) override {
    return Status(ErrorCode::DEVICE_READ_ONLY, "the empty file system is only read");
  }
  Status flush() override { return Status::ok(); }

 private:
  int descriptor_;
  uint64_t sizeBytes_;
};

Status unsupported(const std::string& what) {
  return Status(ErrorCode::NTFS_UNSUPPORTED, "mkntfs made a volume that is not of the expected kind: " + what);
}

void addBit(std::vector<ClusterRange>& ranges, uint64_t lcn, uint64_t count) {
  if (!ranges.empty() && ranges.back().end() == lcn)
    ranges.back().count += count;
  else
    ranges.push_back({lcn, count});
}

// Set bits of `words` as ranges; the first bit is cluster `firstLcn`.
void collectRanges(std::span<const std::byte> words, uint64_t firstLcn, uint64_t clusterCount,
                   std::vector<ClusterRange>& ranges) {
  for (size_t at = 0; at + 8 <= words.size(); at += 8) {
    uint64_t word = load64(words.data() + at);
    uint64_t lcn = firstLcn + at * 8;
    if (word == 0) continue;
    for (unsigned bit = 0; bit < 64;) {
      unsigned skip = static_cast<unsigned>(std::countr_zero(word >> bit));
      if (word >> bit == 0) break;
      bit += skip;
      unsigned length = std::min<unsigned>(static_cast<unsigned>(std::countr_one(word >> bit)), 64 - bit);
      if (lcn + bit < clusterCount) addBit(ranges, lcn + bit, std::min<uint64_t>(length, clusterCount - lcn - bit));
      bit += length;
    }
  }
}

}  // namespace

Status Skeleton::readUsed(Sectors& volume, const std::vector<ClusterRange>& bitmap, uint64_t bitmapBytes) {
  AlignedBuffer buffer(kReadBytes);
  uint64_t firstLcn = 0;
  uint64_t left = std::min(bitmapBytes, divideUp(geometry_.clusterCount, 64) * 8);
  for (const ClusterRange& range : bitmap) {
    uint64_t offset = geometry_.clusterOffsetBytes(range.lcn);
    uint64_t end = geometry_.clusterOffsetBytes(range.end());
    for (; offset < end && left > 0; offset += kReadBytes) {
      auto part = buffer.bytes().first(static_cast<size_t>(std::min<uint64_t>(kReadBytes, end - offset)));
      DISKFERRY_TRY(volume.read(offset, part));
      auto words = part.first(static_cast<size_t>(std::min<uint64_t>(part.size(), left)));
      collectRanges(words, firstLcn, geometry_.clusterCount, used_);
      firstLcn += words.size() * 8;
      left -= words.size();
      if (used_.size() > 1000) return unsupported("it has more than 1000 used extents");
    }
  }
  return left == 0 ? Status::ok() : unsupported("$Bitmap is shorter than the volume");
}

void Skeleton::append(uint64_t offsetBytes, std::span<const std::byte> block) {
  auto isAll = [&](int value) {
    return std::ranges::all_of(block, [&](std::byte byte) { return byte == static_cast<std::byte>(value); });
  };
  Kind kind = isAll(0) ? Kind::zeros : isAll(0xFF) ? Kind::ones : Kind::bytes;
  bool continues = !fragments_.empty() && fragments_.back().kind == kind &&
                   fragments_.back().offsetBytes + fragments_.back().lengthBytes == offsetBytes;
  if (!continues) fragments_.push_back({kind, offsetBytes, 0, data_.size()});
  fragments_.back().lengthBytes += block.size();
  if (kind == Kind::bytes) data_.insert(data_.end(), block.begin(), block.end());
}

Status Skeleton::readFragments(Sectors& volume, const ClusterRange& range) {
  AlignedBuffer buffer(kReadBytes);
  uint64_t end = geometry_.clusterOffsetBytes(range.end());
  for (uint64_t offset = geometry_.clusterOffsetBytes(range.lcn); offset < end; offset += kReadBytes) {
    auto part = buffer.bytes().first(static_cast<size_t>(std::min<uint64_t>(kReadBytes, end - offset)));
    DISKFERRY_TRY(volume.read(offset, part));
    for (size_t at = 0; at < part.size(); at += kGrainBytes) append(offset + at, part.subspan(at, kGrainBytes));
    // The parts that are kept word for word do not grow with the volume; the rest is runs.
    if (data_.size() > 8u << 20) return unsupported("it has more than 8 MiB of metadata");
  }
  return Status::ok();
}

Result<Skeleton> Skeleton::read(Sectors& volume) {
  Skeleton skeleton;
  AlignedBuffer boot(4096);
  DISKFERRY_TRY(volume.read(0, boot.bytes()));
  Result<Geometry> geometry = parseBootSector(boot.bytes());
  if (!geometry.isOk()) return geometry.status();
  skeleton.geometry_ = geometry.value();
  if (skeleton.geometry_.volumeBytes() != volume.sizeBytes())
    return unsupported("it is " + std::to_string(skeleton.geometry_.volumeBytes()) + " bytes in a file of " +
                       std::to_string(volume.sizeBytes()));
  skeleton.backupBoot_.resize(skeleton.geometry_.sectorBytes);
  DISKFERRY_TRY(volume.read(skeleton.geometry_.backupBootOffsetBytes(), skeleton.backupBoot_));

  Result<MftAccess> mft = MftAccess::open(volume, skeleton.geometry_);
  if (!mft.isOk()) return mft.status();
  AlignedBuffer record(skeleton.geometry_.recordBytes);
  RecordView view;
  DISKFERRY_TRY(mft.value().readRecord(volume, kBitmapRecord, record.bytes(), view));
  const Attribute* data = view.find(kData);
  std::vector<Run> runs;
  if (data == nullptr) return unsupported("$Bitmap has no data");
  DISKFERRY_TRY(attributeRuns(skeleton.geometry_, *data, runs));
  std::vector<ClusterRange> bitmap;
  for (const Run& run : runs) {
    if (run.isSparse()) return unsupported("$Bitmap is sparse");
    bitmap.push_back({run.lcn, run.count});
  }
  DISKFERRY_TRY(skeleton.readUsed(volume, bitmap, data->dataBytes));
  for (ClusterRange range : skeleton.used_) {
    // Cut $Bitmap out of the range, in at most a few pieces.
    while (range.count > 0) {
      uint64_t stop = range.end();
      uint64_t next = range.end();
      for (const ClusterRange& own : bitmap) {
        if (own.lcn <= range.lcn && range.lcn < own.end()) stop = range.lcn, next = std::min(range.end(), own.end());
        if (range.lcn < own.lcn && own.lcn < stop) stop = own.lcn, next = own.lcn;
      }
      if (stop > range.lcn) DISKFERRY_TRY(skeleton.readFragments(volume, {range.lcn, stop - range.lcn}));
      range = {next, range.end() - next};
    }
  }
  return skeleton;
}

Result<int> createMemoryFile(uint64_t sizeBytes) {
  int descriptor = memfd_create("diskferry-ntfs", MFD_CLOEXEC);
  if (descriptor < 0) return Status::fromErrno(ErrorCode::OUT_OF_MEMORY, "creating a file in memory", errno);
  if (ftruncate(descriptor, static_cast<off_t>(sizeBytes)) != 0) {
    int error = errno;
    close(descriptor);
    return Status::fromErrno(ErrorCode::OUT_OF_MEMORY,
                             "giving a file in memory " + std::to_string(sizeBytes) + " bytes", error);
  }
  return descriptor;
}

Result<std::vector<std::byte>> readSkeleton(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return Status::fromErrno(ErrorCode::DEVICE_READ_FAILED, "fstat", errno);
  MemoryFileSectors volume(descriptor, static_cast<uint64_t>(status.st_size));
  Result<Skeleton> skeleton = Skeleton::read(volume);
  if (!skeleton.isOk()) return skeleton.status();
  return skeleton.value().encode();
}

}  // namespace diskferry::ntfs
