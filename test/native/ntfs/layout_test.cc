// The layout, judged by programs that are not ours: ntfsresize compares every run with $Bitmap, ntfs-3g and 7-Zip read
// all files back.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io/faulty_sectors.h"
#include "io/memory_sectors.h"
#include "sample_volume.h"

namespace diskferry::ntfs::testing {

namespace {

void checkWithNtfsresize(const std::string& path) {
  if (!hasProgram("ntfsresize")) {
    MESSAGE("skipped: ntfsresize is not installed");
    return;
  }
  std::string output;
  int code = run("ntfsresize --info -f " + path, &output);
  // A full volume cannot be resized, which is the last thing the program looks at.
  bool isFull = output.find("Volume is full") != std::string::npos;
  bool isClean = code == 0 && output.find("ERROR") == std::string::npos;
  CHECK_MESSAGE((isClean || isFull), output);
}

// Mounts with ntfs-3g and compares every byte. False when this machine cannot mount.
bool compareMounted(const std::string& path, const TreeBuilder& tree, const std::vector<bool>& isDropped = {}) {
  if (!hasProgram("ntfs-3g") || !std::filesystem::exists("/dev/fuse")) return false;
  std::string folder = path + ".mount";
  std::filesystem::create_directory(folder);
  std::string output;
  if (run("ntfs-3g -o ro,locale=C.UTF-8 " + path + " " + folder, &output) != 0) {
    MESSAGE(output);
    std::filesystem::remove(folder);
    return false;
  }
  size_t found = 0;
  for (auto at = std::filesystem::recursive_directory_iterator(folder);
       at != std::filesystem::recursive_directory_iterator(); ++at) {
    if (at->path().filename() == "System Volume Information")
      at.disable_recursion_pending();
    else if (at->is_regular_file())
      found++;
  }
  size_t expected = 0;
  size_t different = 0;
  for (uint32_t file = 0; file < tree.fileDirectory.size(); file++) {
    if (file < isDropped.size() && isDropped[file]) continue;
    expected++;
    std::ifstream stream(folder + "/" + tree.pathOfFile(file), std::ios::binary);
    std::string content((std::istreambuf_iterator<char>(stream)), {});
    bool isEqual = stream && content.size() == static_cast<size_t>(tree.fileSizes[file]);
    for (size_t i = 0; isEqual && i < content.size(); i++)
      isEqual = static_cast<std::byte>(content[i]) == patternAt(file, i);
    different += !isEqual;
  }
  unmountImage(folder, path);
  std::filesystem::remove(folder);
  CHECK(different == 0);
  CHECK(found == expected);
  return true;
}

}  // namespace

TEST_CASE("ntfs layout: independent readers find every byte of random trees") {
  size_t rounds = std::getenv("DISKFERRY_LONG_TESTS") != nullptr ? 100 : 6;
  const uint32_t clusters[] = {4096, 512, 65536, 1024, 8192, 2048, 16384, 32768};
  for (size_t round = 0; round < rounds; round++) {
    Random random(round + 1);
    VolumeKind kind{(48 + random.below(40)) << 20, clusters[round % 8], round % 3 == 2 ? 4096u : 512u};
    if (kind.clusterBytes < kind.sectorBytes) kind.sectorBytes = 512;
    if (kind.clusterBytes > 16384) kind.sizeBytes *= 4;
    CAPTURE(round);
    CAPTURE(kind.clusterBytes);
    CAPTURE(kind.sectorBytes);
    TreeBuilder tree = randomTree(random, random.below(600), kind.clusterBytes);
    TemporaryVolume volume(kind.sizeBytes, kind.sectorBytes);
    if (!makeVolume(*volume.device(), kind, tree, sampleGroups(kind.sizeBytes))) return;
    volume.closeDevice();
    checkWithNtfsresize(volume.path());
    if (!compareMounted(volume.path(), tree)) MESSAGE("skipped the comparison: ntfs-3g cannot mount here");
  }
}

TEST_CASE("ntfs layout: 7-Zip reads every file, with names of 255 units and surrogate pairs") {
  if (!hasProgram("7z")) {
    MESSAGE("skipped: 7z is not installed");
    return;
  }
  Random random(7);
  VolumeKind kind;
  TreeBuilder tree = randomTree(random, 150, kind.clusterBytes);
  TemporaryVolume volume(kind.sizeBytes, kind.sectorBytes);
  if (!makeVolume(*volume.device(), kind, tree, sampleGroups(kind.sizeBytes))) return;
  volume.closeDevice();
  std::string output;
  CHECK_MESSAGE(run("LC_ALL=C.UTF-8 7z t -tNTFS " + volume.path(), &output) == 0, output);
  output.clear();
  CHECK(run("LC_ALL=C.UTF-8 7z l -slt -tNTFS " + volume.path(), &output) == 0);
  size_t missing = 0;
  for (uint32_t file = 0; file < tree.fileDirectory.size(); file++)
    missing += output.find("Path = " + tree.pathOfFile(file) + "\n") == std::string::npos;
  CHECK(missing == 0);
}

TEST_CASE("ntfs layout: a file that is left out or got shorter leaves no trace, and all others stay where they were") {
  Random random(11);
  VolumeKind kind;
  TreeBuilder tree = randomTree(random, 400, kind.clusterBytes);
  tree.addFile(0, "last.xml", 50000);
  auto last = static_cast<uint32_t>(tree.fileDirectory.size()) - 1;
  TemporaryVolume volume(kind.sizeBytes, kind.sectorBytes);
  WriteOptions options;
  std::vector<bool> isDropped(tree.fileDirectory.size());
  for (uint32_t file = 0; file < last; file++)
    if (random.below(3) == 0) options.droppedFiles.push_back(file), isDropped[file] = true;
  options.actualSizes = {{last, 40961}};
  std::optional<MadeVolume> made = makeVolume(*volume.device(), kind, tree, sampleGroups(kind.sizeBytes), options);
  if (!made) return;
  volume.closeDevice();
  tree.fileSizes[last] = 40961;
  checkWithNtfsresize(volume.path());
  if (!compareMounted(volume.path(), tree, isDropped)) MESSAGE("skipped the comparison: ntfs-3g cannot mount here");
}

TEST_CASE("ntfs layout: 100,000 files in one folder, and 30 levels of folders with long names") {
  VolumeKind kind{1ull << 30};
  TreeBuilder tree;
  uint32_t folder = tree.addDirectory(0, "many");
  for (uint32_t i = 0; i < 100000; i++)
    tree.addFile(folder, "file " + std::to_string(i * 7919 % 100000) + ".dat", i % 2);
  uint32_t deep = 0;
  for (uint32_t level = 0; level < 30; level++)
    deep = tree.addDirectory(deep, std::string(level % 2 == 0 ? 120 : 8, 'd'));
  tree.addFile(deep, "bottom", 5000);
  TemporaryVolume volume(kind.sizeBytes, kind.sectorBytes);
  if (!makeVolume(*volume.device(), kind, tree, sampleGroups(kind.sizeBytes))) return;
  volume.closeDevice();
  checkWithNtfsresize(volume.path());
  if (!hasProgram("ntfs-3g") || !std::filesystem::exists("/dev/fuse")) return;
  std::string mount = volume.path() + ".mount";
  std::filesystem::create_directory(mount);
  std::string output;
  if (run("ntfs-3g -o ro " + volume.path() + " " + mount, &output) == 0) {
    output.clear();
    CHECK(run("ls -f " + mount + "/many | wc -l; stat -c %s " + mount + "/many/'file 99999.dat' " + mount + "/" +
                  tree.pathOfFile(100000),
              &output) == 0);
    uint32_t index = 0;
    while (index * 7919ull % 100000 != 99999) index++;
    CHECK(output == "100002\n" + std::to_string(index % 2) + "\n5000\n");
    unmountImage(mount, volume.path());
  }
  std::filesystem::remove(mount);
}

TEST_CASE("ntfs layout: what fits is exactly the sum of the clusters") {
  for (uint32_t clusterBytes : {512u, 4096u, 65536u}) {
    CAPTURE(clusterBytes);
    VolumeKind kind{clusterBytes > 4096 ? 256ull << 20 : 24ull << 20, clusterBytes};
    std::optional<std::vector<std::byte>> skeleton = makeSkeleton(kind);
    if (!skeleton) return;
    std::vector<SystemFileGroup> groups = sampleGroups(kind.sizeBytes);
    auto plan = [&](uint64_t lastClusters, PlanProblems& problems) {
      TreeBuilder tree;
      for (int i = 0; i < 100; i++) tree.addFile(0, "file" + std::to_string(i), clusterBytes * 3 + 1);
      tree.addFile(0, "last", lastClusters * clusterBytes);
      return Layout::plan(*skeleton, tree.columns(), groups, problems);
    };
    PlanProblems problems;
    Result<std::shared_ptr<Layout>> roomy = plan(1, problems);
    REQUIRE_MESSAGE(roomy.isOk(), roomy.status().message());
    LayoutStats stats = roomy.value()->stats();
    CHECK(stats.dataClusters == 401);
    CHECK(stats.freeClustersBefore == stats.metadataClusters + stats.dataClusters + stats.freeClustersAfter);
    Result<std::shared_ptr<Layout>> exact = plan(1 + stats.freeClustersAfter, problems);
    REQUIRE_MESSAGE(exact.isOk(), exact.status().message());
    CHECK(exact.value()->stats().freeClustersAfter == 0);
    Result<std::shared_ptr<Layout>> over = plan(2 + stats.freeClustersAfter, problems);
    REQUIRE(!over.isOk());
    CHECK(over.status().code() == ErrorCode::NTFS_NO_SPACE);
    CHECK(problems.neededBytes == problems.freeBytes + clusterBytes);
    CHECK(problems.freeBytes == stats.freeClustersBefore * clusterBytes);

    // No cluster is given twice, and the full volume is still one that others accept.
    TemporaryVolume volume(kind.sizeBytes, kind.sectorBytes);
    REQUIRE(exact.value()->write(*volume.device(), {}).isOk());
    volume.closeDevice();
    checkWithNtfsresize(volume.path());
  }
}

TEST_CASE("ntfs layout: the auditor of ntfs-3g finds the security descriptor in all three places") {
  if (!hasProgram("ntfssecaudit")) {
    MESSAGE("skipped: ntfssecaudit is not installed");
    return;
  }
  VolumeKind kind;
  TreeBuilder tree;
  tree.addFile(0, "a", 1);
  TemporaryVolume volume(kind.sizeBytes, kind.sectorBytes);
  if (!makeVolume(*volume.device(), kind, tree, {})) return;
  volume.closeDevice();
  std::string output;
  CHECK_MESSAGE(run("ntfssecaudit -a " + volume.path(), &output) == 0, output);
  CHECK_MESSAGE(output.find("All keys are present in all lists") != std::string::npos, output);
  CHECK_MESSAGE(output.find("3 valid entries in $SDH") != std::string::npos, output);
}

TEST_CASE("ntfs layout: system files lie where they were asked for, each group in one piece") {
  VolumeKind kind;
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton(kind);
  if (!skeleton) return;
  TreeBuilder tree;
  tree.addFile(0, "a", 30 << 20);
  std::vector<SystemFileGroup> groups = sampleGroups(kind.sizeBytes);
  PlanProblems problems;
  Result<std::shared_ptr<Layout>> layout = Layout::plan(*skeleton, tree.columns(), groups, problems);
  REQUIRE_MESSAGE(layout.isOk(), layout.status().message());
  std::vector<std::vector<uint64_t>> offsets = layout.value()->systemFileOffsets();
  REQUIRE(offsets.size() == groups.size());
  CHECK(offsets[0][1] == offsets[0][0] + 65536);
  std::vector<std::pair<uint64_t, uint64_t>> taken;
  for (size_t i = 0; i < groups.size(); i++) {
    CHECK(offsets[i][0] >= groups[i].notBeforeBytes);
    CHECK(offsets[i][0] < groups[i].notBeforeBytes + (4 << 20));
    for (size_t k = 0; k < offsets[i].size(); k++) taken.push_back({offsets[i][k], groups[i].files[k].sizeBytes});
  }
  for (const Extent& extent : layout.value()->extentsOf(0))
    taken.push_back({extent.lcn * 4096ull, extent.count * 4096ull});
  std::ranges::sort(taken);
  for (size_t i = 1; i < taken.size(); i++) CHECK(taken[i - 1].first + taken[i - 1].second <= taken[i].first);
}

TEST_CASE("ntfs layout: the same arguments give the same volume") {
  VolumeKind kind;
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton(kind);
  if (!skeleton) return;
  Random random(3);
  TreeBuilder tree = randomTree(random, 300, kind.clusterBytes);
  PlanProblems problems;
  std::vector<MetadataRange> ranges[2];
  for (std::vector<MetadataRange>& found : ranges) {
    Result<std::shared_ptr<Layout>> layout =
        Layout::plan(*skeleton, tree.columns(), sampleGroups(kind.sizeBytes), problems);
    REQUIRE(layout.isOk());
    TemporaryVolume volume(kind.sizeBytes, kind.sectorBytes);
    Result<std::vector<MetadataRange>> written = layout.value()->write(*volume.device(), {});
    REQUIRE(written.isOk());
    found = written.take();
  }
  REQUIRE(ranges[0].size() == ranges[1].size());
  bool isAscending = true;
  for (size_t i = 0; i < ranges[0].size(); i++) {
    CHECK(ranges[0][i].md5 == ranges[1][i].md5);
    CHECK(ranges[0][i].structure == ranges[1][i].structure);
    CHECK(ranges[0][i].lengthBytes <= 4 << 20);
    isAscending = isAscending &&
                  (i == 0 || ranges[0][i - 1].offsetBytes + ranges[0][i - 1].lengthBytes <= ranges[0][i].offsetBytes);
  }
  CHECK(isAscending);
}

TEST_CASE("ntfs layout: a volume of 12 TB takes seconds and little memory") {
  VolumeKind kind{12ull << 40, 4096};
  TemporaryVolume volume(kind.sizeBytes, kind.sectorBytes);
  if (volume.device() == nullptr) {
    MESSAGE("skipped: no sparse file of 12 TB can be made here");
    return;
  }
  if (std::getenv("DISKFERRY_LONG_TESTS") == nullptr) kind.clusterBytes = 65536;  // a bitmap of 24 MB instead of 384
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton(kind);
  if (!skeleton) return;
  CHECK(skeleton->size() < 2 << 20);
  TreeBuilder tree;
  for (int i = 0; i < 3000; i++) tree.addFile(0, "backup " + std::to_string(i), 4000000000 + i);
  PlanProblems problems;
  Result<std::shared_ptr<Layout>> layout =
      Layout::plan(*skeleton, tree.columns(), sampleGroups(kind.sizeBytes), problems);
  REQUIRE_MESSAGE(layout.isOk(), layout.status().message());
  uint32_t inPieces = 0;
  for (uint32_t file = 0; file < 3000; file++) inPieces += layout.value()->extentsOf(file).size() > 1;
  CHECK(inPieces < 12);
  REQUIRE(layout.value()->write(*volume.device(), {}).isOk());
  volume.closeDevice();
  checkWithNtfsresize(volume.path());
}

TEST_CASE("ntfs layout: a plan for another volume is refused before anything is written") {
  VolumeKind kind;
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton(kind);
  if (!skeleton) return;
  TreeBuilder tree;
  PlanProblems problems;
  Result<std::shared_ptr<Layout>> layout = Layout::plan(*skeleton, tree.columns(), {}, problems);
  REQUIRE(layout.isOk());
  MemorySectors smaller(kind.sizeBytes - 4096, 512);
  CHECK(layout.value()->write(smaller, {}).status().code() == ErrorCode::DEVICE_RANGE);
  MemorySectors largeSectors(kind.sizeBytes, 4096);
  CHECK(layout.value()->write(largeSectors, {}).status().code() == ErrorCode::NTFS_UNSUPPORTED);
  MemorySectors good(kind.sizeBytes, 512);
  CHECK(layout.value()->write(good, {{0}, {}}).status().code() == ErrorCode::INTERNAL);
  CHECK(layout.value()->write(good, {{}, {{0, 1}}}).status().code() == ErrorCode::INTERNAL);
  auto faulty = FaultySectors(std::make_shared<MemorySectors>(kind.sizeBytes, 512));
  faulty.failWriteAtCall = 3;
  CHECK(layout.value()->write(faulty, {}).status().code() == ErrorCode::DEVICE_WRITE_FAILED);
}

}  // namespace diskferry::ntfs::testing
