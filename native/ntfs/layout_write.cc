// Writing the metadata: everything that is not file data as pieces in ascending order, generated into a 4 MiB buffer.
#include <algorithm>
#include <string>
#include <vector>

#include "io/aligned_buffer.h"
#include "ntfs/layout_content.h"

namespace diskferry::ntfs {

namespace {

constexpr size_t kBufferBytes = 4 << 20;
// Small enough that the digests of one buffer fill the lanes of md5Many, and a multiple of every cluster and record.
constexpr size_t kRangeBytes = 256 << 10;

enum class Source { skeleton, mft, mftBitmap, mirror, volumeBitmap, security, index, indexBitmap };

struct Piece {
  uint64_t lcn;
  uint64_t count;
  Source source;
  uint64_t startBytes;  // within its own stream
  uint32_t subject;     // record of a skeleton piece, directory of an index piece
};

std::string skeletonName(uint32_t record) {
  switch (record) {
    case kLogFileRecord:
      return "$LogFile";
    case 4:
      return "$AttrDef";
    case kRootRecord:
      return "security descriptor of the root directory";
    case kBootRecord:
      return "$Boot";
    case kUpcaseRecord:
      return "$UpCase";
    default:
      return "data of MFT record " + std::to_string(record);
  }
}

class MetadataStream {
 public:
  MetadataStream(const LayoutPlan& plan, LayoutContent& content, Sectors& volume)
      : plan_(plan), content_(content), volume_(volume), buffer_(kBufferBytes) {}

  Result<std::vector<MetadataRange>> write() {
    collectPieces();
    for (const Piece& piece : pieces_) content_.addUsed({piece.lcn, piece.count});
    content_.seal();
    for (const Piece& piece : pieces_) DISKFERRY_TRY(writePiece(piece));
    std::span<const std::byte> boot = plan_.skeleton.backupBootSector();
    std::span<std::byte> space;
    DISKFERRY_TRY(append(plan_.geometry().backupBootOffsetBytes(), boot.size(), "backup boot sector", space));
    std::ranges::copy(boot, space.begin());
    DISKFERRY_TRY(flush());
    return std::move(ranges_);
  }

 private:
  void addRuns(std::span<const Run> runs, Source source, uint32_t subject = 0) {
    uint64_t start = 0;
    for (const Run& run : runs) {
      pieces_.push_back({run.lcn, run.count, source, start, subject});
      start += run.count * plan_.geometry().clusterBytes;
    }
  }

  void collectPieces() {
    for (const OwnedRange& owned : plan_.system.owned) {
      if (owned.record == kMftRecord || plan_.isReleased(owned)) continue;
      Source source = owned.record == kMirrorRecord   ? Source::mirror
                      : owned.record == kBitmapRecord ? Source::volumeBitmap
                      : owned.record == kSecureRecord ? Source::security
                                                      : Source::skeleton;
      pieces_.push_back(
          {owned.range.lcn, owned.range.count, source, owned.firstVcn * plan_.geometry().clusterBytes, owned.record});
    }
    addRuns(plan_.mftRuns, Source::mft);
    addRuns(plan_.mftBitmapRuns, Source::mftBitmap);
    for (uint32_t directory : plan_.tree.directoryOrder) {
      uint32_t blocks = content_.blocksOf(directory);
      const LayoutDirectory& entry = plan_.tree.directories[directory];
      if (blocks == 0) continue;
      addRuns(plan_.indexRuns(entry.firstCluster, plan_.indexClusters(blocks)), Source::index, directory);
      if (blocks <= kResidentBitmapBlocks) continue;
      uint64_t clusters = plan_.clustersFor(indexBitmapBytes(blocks));
      addRuns(plan_.indexRuns(entry.firstCluster + plan_.indexClusters(entry.reservedBlocks), clusters),
              Source::indexBitmap, directory);
    }
    std::ranges::sort(pieces_, {}, &Piece::lcn);
  }

  std::string nameOf(const Piece& piece, uint64_t streamBytes, size_t length) const {
    switch (piece.source) {
      case Source::skeleton:
        return skeletonName(piece.subject);
      case Source::mft: {
        uint64_t first = streamBytes / plan_.geometry().recordBytes;
        uint64_t last = (streamBytes + length) / plan_.geometry().recordBytes - 1;
        return "$MFT records " + std::to_string(first) + "-" + std::to_string(last);
      }
      case Source::mftBitmap:
        return "$MFT bitmap";
      case Source::mirror:
        return "$MFTMirr";
      case Source::volumeBitmap:
        return "$Bitmap";
      case Source::security:
        return "$Secure";
      case Source::index:
        return "index of " + plan_.tree.path(piece.subject);
      case Source::indexBitmap:
        return "index bitmap of " + plan_.tree.path(piece.subject);
    }
    return {};
  }

