// Skeletons: small whatever the volume, the same after storing, and harmless when what was stored is damaged or made
// up.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "hash/crc32.h"
#include "little_endian.h"
#include "ntfs/skeleton.h"
#include "sample_volume.h"

namespace diskferry::ntfs::testing {

TEST_CASE("ntfs skeleton: a few hundred KiB for any volume, and the same after decoding and encoding") {
  for (VolumeKind kind :
       {VolumeKind{2 << 20, 512}, VolumeKind{64 << 20, 4096}, VolumeKind{256ull << 20, 65536},
        VolumeKind{64 << 20, 4096, 4096}, VolumeKind{1ull << 40, 65536}, VolumeKind{20ull << 40, 65536}}) {
    CAPTURE(kind.sizeBytes);
    CAPTURE(kind.clusterBytes);
    std::optional<std::vector<std::byte>> skeleton = makeSkeleton(kind);
    if (!skeleton) {
      MESSAGE("skipped: mkntfs is not installed");
      return;
    }
    CHECK(skeleton->size() < 1 << 20);
    Result<Skeleton> decoded = Skeleton::decode(*skeleton);
    REQUIRE_MESSAGE(decoded.isOk(), decoded.status().message());
    CHECK(decoded.value().geometry().volumeBytes() == kind.sizeBytes);
    CHECK(decoded.value().geometry().clusterBytes == kind.clusterBytes);
    CHECK(decoded.value().encode() == *skeleton);
  }
}

TEST_CASE("ntfs skeleton: any changed byte is refused by the checksum") {
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton({2 << 20});
  if (!skeleton) return;
  Random random(1);
  for (int i = 0; i < 300; i++) {
    std::vector<std::byte> changed = *skeleton;
    changed[random.below(changed.size())] ^= static_cast<std::byte>(1 + random.below(255));
    CHECK(!Skeleton::decode(changed).isOk());
  }
  for (size_t length : {size_t{0}, size_t{1}, size_t{39}, size_t{40}, skeleton->size() - 1})
    CHECK(!Skeleton::decode(std::span(*skeleton).first(length)).isOk());
}

TEST_CASE("ntfs skeleton: a made-up one gives a plan or an error, with bounded memory") {
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton({2 << 20});
  if (!skeleton) return;
  Random random(2);
  TreeBuilder tree = randomTree(random, 20, 4096);
  const std::vector<SystemFileGroup> groups = {{0, {{"FVE2.1", 65536}}}};
  size_t rounds = std::getenv("DISKFERRY_LONG_TESTS") != nullptr ? 20000 : 400;
  for (size_t round = 0; round < rounds; round++) {
    std::vector<std::byte> changed = *skeleton;
    // Half of the damage goes where the numbers are: the header, the lists, the boot sector and the first records.
    for (uint64_t i = 1 + random.below(4); i > 0; i--) {
      size_t limit = random.below(2) == 0 ? 2000 : std::min<size_t>(changed.size(), 60000);
      size_t at = random.below(limit);
      changed[at] = static_cast<std::byte>(random.below(3) == 0 ? 0xFF : random.next());
    }
    store32(changed.data() + 12, crc32(std::span(changed).subspan(16)));
    PlanProblems problems;
    Result<std::shared_ptr<Layout>> layout = Layout::plan(changed, tree.columns(), groups, problems);
    if (layout.isOk()) CHECK(layout.value()->stats().clusterBytes > 0);
  }
}

TEST_CASE("ntfs skeleton: what mkntfs did not make is refused") {
  Result<int> empty = createMemoryFile(1 << 20);
  REQUIRE(empty.isOk());
  CHECK(readSkeleton(empty.value()).status().code() == ErrorCode::NTFS_DAMAGED);
  close(empty.value());
  CHECK(!readSkeleton(-1).isOk());
}

}  // namespace diskferry::ntfs::testing
