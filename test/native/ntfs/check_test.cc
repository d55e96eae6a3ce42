// Reading back and checking what the layout wrote: clean volumes have no finding, every damaged block of metadata has
// one, and a hostile volume gives findings or errors but never harm.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "io/memory_sectors.h"
#include "ntfs/volume.h"
#include "sample_volume.h"

namespace diskferry::ntfs::testing {

namespace {

bool isLong() { return std::getenv("DISKFERRY_LONG_TESTS") != nullptr; }

std::shared_ptr<NtfsVolume> openVolume(const std::shared_ptr<Sectors>& sectors) {
  Result<std::shared_ptr<NtfsVolume>> volume = NtfsVolume::open(sectors);
  REQUIRE_MESSAGE(volume.isOk(), volume.status().message());
  return volume.take();
}

void requireNoFinding(const NtfsVolume& volume) {
  Result<std::vector<Finding>> findings = volume.check();
  REQUIRE_MESSAGE(findings.isOk(), findings.status().message());
  for (size_t i = 0; i < findings.value().size() && i < 5; i++) {
    const Finding& finding = findings.value()[i];
    MESSAGE(finding.code << " " << finding.structure << ": " << finding.message);
  }
  REQUIRE(findings.value().empty());
}

std::string nameAt(const std::string& names, const std::vector<uint32_t>& ends, uint32_t index) {
  uint32_t start = index == 0 ? 0 : ends[index - 1];
  return names.substr(start, ends[index] - start);
}

std::string pathOf(const VolumeTree& tree, uint32_t directory) {
  if (directory == 0) return "";
  std::string name = nameAt(tree.directoryNames, tree.directoryNameEnds, directory);
  std::string parent = pathOf(tree, tree.directoryParent[directory]);
  return parent.empty() ? name : parent + "/" + name;
}

// Every file of `tree` with its size, time and content, and every directory, is on the volume; nothing else is.
void requireEqual(const NtfsVolume& volume, const TreeBuilder& tree, const std::map<uint32_t, uint64_t>& sizes = {}) {
  Result<VolumeTree> read = volume.readTree();
  REQUIRE_MESSAGE(read.isOk(), read.status().message());
  const VolumeTree& found = read.value();
  REQUIRE(found.unreachableRecords == 0);
  REQUIRE(found.fileRecord.size() == tree.fileDirectory.size());
  REQUIRE(found.directoryParent.size() == tree.directoryParent.size());
  std::map<std::string, uint32_t> byPath;
  for (uint32_t file = 0; file < found.fileRecord.size(); file++) {
    std::string directory = pathOf(found, found.fileDirectory[file]);
    std::string name = nameAt(found.fileNames, found.fileNameEnds, file);
    byPath[directory.empty() ? name : directory + "/" + name] = file;
  }
  size_t different = 0;
  for (uint32_t file = 0; file < tree.fileDirectory.size(); file++) {
    auto at = byPath.find(tree.pathOfFile(file));
    REQUIRE(at != byPath.end());
    uint64_t size = sizes.contains(file) ? sizes.at(file) : static_cast<uint64_t>(tree.fileSizes[file]);
    REQUIRE(found.fileSizeBytes[at->second] == static_cast<double>(size));
    REQUIRE(found.fileModifiedNs[at->second] == tree.fileTimes[file] / 100 * 100);
    std::vector<std::byte> content(size + 1);
    Result<size_t> length = volume.readFile(found.fileRecord[at->second], 0, content);
    REQUIRE(length.isOk());
    REQUIRE(length.value() == size);
    for (uint64_t i = 0; i < size; i++) different += content[i] != patternAt(file, i);
  }
  REQUIRE(different == 0);
}

}  // namespace

TEST_CASE("ntfs volume: what was laid out is read back, and a check finds nothing") {
  size_t rounds = isLong() ? 120 : 8;
  const uint32_t clusters[] = {4096, 512, 65536, 1024, 8192, 2048, 16384, 32768};
  for (size_t round = 0; round < rounds; round++) {
    Random random(round + 1000);
    VolumeKind kind{(16 + random.below(16)) << 20, clusters[round % 8], round % 3 == 1 ? 4096u : 512u};
    if (kind.clusterBytes < kind.sectorBytes) kind.sectorBytes = 512;
    if (kind.clusterBytes > 16384) kind.sizeBytes *= 4;
    CAPTURE(round);
    CAPTURE(kind.clusterBytes);
    CAPTURE(kind.sectorBytes);
    TreeBuilder tree = randomTree(random, random.below(isLong() ? 900 : 200), kind.clusterBytes);
    auto sectors = std::make_shared<MemorySectors>(kind.sizeBytes, kind.sectorBytes);
    for (std::byte& byte : sectors->bytes()) byte = static_cast<std::byte>(0xA5);  // what was on the drive before
    if (!makeVolume(*sectors, kind, tree, sampleGroups(kind.sizeBytes))) return;
    auto volume = openVolume(sectors);
    CHECK(volume->label() == "Sample");
    requireNoFinding(*volume);
    requireEqual(*volume, tree);
  }
}

}  // namespace diskferry::ntfs::testing
