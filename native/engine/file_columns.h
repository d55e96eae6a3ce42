// The files of one drive as columns. These are views: the caller keeps the arrays (they belong to JavaScript) for the
// whole run. Everything in them is checked once, here, and trusted afterwards.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bitlocker/volume.h"
#include "status.h"

namespace diskferry::engine {

// The unit of reading, hashing and writing. A block that gets a digest is a multiple of it; manifests of others also
// have smaller ones, which are multiples of the largest sector.
inline constexpr uint32_t kChunkBytes = 4 << 20;
inline constexpr uint32_t kBlockUnitBytes = 4096;

// Name i is bytes[ends[i - 1] or 0, ends[i]).
struct NameView {
  std::span<const char> bytes;
  std::span<const uint32_t> ends;

  size_t count() const { return ends.size(); }
  std::string_view at(size_t index) const {
    const size_t start = index == 0 ? 0 : ends[index - 1];
    return {bytes.data() + start, ends[index] - start};
  }
};

// Where each file lies on the volume. Extents [firstExtent[i], firstExtent[i + 1]) belong to file i, in the order of
// its bytes; they hold whole clusters, so the last one may reach past the end of the file.
struct FileExtents {
  std::span<const double> sizeBytes;
  std::span<const double> blockBytes;  // each block of so many bytes has a digest
  std::span<const uint32_t> firstExtent;
  std::span<const double> extentOffsetBytes;  // from the start of the volume
  std::span<const double> extentLengthBytes;

  size_t fileCount() const { return sizeBytes.size(); }
  uint64_t size(size_t file) const { return static_cast<uint64_t>(sizeBytes[file]); }
  uint64_t block(size_t file) const { return static_cast<uint64_t>(blockBytes[file]); }
  uint64_t blockCount(size_t file) const { return (size(file) + block(file) - 1) / block(file); }
};

// Where each file comes from, and what it was like when the plan was made.
struct SourceColumns {
  NameView directories;  // paths
  std::span<const uint32_t> fileDirectory;
  NameView fileNames;
  std::span<const int64_t> modifiedNs;

  std::string path(size_t file) const {
    return std::string(directories.at(fileDirectory[file])) + "/" + std::string(fileNames.at(file));
  }
};

// INTERNAL when a column is malformed; DEVICE_RANGE when an extent leaves the volume, is not whole sectors, or meets
// one of BitLocker's own regions.
Status checkExtents(const FileExtents& files, const bitlocker::Volume& volume);
Status checkSources(const SourceColumns& sources, size_t fileCount);

}  // namespace diskferry::engine
