#include "engine/file_columns.h"

#include <cmath>

namespace diskferry::engine {

namespace {

constexpr double kSafeIntegerMax = 9007199254740991.0;

Status malformed(const std::string& what) { return Status(ErrorCode::INTERNAL, "copy plan: " + what); }

bool isWhole(double value) { return value >= 0 && value <= kSafeIntegerMax && std::floor(value) == value; }

Status checkExtent(const FileExtents& files, size_t extent, const bitlocker::Volume& volume) {
  const double offset = files.extentOffsetBytes[extent];
  const double length = files.extentLengthBytes[extent];
  if (!isWhole(offset) || !isWhole(length) || length == 0) return malformed("an extent is not a range of bytes");
  const auto start = static_cast<uint64_t>(offset);
  const auto size = static_cast<uint64_t>(length);
  const bool inside = start <= volume.sizeBytes() && size <= volume.sizeBytes() - start;
  if (inside && start % volume.sectorBytes() == 0 && size % volume.sectorBytes() == 0 &&
      !volume.touchesRegion(start, size))
    return Status::ok();
  return Status(
      ErrorCode::DEVICE_RANGE,
      "copy plan: the extent of " + std::to_string(size) + " bytes at offset " + std::to_string(start) +
          (inside ? " is not whole sectors, or meets a region of BitLocker's own" : " is outside of the volume"));
}

Status checkNames(const NameView& names, const char* what) {
  uint32_t previous = 0;
  for (uint32_t end : names.ends) {
    if (end < previous || end > names.bytes.size()) return malformed(std::string(what) + " do not fit their bytes");
    previous = end;
  }
  return Status::ok();
}

}  // namespace

Status checkExtents(const FileExtents& files, const bitlocker::Volume& volume) {
  const size_t count = files.fileCount();
  if (files.blockBytes.size() != count || files.firstExtent.size() != count + 1)
    return malformed("the columns of files have different lengths");
  if (files.extentOffsetBytes.size() != files.extentLengthBytes.size() || files.firstExtent[0] != 0 ||
      files.firstExtent[count] != files.extentOffsetBytes.size())
    return malformed("the columns of extents have different lengths");
  for (size_t file = 0; file < count; file++) {
    const double block = files.blockBytes[file];
    if (!isWhole(files.sizeBytes[file])) return malformed("a file size is not a number of bytes");
    const uint64_t unit = block < kChunkBytes ? kBlockUnitBytes : kChunkBytes;
    if (!isWhole(block) || block == 0 || files.block(file) % unit != 0)
      return malformed("a block length is neither a multiple of 4 MiB nor, below that, of 4 KiB");
    if (files.firstExtent[file + 1] < files.firstExtent[file]) return malformed("the extents of files overlap");
    double allocated = 0;
    for (size_t extent = files.firstExtent[file]; extent < files.firstExtent[file + 1]; extent++) {
      DISKFERRY_TRY(checkExtent(files, extent, volume));
      allocated += files.extentLengthBytes[extent];
    }
    if (allocated < files.sizeBytes[file])
      return malformed("file " + std::to_string(file) + " has " + std::to_string(files.size(file)) +
                       " bytes but extents for " + std::to_string(static_cast<uint64_t>(allocated)));
  }
  return Status::ok();
}

Status checkSources(const SourceColumns& sources, size_t fileCount) {
  if (sources.fileDirectory.size() != fileCount || sources.fileNames.count() != fileCount ||
      sources.modifiedNs.size() != fileCount)
    return malformed("the columns of sources have different lengths");
  DISKFERRY_TRY(checkNames(sources.directories, "directory names"));
  DISKFERRY_TRY(checkNames(sources.fileNames, "file names"));
  for (uint32_t directory : sources.fileDirectory)
    if (directory >= sources.directories.count()) return malformed("a file lies in a directory that is not there");
  return Status::ok();
}

}  // namespace diskferry::engine
