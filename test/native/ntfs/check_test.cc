// Reading back and checking what the layout wrote: clean volumes have no finding, every damaged block of metadata has
// one, and a hostile volume gives findings or errors but never harm.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

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

std::map<std::string, uint32_t> filesByPath(const VolumeTree& tree) {
  std::map<std::string, uint32_t> byPath;
  for (uint32_t file = 0; file < tree.fileRecord.size(); file++) {
    std::string directory = pathOf(tree, tree.fileDirectory[file]);
    std::string name = nameAt(tree.fileNames, tree.fileNameEnds, file);
    byPath[directory.empty() ? name : directory + "/" + name] = file;
  }
  return byPath;
}

// Every file of `tree` with its size, time and content, and every directory, is on the volume; nothing else is.
void requireEqual(const NtfsVolume& volume, const TreeBuilder& tree) {
  Result<VolumeTree> read = volume.readTree();
  REQUIRE_MESSAGE(read.isOk(), read.status().message());
  const VolumeTree& found = read.value();
  REQUIRE(found.unreachableRecords == 0);
  REQUIRE(found.fileRecord.size() == tree.fileDirectory.size());
  REQUIRE(found.directoryParent.size() == tree.directoryParent.size());
  std::map<std::string, uint32_t> byPath = filesByPath(found);
  size_t different = 0;
  for (uint32_t file = 0; file < tree.fileDirectory.size(); file++) {
    auto at = byPath.find(tree.pathOfFile(file));
    REQUIRE(at != byPath.end());
    uint64_t size = static_cast<uint64_t>(tree.fileSizes[file]);
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
    if (kind.clusterBytes > 8192) kind.sizeBytes *= isLong() ? 8 : 4;
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

TEST_CASE("ntfs volume: without the files that were left out, the volume is as if they had never been planned") {
  size_t rounds = isLong() ? 100 : 6;
  for (size_t round = 0; round < rounds; round++) {
    Random random(round + 5000);
    VolumeKind kind{64 << 20, round % 3 == 2 ? 512u : 4096u};
    CAPTURE(round);
    TreeBuilder tree = randomTree(random, 200 + random.below(1500), kind.clusterBytes);
    uint32_t folder = tree.addDirectory(0, "wide");  // large enough for a second level of index blocks
    for (uint32_t i = 0; i < 2000; i++)
      tree.addFile(folder, std::to_string(i) + std::string(random.below(9) == 0 ? 200 : 5, 'w'), i % 3);
    WriteOptions options;
    TreeBuilder kept;
    kept.directoryParent = tree.directoryParent;
    kept.directoryNames = tree.directoryNames;
    kept.directoryNameEnds = tree.directoryNameEnds;
    uint64_t share = 1 + random.below(9);
    std::vector<uint32_t> originals;
    for (uint32_t file = 0; file < tree.fileDirectory.size(); file++) {
      bool isLongName = tree.nameOfFile(file).size() > 150;
      auto size = static_cast<uint64_t>(tree.fileSizes[file]);
      // Short names first: what remains has the long ones as separators, the hardest case for what was reserved.
      if (random.below(10) < share && !(isLongName && round % 2 == 0)) {
        options.droppedFiles.push_back(file);
        continue;
      }
      if (size > 0 && random.below(5) == 0) {
        size = random.below(size + 1);
        options.actualSizes.push_back({file, size});
      }
      kept.addFile(tree.fileDirectory[file], tree.nameOfFile(file), size, tree.fileTimes[file]);
      originals.push_back(file);
    }
    auto sectors = std::make_shared<MemorySectors>(kind.sizeBytes, kind.sectorBytes);
    std::optional<MadeVolume> made = makeVolume(*sectors, kind, tree, sampleGroups(kind.sizeBytes), options);
    if (!made) return;
    auto volume = openVolume(sectors);
    requireNoFinding(*volume);
    Result<VolumeTree> read = volume->readTree();
    REQUIRE(read.isOk());
    REQUIRE(read.value().fileRecord.size() == originals.size());
    std::map<std::string, uint32_t> byPath = filesByPath(read.value());
    for (uint32_t i = 0; i < originals.size(); i++) {
      uint32_t found = byPath.at(kept.pathOfFile(i));
      REQUIRE(read.value().fileSizeBytes[found] == kept.fileSizes[i]);
      // The bytes lie where the plan had put them.
      uint32_t firstExtent = read.value().firstExtent[found];
      std::span<const Extent> planned = made->layout->extentsOf(originals[i]);
      if (kept.fileSizes[i] > 0)
        REQUIRE(read.value().extentOffsetBytes[firstExtent] ==
                static_cast<double>(planned[0].lcn * uint64_t{kind.clusterBytes}));
    }
  }
}

TEST_CASE("ntfs volume: what has been written can be read back and compared by structure") {
  VolumeKind kind;
  Random random(17);
  TreeBuilder tree = randomTree(random, 300, kind.clusterBytes);
  auto sectors = std::make_shared<MemorySectors>(kind.sizeBytes, kind.sectorBytes);
  std::optional<MadeVolume> made = makeVolume(*sectors, kind, tree, sampleGroups(kind.sizeBytes));
  if (!made) return;
  std::set<std::string> structures;
  for (const MetadataRange& range : made->ranges) {
    Md5Digest digest;
    Md5Job job{sectors->bytes().subspan(range.offsetBytes, range.lengthBytes), nullptr, true, &digest};
    md5Many(std::span(&job, 1));
    CHECK(digest == range.md5);
    structures.insert(range.structure.substr(0, range.structure.find(' ')));
  }
  for (const char* name :
       {"$Boot", "$MFT", "$MFTMirr", "$LogFile", "$Bitmap", "$UpCase", "$Secure", "$AttrDef", "index", "backup"})
    CHECK_MESSAGE(structures.contains(name), name);
}

TEST_CASE("ntfs volume: 12 TB are checked in seconds") {
  VolumeKind kind{12ull << 40, 65536};
  TemporaryVolume file(kind.sizeBytes, kind.sectorBytes);
  if (file.device() == nullptr) {
    MESSAGE("skipped: no sparse file of 12 TB can be made here");
    return;
  }
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton(kind);
  if (!skeleton) return;
  TreeBuilder tree;
  for (int i = 0; i < 3000; i++) tree.addFile(0, "backup " + std::to_string(i), 4000000000 + i);
  PlanProblems problems;
  Result<std::shared_ptr<Layout>> layout =
      Layout::plan(*skeleton, tree.columns(), sampleGroups(kind.sizeBytes), problems);
  REQUIRE_MESSAGE(layout.isOk(), layout.status().message());
  REQUIRE(layout.value()->write(*file.device(), {}).isOk());
  requireNoFinding(*openVolume(file.device()));
}

}  // namespace diskferry::ntfs::testing
