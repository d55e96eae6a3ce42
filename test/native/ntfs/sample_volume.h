// For the NTFS tests: skeletons from the real mkntfs, trees built by hand or at random (seeded), volumes in temporary
// sparse files whose file data is a pattern that tells file and offset.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/block_device.h"
#include "ntfs/layout.h"

namespace diskferry::ntfs::testing {

struct VolumeKind {
  uint64_t sizeBytes = 64 << 20;
  uint32_t clusterBytes = 4096;
  uint32_t sectorBytes = 512;
};

// What mkntfs makes; nullopt when the program is not installed.
std::optional<std::vector<std::byte>> makeSkeleton(const VolumeKind& kind);

// Deterministic, seeded.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  uint64_t next();
  uint64_t below(uint64_t limit) { return next() % limit; }

 private:
  uint64_t state_;
};

class TreeBuilder {
 public:
  TreeBuilder() { addDirectory(0, ""); }
  uint32_t addDirectory(uint32_t parent, std::string_view name);
  uint32_t addFile(uint32_t directory, std::string_view name, uint64_t sizeBytes,
                   int64_t modifiedNs = 1700000000123456700);
  TreeColumns columns() const;

  std::string nameOfFile(uint32_t file) const;
  // "a/b/name" from the root.
  std::string pathOfFile(uint32_t file) const;
  std::string pathOfDirectory(uint32_t directory) const;

  std::vector<uint32_t> directoryParent;
  std::string directoryNames;
  std::vector<uint32_t> directoryNameEnds;
  std::vector<uint32_t> fileDirectory;
  std::string fileNames;
  std::vector<uint32_t> fileNameEnds;
  std::vector<double> fileSizes;
  std::vector<int64_t> fileTimes;
};

// Names of 1 to 255 units from many scripts, surrogate pairs among them, pairs that differ only where $UpCase does not
// fold; sizes around cluster borders.
TreeBuilder randomTree(Random& random, size_t fileCount, uint32_t clusterBytes);

// Like the regions of an encrypted volume.
std::vector<SystemFileGroup> sampleGroups(uint64_t volumeBytes);

std::byte patternAt(uint32_t file, uint64_t offsetBytes);
Status writeFileData(Sectors& volume, const Layout& layout, const TreeBuilder& tree);

// A sparse file in the temporary folder, deleted with its object.
class TemporaryVolume {
 public:
  TemporaryVolume(uint64_t sizeBytes, uint32_t sectorBytes);
  ~TemporaryVolume();
  TemporaryVolume(const TemporaryVolume&) = delete;
  TemporaryVolume& operator=(const TemporaryVolume&) = delete;
  // Null when a sparse file of that size cannot be made here.
  const std::shared_ptr<BlockDevice>& device() const { return device_; }
  const std::string& path() const { return path_; }
  // Others may open the file afterwards.
  void closeDevice() { device_->close(); }

 private:
  std::string path_;
  std::shared_ptr<BlockDevice> device_;
};

// The exit code of a shell command, its output in `output`.
int run(const std::string& command, std::string* output = nullptr);
bool hasProgram(const std::string& name);
// Unmounts an image that ntfs-3g has mounted, which still writes when umount has returned: its end is waited for.
void unmountImage(const std::string& folder, const std::string& path);
// Plans, fills with file data, writes the metadata. REQUIREs success.
struct MadeVolume {
  std::vector<std::byte> skeleton;
  std::shared_ptr<Layout> layout;
  std::vector<MetadataRange> ranges;
};
std::optional<MadeVolume> makeVolume(Sectors& volume, const VolumeKind& kind, const TreeBuilder& tree,
                                     const std::vector<SystemFileGroup>& groups, const WriteOptions& options = {});

}  // namespace diskferry::ntfs::testing
