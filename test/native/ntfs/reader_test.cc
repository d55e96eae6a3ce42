// Reading volumes: what the layout wrote comes back as it was given, what ntfs-3g wrote is read too, and what cannot be
// read is refused by name.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "io/memory_sectors.h"
#include "little_endian.h"
#include "ntfs/fixups.h"
#include "ntfs/volume.h"
#include "sample_volume.h"

namespace diskferry::ntfs::testing {

namespace {

std::string nameIn(const std::string& names, const std::vector<uint32_t>& ends, uint32_t index) {
  uint32_t start = index == 0 ? 0 : ends[index - 1];
  return names.substr(start, ends[index] - start);
}

std::string directoryPath(const VolumeTree& tree, uint32_t directory) {
  if (directory == 0) return "";
  std::string name = nameIn(tree.directoryNames, tree.directoryNameEnds, directory);
  uint32_t parent = tree.directoryParent[directory];
  REQUIRE(parent < directory);
  return parent == 0 ? name : directoryPath(tree, parent) + "/" + name;
}

// Path of each file: its index in the columns.
std::map<std::string, uint32_t> filesByPath(const VolumeTree& tree) {
  std::map<std::string, uint32_t> files;
  for (uint32_t file = 0; file < tree.fileRecord.size(); file++) {
    std::string directory = directoryPath(tree, tree.fileDirectory[file]);
    std::string name = nameIn(tree.fileNames, tree.fileNameEnds, file);
    files[directory.empty() ? name : directory + "/" + name] = file;
  }
  return files;
}

std::vector<std::string> directoryPaths(const VolumeTree& tree) {
  std::vector<std::string> paths;
  for (uint32_t i = 0; i < tree.directoryParent.size(); i++) paths.push_back(directoryPath(tree, i));
  std::ranges::sort(paths);
  return paths;
}

std::shared_ptr<NtfsVolume> openVolume(const std::shared_ptr<Sectors>& sectors) {
  Result<std::shared_ptr<NtfsVolume>> volume = NtfsVolume::open(sectors);
  REQUIRE_MESSAGE(volume.isOk(), volume.status().message());
  return volume.take();
}

VolumeTree readTree(const NtfsVolume& volume) {
  Result<VolumeTree> tree = volume.readTree();
  REQUIRE_MESSAGE(tree.isOk(), tree.status().message());
  return tree.take();
}

bool hasPattern(const NtfsVolume& volume, uint32_t record, uint32_t file, uint64_t offset, uint64_t size,
                size_t length) {
  std::vector<std::byte> into(length, std::byte{0xEE});
  Result<size_t> got = volume.readFile(record, offset, into);
  REQUIRE_MESSAGE(got.isOk(), got.status().message());
  if (got.value() != (offset >= size ? 0 : std::min<uint64_t>(length, size - offset))) return false;
  for (size_t i = 0; i < got.value(); i++)
    if (into[i] != patternAt(file, offset + i)) return false;
  return true;
}

void compareFile(const NtfsVolume& volume, const VolumeTree& found, uint32_t at, const MadeVolume& made,
                 const TreeBuilder& tree, uint32_t file, Random& random) {
  auto size = static_cast<uint64_t>(tree.fileSizes[file]);
  CHECK(found.fileSizeBytes[at] == tree.fileSizes[file]);
  CHECK(found.fileModifiedNs[at] == tree.fileTimes[file]);
  std::span<const Extent> extents = made.layout->extentsOf(file);
  uint32_t first = found.firstExtent[at];
  REQUIRE(found.firstExtent[at + 1] - first == extents.size());
  CHECK(found.fileAccess[at] == FileAccess::extents);
  auto clusterBytes = static_cast<double>(made.layout->stats().clusterBytes);
  for (uint32_t i = 0; i < extents.size(); i++) {
    CHECK(found.extentOffsetBytes[first + i] == extents[i].lcn * clusterBytes);
    CHECK(found.extentLengthBytes[first + i] == extents[i].count * clusterBytes);
  }
  uint32_t record = found.fileRecord[at];
  CHECK(hasPattern(volume, record, file, 0, size, static_cast<size_t>(size) + 5000));
  uint64_t offset = random.below(size + 10);
  CHECK(hasPattern(volume, record, file, offset, size, random.below(9000)));
}

std::span<std::byte> recordAt(MemorySectors& memory, const NtfsVolume& volume, uint32_t number) {
  uint64_t offset = uint64_t{number} * volume.geometry().recordBytes;
  for (const Run& run : volume.mft().runs()) {
    uint64_t bytes = run.count * volume.geometry().clusterBytes;
    if (offset < bytes)
      return memory.bytes().subspan(run.lcn * volume.geometry().clusterBytes + offset, volume.geometry().recordBytes);
    offset -= bytes;
  }
  FAIL("no such record");
  return {};
}

// A volume that ntfs-3g mounts; the files are made by `commands`, which run in its root.
std::shared_ptr<BlockDevice> makeForeign(TemporaryVolume& file, const std::string& commands) {
  if (!hasProgram("mkntfs") || !hasProgram("ntfs-3g") || !std::filesystem::exists("/dev/fuse")) return nullptr;
  std::string folder = file.path() + ".mount";
  std::filesystem::create_directory(folder);
  std::string output;
  int code = run("mkntfs -Q -F -q -p 2048 -H 255 -S 63 -L Fremd " + file.path() + " && ntfs-3g -o locale=C.UTF-8 " +
                     file.path() + " " + folder,
                 &output);
  if (code != 0) {
    MESSAGE(output);
    std::filesystem::remove(folder);
    return nullptr;
  }
  code = run("cd " + folder + " && " + commands, &output);
  unmountImage(folder, file.path());
  std::filesystem::remove(folder);
  REQUIRE_MESSAGE(code == 0, output);
  return file.device();
}

}  // namespace

TEST_CASE("ntfs reader: a tree that was written comes back with its names, sizes, times and places") {
  const uint32_t clusters[] = {4096, 512, 65536, 1024};
  for (size_t round = 0; round < 4; round++) {
    Random random(round + 40);
    VolumeKind kind{uint64_t{64} << 20, clusters[round], round == 2 ? 4096u : 512u};
    if (round == 2) kind.sizeBytes *= 4;
    CAPTURE(round);
    TreeBuilder tree = randomTree(random, 250, kind.clusterBytes);
    auto memory = std::make_shared<MemorySectors>(kind.sizeBytes, kind.sectorBytes);
    auto made = makeVolume(*memory, kind, tree, sampleGroups(kind.sizeBytes));
    if (!made) return;
    auto volume = openVolume(memory);
    CHECK(volume->label() == "Sample");
    CHECK(volume->geometry().clusterBytes == kind.clusterBytes);
    VolumeTree found = readTree(*volume);
    CHECK(found.unreachableRecords == 0);
    std::vector<std::string> expectedPaths;
    for (uint32_t i = 0; i < tree.directoryParent.size(); i++) expectedPaths.push_back(tree.pathOfDirectory(i));
    std::ranges::sort(expectedPaths);
    CHECK(directoryPaths(found) == expectedPaths);
    CHECK(std::ranges::is_sorted(found.fileRecord));
    auto paths = filesByPath(found);
    REQUIRE(paths.size() == tree.fileDirectory.size());
    for (uint32_t file = 0; file < tree.fileDirectory.size(); file++) {
      auto at = paths.find(tree.pathOfFile(file));
      REQUIRE(at != paths.end());
      compareFile(*volume, found, at->second, *made, tree, file, random);
    }
  }
}

TEST_CASE("ntfs reader: files left out or shorter than planned are read as they are") {
  TreeBuilder tree;
  uint32_t directory = tree.addDirectory(0, "data");
  for (int i = 0; i < 20; i++) tree.addFile(directory, "file" + std::to_string(i), 10000);
  VolumeKind kind;
  auto memory = std::make_shared<MemorySectors>(kind.sizeBytes, kind.sectorBytes);
  WriteOptions options{{3, 7}, {{5, 4097}, {6, 0}}};
  auto made = makeVolume(*memory, kind, tree, {}, options);
  if (!made) return;
  auto volume = openVolume(memory);
  VolumeTree found = readTree(*volume);
  auto paths = filesByPath(found);
  CHECK(paths.size() == 18);
  CHECK_FALSE(paths.contains("data/file3"));
  CHECK(found.fileSizeBytes[paths.at("data/file5")] == 4097);
  CHECK(hasPattern(*volume, found.fileRecord[paths.at("data/file5")], 5, 4000, 4097, 500));
  CHECK(found.fileSizeBytes[paths.at("data/file6")] == 0);
  CHECK(hasPattern(*volume, found.fileRecord[paths.at("data/file6")], 6, 0, 0, 10));
}

TEST_CASE("ntfs reader: records that are no file are refused") {
  TreeBuilder tree;
  tree.addFile(tree.addDirectory(0, "a"), "b", 5);
  VolumeKind kind;
  auto memory = std::make_shared<MemorySectors>(kind.sizeBytes, kind.sectorBytes);
  if (!makeVolume(*memory, kind, tree, {})) return;
  auto volume = openVolume(memory);
  std::vector<std::byte> into(10);
  CHECK(volume->readFile(kRootRecord, 0, into).status().code() == ErrorCode::FILE_NOT_FOUND);
  CHECK(volume->readFile(kFirstUserRecord - 1, 0, into).status().code() == ErrorCode::FILE_NOT_FOUND);
  CHECK_FALSE(volume->readFile(volume->mft().recordCount(), 0, into).isOk());
  CHECK_FALSE(volume->readFile(~0ull, 0, into).isOk());
}

TEST_CASE("ntfs reader: directories in a ring, and what lies below, are left out and counted") {
  TreeBuilder tree;
  uint32_t a = tree.addDirectory(0, "a");
  uint32_t b = tree.addDirectory(a, "b");
  tree.addFile(b, "inside", 5);
  tree.addFile(0, "outside", 5);
  VolumeKind kind;
  auto memory = std::make_shared<MemorySectors>(kind.sizeBytes, kind.sectorBytes);
  if (!makeVolume(*memory, kind, tree, {})) return;
  auto volume = openVolume(memory);
  // The records of the two directories, by their names.
  uint32_t records[2] = {};
  for (uint32_t number = kFirstUserRecord; number < volume->mft().recordCount(); number++) {
    std::vector<std::byte> bytes(volume->geometry().recordBytes);
    RecordView view;
    if (!volume->mft().readRecord(*memory, number, bytes, view).isOk() || !view.isDirectory()) continue;
    FileName name;
    std::u16string text;
    REQUIRE(loadFileName(view.find(kFileName)->value, name, text));
    if (text == u"a") records[0] = number;
    if (text == u"b") records[1] = number;
  }
  REQUIRE(records[0] != 0);
  REQUIRE(records[1] != 0);
  std::span<std::byte> record = recordAt(*memory, *volume, records[0]);
  REQUIRE(removeFixups(record));
  RecordView view;
  REQUIRE(parseRecord(record, view) == nullptr);
  size_t place = static_cast<size_t>(view.find(kFileName)->value.data() - record.data());
  store64(record.data() + place, reference(records[1], 1));
  applyFixups(record, 1);
  VolumeTree found = readTree(*volume);
  CHECK(found.directoryParent.size() == 1);
  CHECK(filesByPath(found).size() == 1);
  CHECK(found.unreachableRecords == 3);
}

TEST_CASE("ntfs reader: what ntfs-3g wrote is read") {
  TemporaryVolume file(uint64_t{32} << 20, 512);
  auto device = makeForeign(file,
                            "mkdir -p dir/ein/zwei leer && printf hallo > dir/klein && : > dir/nichts && "
                            "head -c 300000 /dev/zero | tr '\\0' x > dir/ein/gross && "
                            "for i in $(seq 500); do echo $i > dir/ein/zwei/datei-mit-langem-namen-$i; done");
  if (device == nullptr) {
    MESSAGE("skipped: ntfs-3g cannot mount here");
    return;
  }
  auto volume = openVolume(device);
  CHECK(volume->label() == "Fremd");
  VolumeTree found = readTree(*volume);
  CHECK(found.unreachableRecords == 0);
  CHECK(directoryPaths(found) == std::vector<std::string>{"", "dir", "dir/ein", "dir/ein/zwei", "leer"});
  auto paths = filesByPath(found);
  CHECK(paths.size() == 503);
  auto content = [&](const std::string& path) {
    uint32_t at = paths.at(path);
    std::string text(static_cast<size_t>(found.fileSizeBytes[at]) + 10, '-');
    Result<size_t> got = volume->readFile(found.fileRecord[at], 0, std::as_writable_bytes(std::span(text)));
    REQUIRE_MESSAGE(got.isOk(), got.status().message());
    text.resize(got.value());
    return text;
  };
  CHECK(content("dir/klein") == "hallo");
  CHECK(content("dir/nichts").empty());
  CHECK(content("dir/ein/gross") == std::string(300000, 'x'));
  CHECK(content("dir/ein/zwei/datei-mit-langem-namen-77") == "77\n");
  CHECK(found.firstExtent[paths.at("dir/klein")] == found.firstExtent[paths.at("dir/klein") + 1]);
  CHECK(found.firstExtent[paths.at("dir/ein/gross")] < found.firstExtent[paths.at("dir/ein/gross") + 1]);
}

TEST_CASE("ntfs reader: a sparse file is in the tree, without extents, and is read") {
  TemporaryVolume file(uint64_t{32} << 20, 512);
  auto device =
      makeForeign(file, "truncate -s 1M loch && printf x | dd of=loch bs=1 seek=2000000 conv=notrunc status=none");
  if (device == nullptr) {
    MESSAGE("skipped: ntfs-3g cannot mount here");
    return;
  }
  auto volume = openVolume(device);
  VolumeTree found = readTree(*volume);
  REQUIRE(found.fileRecord.size() == 1);
  CHECK(found.fileAccess[0] == FileAccess::readFile);
  CHECK(found.fileSizeBytes[0] == 2000001);
  CHECK(found.extentOffsetBytes.empty());
  std::vector<std::byte> into(2000010, std::byte{0xEE});
  Result<size_t> got = volume->readFile(found.fileRecord[0], 0, into);
  REQUIRE(got.isOk());
  REQUIRE(got.value() == 2000001);
  CHECK(std::ranges::all_of(std::span(into).first(2000000), [](std::byte byte) { return byte == std::byte{0}; }));
  CHECK(into[2000000] == std::byte{'x'});
}

TEST_CASE("ntfs reader: sectors that say something else are no volume") {
  auto memory = std::make_shared<MemorySectors>(uint64_t{1} << 20, 512);
  CHECK(NtfsVolume::open(memory).status().code() == ErrorCode::NTFS_DAMAGED);
  CHECK(NtfsVolume::open(std::make_shared<MemorySectors>(512, 512)).status().code() == ErrorCode::NTFS_DAMAGED);
  TreeBuilder tree;
  VolumeKind kind;
  auto whole = std::make_shared<MemorySectors>(kind.sizeBytes, kind.sectorBytes);
  if (!makeVolume(*whole, kind, tree, {})) return;
  // The same volume, cut off before its end.
  auto part = std::make_shared<MemorySectors>(kind.sizeBytes / 2, kind.sectorBytes);
  std::ranges::copy(whole->bytes().first(part->bytes().size()), part->bytes().begin());
  CHECK(NtfsVolume::open(part).status().code() == ErrorCode::NTFS_DAMAGED);
}

}  // namespace diskferry::ntfs::testing
