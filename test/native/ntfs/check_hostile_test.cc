// Volumes that others made or changed are judged by NTFS's own rules, and volumes that mean harm give errors or
// findings in bounded time and memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "checked_volume.h"
#include "io/aligned_buffer.h"
#include "little_endian.h"
#include "ntfs/fixups.h"

namespace diskferry::ntfs::testing {

namespace {

// Runs `commands` in the root of the volume, mounted for writing. False when this machine cannot mount.
bool mountAndRun(const std::string& path, const std::string& commands) {
  if (!hasProgram("ntfs-3g") || !std::filesystem::exists("/dev/fuse")) return false;
  std::string folder = path + ".mount";
  std::filesystem::create_directory(folder);
  std::string output;
  bool isMounted = run("ntfs-3g -o locale=C.UTF-8 " + path + " " + folder, &output) == 0;
  int code = isMounted ? run("cd " + folder + " && " + commands, &output) : 0;
  if (isMounted) unmountImage(folder, path);
  std::filesystem::remove(folder);
  REQUIRE_MESSAGE(code == 0, output);
  return isMounted;
}

std::vector<Finding> checkDevice(const std::shared_ptr<Sectors>& device) {
  Result<std::shared_ptr<NtfsVolume>> volume = NtfsVolume::open(device);
  REQUIRE_MESSAGE(volume.isOk(), volume.status().message());
  Result<std::vector<Finding>> findings = volume.value()->check();
  REQUIRE_MESSAGE(findings.isOk(), findings.status().message());
  return findings.take();
}

// Everything that can be asked of a volume; only crashes, hangs and floods count.
void useWholly(const std::shared_ptr<Sectors>& sectors) {
  Result<std::shared_ptr<NtfsVolume>> volume = NtfsVolume::open(sectors);
  if (!volume.isOk()) return;
  Result<std::vector<Finding>> findings = volume.value()->check();
  if (findings.isOk()) CHECK(findings.value().size() <= 1001);
  Result<VolumeTree> tree = volume.value()->readTree();
  if (!tree.isOk()) return;
  std::vector<std::byte> into(3000);
  for (uint32_t i = 0; i < tree.value().directoryParent.size(); i++)
    CHECK(tree.value().directoryParent[i] <= (i == 0 ? 0 : i - 1));
  for (size_t i = 0; i < tree.value().fileRecord.size(); i += 1 + tree.value().fileRecord.size() / 40) {
    REQUIRE(tree.value().fileDirectory[i] < tree.value().directoryParent.size());
    Result<size_t> got = volume.value()->readFile(tree.value().fileRecord[i], 100, into);
    if (got.isOk()) CHECK(got.value() <= into.size());
  }
}

// A place of metadata, and whether it has fix-ups, so that a mutation may get past them.
struct Target {
  std::span<std::byte> bytes;
  bool hasFixups;
};

std::vector<Target> targetsOf(CheckedVolume& volume) {
  std::vector<Target> targets;
  for (uint32_t number = 0; number < volume.recordCount(); number++) {
    targets.push_back({volume.record(number), true});
    // The first ones describe the volume itself.
    for (int more = 0; number < 12 && more < 6; more++) targets.push_back(targets.back());
  }
  for (const MetadataRange& range : volume.ranges()) {
    std::span<std::byte> bytes = volume.bytes().subspan(range.offsetBytes, range.lengthBytes);
    if (range.structure.starts_with("index of"))
      for (size_t at = 0; at + volume.geometry().indexBytes <= bytes.size(); at += volume.geometry().indexBytes)
        targets.push_back({bytes.subspan(at, volume.geometry().indexBytes), true});
    else if (range.structure != "$LogFile" && !range.structure.starts_with("$MFT records"))
      targets.push_back({bytes, false});
  }
  for (int more = 0; more < 8; more++) targets.push_back({volume.bytes().first(512), false});
  return targets;
}

void mutate(Random& random, std::span<std::byte> bytes) {
  static constexpr uint64_t kValues[] = {0,      1,      2,          8,          0x7F,  0x80,      0xFF,
                                         0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, ~0ull, ~0ull >> 1};
  size_t at = random.below(bytes.size());
  size_t width = size_t{1} << random.below(4);
  uint64_t value = random.below(3) == 0 ? random.next() : kValues[random.below(std::size(kValues))];
  for (size_t i = 0; i < width && at + i < bytes.size(); i++) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace

TEST_CASE("ntfs check: a volume of mkntfs and ntfs-3g has no damage") {
  for (const char* clusterBytes : {"4096", "512", "65536"}) {
    CAPTURE(clusterBytes);
    TemporaryVolume file(uint64_t{64} << 20, 512);
    if (!hasProgram("mkntfs")) return;
    std::string output;
    REQUIRE_MESSAGE(
        run("mkntfs -Q -F -q -p 2048 -H 255 -S 63 -L Fremd -c " + std::string(clusterBytes) + " " + file.path(),
            &output) == 0,
        output);
    for (const Finding& finding : checkDevice(file.device())) CHECK(finding.severity == Severity::note);
    bool isMounted = mountAndRun(
        file.path(),
        "mkdir -p a/b c && for i in $(seq 700); do echo $i > a/b/file-number-$i; done && "
        "head -c 3000000 /dev/urandom > c/large && rm a/b/file-number-3* && mv a/b/file-number-44 c/moved "
        "&& ln c/large a/hard-link && : > empty && truncate -s 5M c/sparse && mkdir c/gone && rmdir c/gone");
    if (!isMounted) {
      MESSAGE("skipped: ntfs-3g cannot mount here");
      return;
    }
    std::vector<Finding> findings = checkDevice(file.device());
    CHECK(std::ranges::any_of(findings, [](const Finding& finding) { return finding.code == "NTFS_FOREIGN"; }));
    for (const Finding& finding : findings)
      CHECK_MESSAGE(finding.severity != Severity::damage,
                    finding.code << " " << finding.structure << ": " << finding.message);
  }
}

TEST_CASE("ntfs check: a volume of ours that was changed by ntfs-3g is called changed, not damaged") {
  Random random(5);
  VolumeKind kind{uint64_t{64} << 20, 4096, 512};
  TemporaryVolume file(kind.sizeBytes, kind.sectorBytes);
  TreeBuilder tree = randomTree(random, 200, kind.clusterBytes);
  uint32_t folder = tree.addDirectory(0, "folder");
  for (int i = 0; i < 100; i++) tree.addFile(folder, "there-" + std::to_string(i), 100);
  if (!makeVolume(*file.device(), kind, tree, sampleGroups(kind.sizeBytes))) return;
  CHECK(checkDevice(file.device()).empty());
  bool isMounted = mountAndRun(file.path(),
                               "mkdir new && for i in $(seq 400); do echo $i > folder/added-$i; done && "
                               "echo more >> folder/there-7 && rm folder/there-8 && mv folder/there-9 new/ && "
                               "head -c 100000 /dev/zero > new/zeros");
  if (!isMounted) {
    MESSAGE("skipped: ntfs-3g cannot mount here");
    return;
  }
  std::vector<Finding> findings = checkDevice(file.device());
  CHECK(std::ranges::any_of(findings, [](const Finding& finding) { return finding.code == "NTFS_CHANGED"; }));
  for (const Finding& finding : findings)
    CHECK_MESSAGE(finding.severity != Severity::damage,
                  finding.code << " " << finding.structure << ": " << finding.message);
}

TEST_CASE("ntfs check: damage is found on foreign volumes too") {
  TemporaryVolume file(uint64_t{64} << 20, 512);
  if (!hasProgram("mkntfs")) return;
  REQUIRE(run("mkntfs -Q -F -q -p 2048 -H 255 -S 63 " + file.path()) == 0);
  if (!mountAndRun(file.path(), "for i in $(seq 40); do echo $i > file-$i; head -c 9000 /dev/zero > large-$i; done")) {
    MESSAGE("skipped: ntfs-3g cannot mount here");
    return;
  }
  Result<std::shared_ptr<NtfsVolume>> volume = NtfsVolume::open(file.device());
  REQUIRE(volume.isOk());
  AlignedBuffer record(4096);
  uint32_t recordBytes = volume.value()->geometry().recordBytes;
  uint64_t offset = volume.value()->geometry().mftLcn * 4096 + uint64_t{kFirstUserRecord + 9} * recordBytes;
  REQUIRE(file.device()->read(offset, record.bytes().first(recordBytes)).isOk());
  // Another name in the record than in the index.
  REQUIRE(removeFixups(record.bytes().first(recordBytes)));
  RecordView view;
  REQUIRE(parseRecord(record.bytes().first(recordBytes), view) == nullptr);
  REQUIRE(view.find(kFileName) != nullptr);
  std::byte* name = record.data() + (view.find(kFileName)->value.data() - record.data());
  name[kFileNameHeaderBytes] = std::byte{'X'};
  applyFixups(record.bytes().first(recordBytes), 9);
  REQUIRE(file.device()->write(offset, record.bytes().first(recordBytes)).isOk());
  std::vector<Finding> findings = checkDevice(file.device());
  CHECK(std::ranges::any_of(findings, [](const Finding& finding) { return finding.code == "NTFS_NAME"; }));
}

TEST_CASE("ntfs volume: mutated volumes give errors or findings, whatever is asked of them") {
  const VolumeKind kinds[] = {
      {uint64_t{12} << 20, 4096, 512}, {uint64_t{24} << 20, 4096, 4096}, {uint64_t{12} << 20, 512, 512}};
  TreeBuilder tree;
  uint32_t folder = tree.addDirectory(0, "folder");
  for (int i = 0; i < 50; i++)
    tree.addFile(i % 2 == 0 ? folder : 0, "file with some name " + std::to_string(i), 6000u * (i % 3));
  const std::clock_t start = std::clock();
  for (size_t kind = 0; kind < std::size(kinds); kind++) {
    auto volume = CheckedVolume::make(kinds[kind], tree);
    if (volume == nullptr) return;
    Random random(kind + 900);
    std::vector<Target> targets = targetsOf(*volume);
    for (int round = 0; round < (isLong() ? 20000 : 120); round++) {
      CAPTURE(round);
      std::vector<std::pair<std::span<std::byte>, std::vector<std::byte>>> saved;
      for (uint64_t count = 1 + random.below(3); count > 0; count--) {
        const Target& target = targets[random.below(targets.size())];
        saved.emplace_back(target.bytes, std::vector<std::byte>(target.bytes.begin(), target.bytes.end()));
        bool isOpened = target.hasFixups && random.below(4) != 0 && removeFixups(target.bytes);
        for (uint64_t changes = 1 + random.below(3); changes > 0; changes--) mutate(random, target.bytes);
        // Only an array that still lies in the block can be applied.
        std::byte* at = target.bytes.data();
        if (isOpened && load16(at + 4) + 2 * (target.bytes.size() / kFixupStrideBytes + 1) < 500)
          applyFixups(target.bytes, 1);
      }
      useWholly(volume->sectors());
      std::ranges::reverse(saved);
      for (const auto& [place, bytes] : saved) std::ranges::copy(bytes, place.begin());
    }
    CHECK(volume->codes().empty());
  }
  // Of the processor, so that a busy machine changes nothing: it catches what has no end.
  CHECK((std::clock() - start) / CLOCKS_PER_SEC < (isLong() ? 7200 : 300));
}

TEST_CASE("ntfs volume: run lists that claim the whole volume cost no memory") {
  // 256 TiB that are not there: every structure is told to lie in one run over all of them.
  class Endless final : public Sectors {
   public:
    explicit Endless(std::shared_ptr<MemorySectors> start) : start_(std::move(start)) {}
    uint64_t sizeBytes() const override { return uint64_t{1} << 44; }
    uint32_t sectorBytes() const override { return 512; }
    Status read(uint64_t offset, std::span<std::byte> into) override {
      if (offset + into.size() <= start_->sizeBytes()) return start_->read(offset, into);
      std::ranges::fill(into, std::byte{0});
      return Status::ok();
    }
    Status write(uint64_t, std::span<const std::byte>) override { return Status::ok(); }
    Status flush() override { return Status::ok(); }

   private:
    std::shared_ptr<MemorySectors> start_;
  };
  TreeBuilder tree;
  for (int i = 0; i < 200; i++) tree.addFile(0, "a file with a name " + std::to_string(i), 10);
  VolumeKind kind{uint64_t{12} << 20, 4096, 512};
  for (uint32_t number :
       {kMirrorRecord, kLogFileRecord, kRootRecord, kBitmapRecord, kBootRecord, kSecureRecord, kUpcaseRecord}) {
    CAPTURE(number);
    auto volume = CheckedVolume::make(kind, tree);
    if (volume == nullptr) return;
    uint64_t clusters = (uint64_t{1} << 32) - 100;
    store64(volume->bytes().data() + 0x28, clusters * 8);
    volume->edit(volume->record(number), [&](std::span<std::byte> record) {
      RecordView view;
      REQUIRE(parseRecord(record, view) == nullptr);
      for (const Attribute& attribute : view.attributes) {
        if (!attribute.isNonResident) continue;
        std::byte* at = record.data() + (attribute.raw.data() - record.data());
        Run whole{0, clusters};
        std::byte pairs[16];
        size_t length = encodeRuns(std::span(&whole, 1), pairs);
        size_t place = load16(at + 0x20);
        if (place + length > attribute.raw.size()) continue;
        std::copy_n(pairs, length, at + place);
        store64(at + 0x18, clusters - 1);
        store64(at + 0x28, clusters * 4096);
        if (attribute.type == kIndexAllocation || attribute.type == kBitmap) store64(at + 0x30, clusters * 4096);
      }
    });
    useWholly(std::make_shared<Endless>(volume->sectors()));
  }
}

}  // namespace diskferry::ntfs::testing