  Status fill(const Piece& piece, uint64_t streamBytes, std::span<std::byte> into) {
    size_t recordBytes = plan_.geometry().recordBytes;
    switch (piece.source) {
      case Source::skeleton:
        plan_.skeleton.copy(piece.lcn * plan_.geometry().clusterBytes + (streamBytes - piece.startBytes), into);
        return Status::ok();
      case Source::mft:
        return content_.fillRecords(static_cast<uint32_t>(streamBytes / recordBytes), into);
      case Source::mftBitmap:
        content_.fillMftBitmap(streamBytes, into);
        return Status::ok();
      case Source::mirror:
        return fillMirror(streamBytes, into);
      case Source::volumeBitmap:
        content_.fillVolumeBitmap(streamBytes, into);
        return Status::ok();
      case Source::security:
        content_.fillSecurity(streamBytes, into);
        return Status::ok();
      case Source::index: {
        if (!current_ || currentDirectory_ != piece.subject) {
          current_ = content_.contentOf(piece.subject);
          currentDirectory_ = piece.subject;
        }
        auto firstBlock = static_cast<uint32_t>(streamBytes / plan_.geometry().indexBytes);
        content_.fillIndexBlocks(*current_, firstBlock, into);
        return Status::ok();
      }
      case Source::indexBitmap: {
        uint64_t blocks = content_.blocksOf(piece.subject);
        for (size_t i = 0; i < into.size(); i++) {
          uint64_t first = (streamBytes + i) * 8;
          into[i] = static_cast<std::byte>(first >= blocks       ? 0
                                           : blocks - first >= 8 ? 0xFF
                                                                 : (1 << (blocks - first)) - 1);
        }
        return Status::ok();
      }
    }
    return Status::ok();
  }

  // The mirror's data may be longer than a record's multiple only by its cluster; that stays zero.
  Status fillMirror(uint64_t streamBytes, std::span<std::byte> into) {
    size_t recordBytes = plan_.geometry().recordBytes;
    std::ranges::fill(into, std::byte{0});
    uint64_t end = plan_.system.mirrorRecordCount * recordBytes;
    if (streamBytes >= end) return Status::ok();
    size_t length = static_cast<size_t>(std::min<uint64_t>(into.size(), end - streamBytes));
    return content_.fillRecords(static_cast<uint32_t>(streamBytes / recordBytes), into.first(length));
  }

  Status writePiece(const Piece& piece) {
    uint64_t offset = piece.lcn * plan_.geometry().clusterBytes;
    uint64_t left = piece.count * plan_.geometry().clusterBytes;
    uint64_t stream = piece.startBytes;
    while (left > 0) {
      size_t length = static_cast<size_t>(std::min<uint64_t>(left, kRangeBytes));
      std::span<std::byte> space;
      DISKFERRY_TRY(append(offset, length, nameOf(piece, stream, length), space));
      DISKFERRY_TRY(fill(piece, stream, space));
      offset += length;
      stream += length;
      left -= length;
    }
    return Status::ok();
  }

  // Room in the buffer for the next range; writes out what is there when it does not follow on or does not fit.
  Status append(uint64_t offsetBytes, size_t lengthBytes, std::string structure, std::span<std::byte>& space) {
    if (filled_ + lengthBytes > kBufferBytes || bufferOffset_ + filled_ != offsetBytes) DISKFERRY_TRY(flush());
    if (filled_ == 0) bufferOffset_ = offsetBytes;
    space = buffer_.bytes().subspan(filled_, lengthBytes);
    filled_ += lengthBytes;
    ranges_.push_back({offsetBytes, static_cast<uint32_t>(lengthBytes), {}, std::move(structure)});
    return Status::ok();
  }

  Status flush() {
    if (filled_ == 0) return Status::ok();
    std::vector<Md5Job> jobs;
    for (size_t i = hashed_; i < ranges_.size(); i++) {
      MetadataRange& range = ranges_[i];
      jobs.push_back(
          {buffer_.bytes().subspan(range.offsetBytes - bufferOffset_, range.lengthBytes), nullptr, true, &range.md5});
    }
    md5Many(jobs);
    hashed_ = ranges_.size();
    DISKFERRY_TRY(volume_.write(bufferOffset_, buffer_.bytes().first(filled_)));
    filled_ = 0;
    return Status::ok();
  }

  const LayoutPlan& plan_;
  LayoutContent& content_;
  Sectors& volume_;
  AlignedBuffer buffer_;
  size_t filled_ = 0;
  uint64_t bufferOffset_ = 0;
  size_t hashed_ = 0;
  std::vector<Piece> pieces_;
  std::vector<MetadataRange> ranges_;
  std::optional<DirectoryContent> current_;
  uint32_t currentDirectory_ = 0;
};

}  // namespace

Result<std::vector<MetadataRange>> Layout::write(Sectors& volume, const WriteOptions& options) const {
  const Geometry& geometry = plan_->geometry();
  if (volume.sizeBytes() < geometry.volumeBytes())
    return Status(ErrorCode::DEVICE_RANGE, "the layout is for " + std::to_string(geometry.volumeBytes()) +
                                               " bytes, the volume has " + std::to_string(volume.sizeBytes()));
  if (volume.sectorBytes() > geometry.sectorBytes)
    return Status(ErrorCode::NTFS_UNSUPPORTED, "the layout has sectors of " + std::to_string(geometry.sectorBytes) +
                                                   " bytes, the volume of " + std::to_string(volume.sectorBytes()));
  Result<std::unique_ptr<LayoutContent>> content = LayoutContent::create(*plan_, options);
  if (!content.isOk()) return content.status();
  return MetadataStream(*plan_, *content.value(), volume).write();
}

}  // namespace diskferry::ntfs
