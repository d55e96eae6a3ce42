#include "sample_volume.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "io/aligned_buffer.h"
#include "ntfs/skeleton.h"

namespace diskferry::ntfs::testing {

uint64_t Random::next() {
  state_ ^= state_ << 13;
  state_ ^= state_ >> 7;
  state_ ^= state_ << 17;
  return state_;
}

int run(const std::string& command, std::string* output) {
  FILE* pipe = popen(("PATH=\"$PATH:/usr/sbin:/sbin\"; { " + command + "; } 2>&1").c_str(), "r");
  if (pipe == nullptr) return -1;
  std::array<char, 4096> part;
  while (size_t got = std::fread(part.data(), 1, part.size(), pipe))
    if (output != nullptr) output->append(part.data(), got);
  int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool hasProgram(const std::string& name) { return run("command -v " + name) == 0; }

void unmountImage(const std::string& folder, const std::string& path) {
  std::string output;
  CHECK_MESSAGE(run("fusermount -u " + folder + " || umount " + folder, &output) == 0, output);
  const auto isAtIt = [&](const std::filesystem::path& process) {
    std::ifstream words(process / "cmdline", std::ios::binary);
    for (std::string word; std::getline(words, word, '\0');)
      if (word == path) return true;
    return false;
  };
  for (int attempt = 0; attempt < 6000; attempt++) {
    // A process may end while it is looked at.
    std::error_code error;
    auto processes = std::filesystem::directory_iterator("/proc", error);
    bool isWriting = false;
    for (; !error && processes != std::filesystem::directory_iterator(); processes.increment(error))
      if (std::isdigit(static_cast<unsigned char>(processes->path().filename().native()[0])) != 0)
        isWriting = isWriting || isAtIt(processes->path());
    if (!error && !isWriting) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL("ntfs-3g goes on with " << path);
}

std::optional<std::vector<std::byte>> makeSkeleton(const VolumeKind& kind) {
  if (!hasProgram("mkntfs")) return std::nullopt;
  Result<int> file = createMemoryFile(kind.sizeBytes);
  REQUIRE(file.isOk());
  std::string output;
  int code = run("mkntfs -Q -F -q -c " + std::to_string(kind.clusterBytes) + " -s " + std::to_string(kind.sectorBytes) +
                     " -p 2048 -H 255 -S 63 -L Sample /proc/" + std::to_string(getpid()) + "/fd/" +
                     std::to_string(file.value()),
                 &output);
  REQUIRE_MESSAGE(code == 0, output);
  Result<std::vector<std::byte>> skeleton = readSkeleton(file.value());
  close(file.value());
  REQUIRE_MESSAGE(skeleton.isOk(), skeleton.status().message());
  return skeleton.take();
}

uint32_t TreeBuilder::addDirectory(uint32_t parent, std::string_view name) {
  directoryParent.push_back(parent);
  directoryNames += name;
  directoryNameEnds.push_back(static_cast<uint32_t>(directoryNames.size()));
  return static_cast<uint32_t>(directoryParent.size()) - 1;
}

uint32_t TreeBuilder::addFile(uint32_t directory, std::string_view name, uint64_t sizeBytes, int64_t modifiedNs) {
  fileDirectory.push_back(directory);
  fileNames += name;
  fileNameEnds.push_back(static_cast<uint32_t>(fileNames.size()));
  fileSizes.push_back(static_cast<double>(sizeBytes));
  fileTimes.push_back(modifiedNs);
  return static_cast<uint32_t>(fileDirectory.size()) - 1;
}

TreeColumns TreeBuilder::columns() const {
  return {directoryParent,
          std::as_bytes(std::span(directoryNames)),
          directoryNameEnds,
          fileDirectory,
          std::as_bytes(std::span(fileNames)),
          fileNameEnds,
          fileSizes,
          fileTimes};
}

std::string TreeBuilder::nameOfFile(uint32_t file) const {
  uint32_t start = file == 0 ? 0 : fileNameEnds[file - 1];
  return fileNames.substr(start, fileNameEnds[file] - start);
}

std::string TreeBuilder::pathOfDirectory(uint32_t directory) const {
  if (directory == 0) return "";
  uint32_t start = directoryNameEnds[directory - 1];
  std::string name = directoryNames.substr(start, directoryNameEnds[directory] - start);
  return directoryParent[directory] == 0 ? name : pathOfDirectory(directoryParent[directory]) + "/" + name;
}

std::string TreeBuilder::pathOfFile(uint32_t file) const {
  std::string directory = pathOfDirectory(fileDirectory[file]);
  return directory.empty() ? nameOfFile(file) : directory + "/" + nameOfFile(file);
}

namespace {

// A letter a step, most of one, two, three or four bytes in UTF-8. The Turkish dotless i and sharp s do not fold.
std::string randomName(Random& random, size_t units, uint64_t unique) {
  static const std::vector<std::string> letters = {"a", "B", "z", "7", "_", "-",  "é",  "Ä",  "ß", "ı", "İ",
                                                   "σ", "ς", "Ω", "ж", "Я", "漢", "字", "가", "😀", "𐍈"};
  std::string name = std::to_string(unique);
  size_t used = name.size();
  while (used < units) {
    const std::string& letter = letters[random.below(letters.size())];
    size_t width = letter.size() == 4 ? 2 : 1;
    if (used + width > units) continue;
    name += letter;
    used += width;
  }
  return name;
}

uint64_t randomSize(Random& random, uint32_t clusterBytes) {
  uint64_t clusters = random.below(4);
  switch (random.below(6)) {
    case 0:
      return 0;
    case 1:
      return clusters * clusterBytes;
    case 2:
      return clusters * clusterBytes + 1;
    case 3:
      return (clusters + 1) * clusterBytes - 1;
    default:
      return random.below(clusterBytes * 3);
  }
}

}  // namespace

TreeBuilder randomTree(Random& random, size_t fileCount, uint32_t clusterBytes) {
  TreeBuilder tree;
  size_t directories = 1 + random.below(1 + fileCount / 8);
  for (size_t i = 0; i < directories; i++) {
    auto parent = static_cast<uint32_t>(random.below(tree.directoryParent.size()));
    size_t units = random.below(10) == 0 ? 255 : 1 + random.below(30);
    tree.addDirectory(parent, "d" + randomName(random, units - std::min<size_t>(units - 1, 1), i));
  }
  for (size_t i = 0; i < fileCount; i++) {
    auto parent = static_cast<uint32_t>(random.below(3) == 0 ? 0 : random.below(tree.directoryParent.size()));
    size_t units = random.below(10) == 0 ? 255 : 1 + random.below(60);
    auto time = static_cast<int64_t>(random.next() % 2000000000) * 1000000000 +
                static_cast<int64_t>(random.below(10000000)) * 100;
    tree.addFile(parent, randomName(random, units, i), randomSize(random, clusterBytes), time);
  }
  return tree;
}

std::vector<SystemFileGroup> sampleGroups(uint64_t volumeBytes) {
  return {{volumeBytes / 8 / 65536 * 65536,
           {{"FVE2.{e40ad34d-dae9-4bc7-95bd-b16218c10f72}.1", 65536},
            {"FVE2.{24e6f0ae-6a00-4f73-984b-75ce9942852d}", 8192}}},
          {volumeBytes / 3 / 65536 * 65536, {{"FVE2.{e40ad34d-dae9-4bc7-95bd-b16218c10f72}.2", 65536}}},
          {volumeBytes / 3 * 2 / 65536 * 65536, {{"FVE2.{e40ad34d-dae9-4bc7-95bd-b16218c10f72}.3", 65536}}}};
}

std::byte patternAt(uint32_t file, uint64_t offsetBytes) {
  uint64_t value = (file + 1) * 0x9E3779B97F4A7C15u ^ offsetBytes * 0xC2B2AE3D27D4EB4Fu;
  return static_cast<std::byte>(value >> 40);
}

Status writeFileData(Sectors& volume, const Layout& layout, const TreeBuilder& tree) {
  uint64_t clusterBytes = layout.stats().clusterBytes;
  for (uint32_t file = 0; file < layout.fileCount(); file++) {
    uint64_t offset = 0;
    auto size = static_cast<uint64_t>(tree.fileSizes[file]);
    for (const Extent& extent : layout.extentsOf(file)) {
      AlignedBuffer buffer(extent.count * clusterBytes);
      for (size_t i = 0; i < buffer.size(); i++)
        buffer.data()[i] = offset + i < size ? patternAt(file, offset + i) : std::byte{0};
      DISKFERRY_TRY(volume.write(extent.lcn * clusterBytes, buffer.bytes()));
      offset += buffer.size();
    }
  }
  return Status::ok();
}

TemporaryVolume::TemporaryVolume(uint64_t sizeBytes, uint32_t sectorBytes) {
  std::string pattern = (std::filesystem::temp_directory_path() / "diskferry-ntfs-XXXXXX").string();
  int descriptor = mkstemp(pattern.data());
  path_ = pattern;
  bool isSized = descriptor >= 0 && ftruncate(descriptor, static_cast<off_t>(sizeBytes)) == 0;
  if (descriptor >= 0) close(descriptor);
  if (!isSized) return;
  Result<std::shared_ptr<BlockDevice>> device = BlockDevice::open(path_, {true, sectorBytes, false});
  REQUIRE_MESSAGE(device.isOk(), device.status().message());
  device_ = device.take();
}

TemporaryVolume::~TemporaryVolume() {
  if (device_) device_->close();
  std::filesystem::remove(path_);
}

std::optional<MadeVolume> makeVolume(Sectors& volume, const VolumeKind& kind, const TreeBuilder& tree,
                                     const std::vector<SystemFileGroup>& groups, const WriteOptions& options) {
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton(kind);
  if (!skeleton) {
    MESSAGE("skipped: mkntfs is not installed");
    return std::nullopt;
  }
  PlanProblems problems;
  Result<std::shared_ptr<Layout>> layout = Layout::plan(*skeleton, tree.columns(), groups, problems);
  REQUIRE_MESSAGE(layout.isOk(), layout.status().message());
  REQUIRE(writeFileData(volume, *layout.value(), tree).isOk());
  Result<std::vector<MetadataRange>> ranges = layout.value()->write(volume, options);
  REQUIRE_MESSAGE(ranges.isOk(), ranges.status().message());
  return MadeVolume{std::move(*skeleton), layout.take(), ranges.take()};
}

}  // namespace diskferry::ntfs::testing
