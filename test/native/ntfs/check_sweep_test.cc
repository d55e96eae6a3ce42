// Every byte of metadata counts. Under XTS a changed byte of ciphertext becomes 16 wrong bytes, so each aligned block
// of 16 is garbled in turn; one bit is tried too, as on a drive without encryption. The check must find damage every
// time.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "checked_volume.h"
#include "little_endian.h"

namespace diskferry::ntfs::testing {

namespace {

constexpr size_t kCipherBlockBytes = 16;

// Directories with their entries in the record, in one block, and in a tree of two levels; files of no, one and several
// extents.
TreeBuilder sweepTree() {
  TreeBuilder tree;
  uint32_t small = tree.addDirectory(0, "small");
  uint32_t medium = tree.addDirectory(small, "medium");
  uint32_t large = tree.addDirectory(0, "large");
  tree.addFile(small, "empty", 0);
  tree.addFile(small, "tiny", 1);
  tree.addFile(0, "ein Name, der länger ist als die anderen.txt", 123456);
  for (int i = 0; i < 12; i++) tree.addFile(medium, "medium-" + std::to_string(i), 5000);
  for (int i = 0; i < 70; i++) tree.addFile(large, "a name of some length " + std::to_string(i), 100);
  return tree;
}

class Sweep {
 public:
  explicit Sweep(CheckedVolume& volume) : volume_(volume) {}

  // Garbles each block of `bytes`, of which `stride` - 1 are skipped after each, and one bit in each.
  void garble(std::span<std::byte> bytes, const std::string& what, size_t stride = 1) {
    for (size_t at = 0; at < bytes.size(); at += kCipherBlockBytes * stride) {
      std::span<std::byte> block = bytes.subspan(at, kCipherBlockBytes);
      std::byte saved[kCipherBlockBytes];
      std::ranges::copy(block, saved);
      for (std::byte& byte : block) byte = static_cast<std::byte>(random_.next() >> 32);
      expectDamage(what, at);
      std::ranges::copy(saved, block.begin());
      block[random_.below(kCipherBlockBytes)] ^= static_cast<std::byte>(1 << random_.below(8));
      expectDamage(what + " (one bit)", at);
      std::ranges::copy(saved, block.begin());
    }
  }

 private:
  void expectDamage(const std::string& what, size_t at) {
    bool isDamaged = volume_.isDamaged();
    CHECK_MESSAGE(isDamaged, what << ": block at byte " << at << " was garbled and nothing was found");
  }

  CheckedVolume& volume_;
  Random random_{77};
};

}  // namespace

TEST_CASE("ntfs check: any garbled block of a used record, an index, a bitmap or a boot sector is found") {
  VolumeKind kind{uint64_t{12} << 20, 4096, 512};
  auto volume = CheckedVolume::make(kind, sweepTree());
  if (volume == nullptr) return;
  Sweep sweep(*volume);
  // All blocks in the long run; in the short one all of some structures and a part of the others.
  auto stride = [](size_t length) { return isLong() ? 1 : length; };
  sweep.garble(volume->record(volume->find(u"small")), "directory with its entries inside", stride(3));
  sweep.garble(volume->record(volume->find(u"large")), "directory with blocks", stride(3));
  sweep.garble(volume->record(volume->find(u"empty")), "empty file", stride(5));
  sweep.garble(volume->record(volume->find(u"tiny")), "file", stride(2));
  sweep.garble(volume->record(volume->recordCount() - 1), "unused record", stride(5));
  for (uint32_t number = 0; number < kFirstUserRecord; number++)
    sweep.garble(volume->record(number), "record " + std::to_string(number), stride(number < 27 ? 13 : 41));
  sweep.garble(volume->structure("index of \\large"), "index of a large directory", stride(19));
  sweep.garble(volume->structure("index of \\"), "index of the root", stride(13));
  sweep.garble(volume->bytes().first(kind.sectorBytes), "boot sector", stride(5));
  sweep.garble(volume->structure("backup boot sector"), "backup boot sector", stride(7));
  sweep.garble(volume->structure("$Bitmap"), "$Bitmap", stride(29));
  sweep.garble(volume->structure("$MFT bitmap"), "bitmap of $MFT", stride(29));
  sweep.garble(volume->structure("$MFTMirr"), "$MFTMirr", stride(29));
  sweep.garble(volume->structure("$LogFile").first(8192), "$LogFile", stride(61));
  sweep.garble(volume->structure("$UpCase").first(8192), "$UpCase", stride(61));
}

TEST_CASE("ntfs check: any garbled block is found on other sectors and clusters too") {
  const VolumeKind kinds[] = {
      {uint64_t{48} << 20, 65536, 512}, {uint64_t{12} << 20, 512, 512}, {uint64_t{24} << 20, 4096, 4096}};
  for (const VolumeKind& kind : kinds) {
    CAPTURE(kind.clusterBytes);
    CAPTURE(kind.sectorBytes);
    auto volume = CheckedVolume::make(kind, sweepTree());
    if (volume == nullptr) return;
    Sweep sweep(*volume);
    sweep.garble(volume->record(volume->find(u"large")), "directory", isLong() ? 1 : 17);
    sweep.garble(volume->record(volume->find(u"tiny")), "file", isLong() ? 1 : 13);
    sweep.garble(volume->record(kSecureRecord), "$Secure", isLong() ? 1 : 19);
    sweep.garble(volume->structure("index of \\large").first(8192), "index", isLong() ? 1 : 83);
    sweep.garble(volume->structure("index of \\"), "index of the root", isLong() ? 1 : 83);
  }
}

}  // namespace diskferry::ntfs::testing
