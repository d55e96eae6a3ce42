// The layout, judged by programs that are not ours: ntfsresize compares every run with $Bitmap, ntfs-3g and 7-Zip read
// all files back.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

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
  // 1 with this sentence: nothing is wrong, only full.
  bool isFull = output.find("Volume is full") != std::string::npos;
  CHECK_MESSAGE((code == 0 || isFull), output);
  CHECK_MESSAGE(output.find("ERROR") == std::string::npos, output);
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
  run("fusermount -u " + folder + " || umount " + folder);
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

}  // namespace diskferry::ntfs::testing
