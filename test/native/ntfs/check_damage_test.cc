// Damage that is well-formed: fix-ups are right, lengths fit, and yet two places contradict each other or a rule of
// NTFS is broken. Each kind has its finding.
#include <doctest/doctest.h>

#include <algorithm>

#include "checked_volume.h"
#include "little_endian.h"
#include "ntfs/index_node.h"

namespace diskferry::ntfs::testing {

namespace {

using Block = std::span<std::byte>;

struct Damage {
  const char* what;
  void (*make)(CheckedVolume&);
  // What must be among the findings, as "CODE structure".
  const char* expected;
};

TreeBuilder damageTree() {
  TreeBuilder tree;
  uint32_t folder = tree.addDirectory(0, "folder");
  tree.addDirectory(folder, "inner");
  uint32_t many = tree.addDirectory(0, "many");
  tree.addFile(folder, "first", 5000);
  tree.addFile(folder, "second", 9000);
  for (int i = 0; i < 60; i++) tree.addFile(many, "entry with a name of some length " + std::to_string(i), 10);
  return tree;
}

Attribute attributeOf(Block record, uint32_t type, std::u16string_view name = {}) {
  RecordView view;
  REQUIRE(parseRecord(record, view) == nullptr);
  const Attribute* found = view.find(type, name);
  REQUIRE(found != nullptr);
  return *found;
}

// The attribute's bytes in `record`, header included.
std::byte* placeOf(Block record, const Attribute& attribute) {
  return record.data() + (attribute.raw.data() - record.data());
}

std::byte* valueOf(Block record, const Attribute& attribute) {
  return record.data() + (attribute.value.data() - record.data());
}

void editRecord(CheckedVolume& volume, uint32_t number, const std::function<void(Block)>& change) {
  volume.edit(volume.record(number), change);
}

void editName(CheckedVolume& volume, std::u16string_view name, const std::function<void(std::byte*)>& change) {
  editRecord(volume, volume.find(name), [&](Block record) { change(valueOf(record, attributeOf(record, kFileName))); });
}

// The first entry of \many's first index block.
void editEntry(CheckedVolume& volume, const std::function<void(std::byte*)>& change) {
  Block block = volume.structure("index of \\many").first(volume.geometry().indexBytes);
  volume.edit(block, [&](Block bytes) { change(bytes.data() + indexEntriesStart(bytes.size())); });
}

const Damage kDamages[] = {
    {"another parent",
     [](CheckedVolume& v) { editName(v, u"first", [&](std::byte* n) { store64(n, reference(v.find(u"inner"), 1)); }); },
     "NTFS_NAME first"},
    {"a stale parent", [](CheckedVolume& v) { editName(v, u"first", [](std::byte* n) { store16(n + 6, 2); }); },
     "NTFS_NAME first"},
    {"a size that is only in the name",
     [](CheckedVolume& v) { editName(v, u"first", [](std::byte* n) { store64(n + 0x30, 5001); }); },
     "NTFS_RECORD_CONTENT first"},
    {"a time that is only in the name",
     [](CheckedVolume& v) { editName(v, u"first", [](std::byte* n) { n[0x10] ^= std::byte{1}; }); },
     "NTFS_RECORD_CONTENT first"},
    {"another letter in the record's name",
     [](CheckedVolume& v) { editName(v, u"first", [](std::byte* n) { n[0x42] = std::byte{'F'}; }); },
     "NTFS_NAME first"},
    {"a name that leads out of its folder",
     [](CheckedVolume& v) { editName(v, u"first", [](std::byte* n) { n[0x42] = std::byte{'/'}; }); },
     "NTFS_NAME first"},
    {"a time in the index entry only",
     [](CheckedVolume& v) { editEntry(v, [](std::byte* e) { e[0x10 + 8] ^= std::byte{1}; }); },
     "NTFS_NAME entry with a name of some length 0"},
    {"an entry of another sequence", [](CheckedVolume& v) { editEntry(v, [](std::byte* e) { store16(e + 6, 9); }); },
     "NTFS_NAME entry with a name of some length 0"},
    {"an entry to a record in no use",
     [](CheckedVolume& v) { editEntry(v, [&](std::byte* e) { store64(e, reference(v.recordCount() - 1, 1)); }); },
     "NTFS_INDEX index of \\many"},
    {"an entry to a record that does not exist",
     [](CheckedVolume& v) { editEntry(v, [](std::byte* e) { store64(e, reference(1u << 30, 1)); }); },
     "NTFS_INDEX index of \\many"},
    {"two entries for one record",
     [](CheckedVolume& v) { editEntry(v, [](std::byte* e) { store64(e + load16(e + 8), load64(e)); }); },
     "NTFS_INDEX index of \\many"},
    {"entries out of order",
     [](CheckedVolume& v) { editEntry(v, [](std::byte* e) { e[0x10 + 0x42] = std::byte{'z'}; }); },
     "NTFS_INDEX index of \\many"},
    {"bytes behind the entries of a block",
     [](CheckedVolume& v) {
       Block block = v.structure("index of \\many").first(v.geometry().indexBytes);
       v.edit(block, [](Block bytes) { bytes[0x18 + load32(bytes.data() + 0x1C) + 1] = std::byte{7}; });
     },
     "NTFS_INDEX index of \\many"},
    {"a child that is its own parent",
     [](CheckedVolume& v) {
       Block top = v.structure("index of \\many");
       size_t bytes = v.geometry().indexBytes;
       size_t last = 0;
       while ((last + 2) * bytes <= top.size() && top[(last + 1) * bytes] == std::byte{'I'}) last++;
       v.edit(top.subspan(last * bytes, bytes), [&](Block block) {
         std::byte* entry = block.data() + indexEntriesStart(block.size());
         store64(entry + load16(entry + 8) - 8, load64(block.data() + 0x10));
       });
     },
     "NTFS_INDEX index of \\many"},
    {"a longer file than its clusters",
     [](CheckedVolume& v) {
       editRecord(v, v.find(u"first"),
                  [](Block record) { store64(placeOf(record, attributeOf(record, kData)) + 0x30, 9000); });
     },
     "NTFS_RUN_LIST first"},
    {"less initialized than there is",
     [](CheckedVolume& v) {
       editRecord(v, v.find(u"first"),
                  [](Block record) { store64(placeOf(record, attributeOf(record, kData)) + 0x38, 100); });
     },
     "NTFS_RECORD_CONTENT first"},
    {"more initialized than there is",
     [](CheckedVolume& v) {
       editRecord(v, v.find(u"first"),
                  [](Block record) { store64(placeOf(record, attributeOf(record, kData)) + 0x38, 8000); });
     },
     "NTFS_SIZE first"},
    {"clusters of another file",
     [](CheckedVolume& v) {
       std::vector<std::byte> pairs;
       editRecord(v, v.find(u"second"), [&](Block record) {
         Attribute data = attributeOf(record, kData);
         pairs.assign(data.mappingPairs.begin(), data.mappingPairs.end());
       });
       editRecord(v, v.find(u"first"), [&](Block record) {
         Attribute data = attributeOf(record, kData);
         std::byte* at = placeOf(record, data) + 0x40;
         std::copy_n(pairs.begin(), std::min(pairs.size(), data.mappingPairs.size()), at);
         // As many clusters as before, so that only the place is wrong.
         at[1] = std::byte{2};
       });
     },
     "NTFS_CROSS_LINK first"},
    {"an unknown security id",
     [](CheckedVolume& v) {
       editRecord(v, v.find(u"first"), [](Block record) {
         store32(valueOf(record, attributeOf(record, kStandardInformation)) + 0x34, 0x103);
       });
     },
     "NTFS_SECURITY first"},
    {"two attributes with one id",
     [](CheckedVolume& v) {
       editRecord(v, v.find(u"first"),
                  [](Block record) { store16(placeOf(record, attributeOf(record, kData)) + 0x0E, 0); });
     },
     "NTFS_ATTRIBUTE first"},
    {"two links instead of one",
     [](CheckedVolume& v) { editRecord(v, v.find(u"first"), [](Block r) { store16(r.data() + 0x12, 2); }); },
     "NTFS_RECORD_CONTENT first"},
    {"a record that says it is another",
     [](CheckedVolume& v) { editRecord(v, v.find(u"first"), [](Block r) { store32(r.data() + 0x2C, 5); }); },
     "NTFS_RECORD first"},
    {"a file in no use that an index has",
     [](CheckedVolume& v) { editRecord(v, v.find(u"first"), [](Block r) { store16(r.data() + 0x16, 0); }); },
     "NTFS_INDEX index of \\folder"},
    {"a file that is called a directory",
     [](CheckedVolume& v) { editRecord(v, v.find(u"first"), [](Block r) { store16(r.data() + 0x16, 3); }); },
     "NTFS_ATTRIBUTE first"},
    {"bytes behind a record's end",
     [](CheckedVolume& v) { editRecord(v, v.find(u"first"), [](Block r) { r[r.size() - 20] = std::byte{1}; }); },
     "NTFS_RECORD_CONTENT first"},
    {"a volume marked dirty",
     [](CheckedVolume& v) {
       for (Block record :
            {v.record(kVolumeRecord),
             v.structure("$MFTMirr").subspan(kVolumeRecord * v.geometry().recordBytes, v.geometry().recordBytes)})
         v.edit(record, [](Block r) { store16(valueOf(r, attributeOf(r, kVolumeInformation)) + 10, 1); });
     },
     "NTFS_SYSTEM_RECORD $Volume"},
    {"a cluster marked free that is not", [](CheckedVolume& v) { v.structure("$Bitmap")[0] ^= std::byte{2}; },
     "NTFS_BITMAP_FREE $Bitmap"},
    {"a cluster marked used that is not",
     [](CheckedVolume& v) {
       Block bitmap = v.structure("$Bitmap");
       auto free = std::ranges::find(bitmap, std::byte{0});
       REQUIRE(free != bitmap.end());
       *free = std::byte{0x10};
     },
     "NTFS_BITMAP_LOST $Bitmap"},
    {"a record marked free that is not",
     [](CheckedVolume& v) {
       v.structure("$MFT bitmap")[v.find(u"first") / 8] ^= static_cast<std::byte>(1 << v.find(u"first") % 8);
     },
     "NTFS_MFT_BITMAP first"},
    {"a mirror that has not followed", [](CheckedVolume& v) { v.structure("$MFTMirr")[0x60] ^= std::byte{1}; },
     "NTFS_MIRROR $MFTMirr"},
    {"another boot sector at the end",
     [](CheckedVolume& v) { v.structure("backup boot sector")[0x48] ^= std::byte{1}; },
     "NTFS_BOOT_BACKUP backup boot sector"},
    {"a descriptor whose second copy differs",
     [](CheckedVolume& v) {
       Block stream = v.structure("$Secure");
       stream[100] ^= std::byte{1};
     },
     "NTFS_SECURITY $Secure"},
    {"an upper-case table that orders differently",
     [](CheckedVolume& v) { v.structure("$UpCase")[2 * 'b'] = std::byte{'b'}; }, "NTFS_TABLE $UpCase"},
    {"a journal that is none", [](CheckedVolume& v) { v.structure("$LogFile")[5000] = std::byte{0}; },
     "NTFS_LOG $LogFile"},
};

// "NTFS_NAME first" is about the record of the file "first".
std::string withRecord(CheckedVolume& volume, std::string expected) {
  size_t space = expected.find(' ');
  std::string subject = expected.substr(space + 1);
  for (const char* place : {"index", "$MFTMirr", "$Bitmap", "backup", "$Secure", "$UpCase", "$LogFile"})
    if (subject.starts_with(place)) return expected;
  std::u16string name(subject.begin(), subject.end());
  return expected.substr(0, space + 1) + "MFT record " + std::to_string(volume.find(name));
}

}  // namespace

TEST_CASE("ntfs check: each contradiction has its finding") {
  VolumeKind kind{uint64_t{12} << 20, 4096, 512};
  auto volume = CheckedVolume::make(kind, damageTree());
  if (volume == nullptr) return;
  std::vector<std::byte> whole(volume->bytes().begin(), volume->bytes().end());
  for (const Damage& damage : kDamages) {
    std::string expected = withRecord(*volume, damage.expected);
    damage.make(*volume);
    std::vector<std::string> found = volume->codes();
    std::string all;
    for (const std::string& code : found) all += "[" + code + "] ";
    CHECK_MESSAGE(std::ranges::find(found, expected) != found.end(),
                  damage.what << ": expected " << expected << ", found " << all);
    CHECK_MESSAGE(volume->isDamaged(), damage.what);
    std::ranges::copy(whole, volume->bytes().begin());
  }
  CHECK(volume->codes().empty());
}

TEST_CASE("ntfs check: a directory cut off from the root is named with what lies below it") {
  VolumeKind kind{uint64_t{12} << 20, 4096, 512};
  TreeBuilder tree;
  uint32_t outer = tree.addDirectory(0, "outer");
  uint32_t inner = tree.addDirectory(outer, "inner");
  tree.addFile(inner, "leaf", 10);
  auto volume = CheckedVolume::make(kind, tree);
  if (volume == nullptr) return;
  // A ring: outer says it lies in inner, and inner's index has outer in place of leaf.
  uint32_t outerRecord = volume->find(u"outer");
  uint32_t innerRecord = volume->find(u"inner");
  editName(*volume, u"outer", [&](std::byte* name) { store64(name, reference(innerRecord, 1)); });
  std::vector<std::string> found = volume->codes();
  CHECK(std::ranges::find(found, "NTFS_NAME MFT record " + std::to_string(outerRecord)) != found.end());
}

TEST_CASE("ntfs check: a thousand findings are listed, the rest counted") {
  VolumeKind kind{uint64_t{12} << 20, 4096, 512};
  TreeBuilder tree;
  for (int i = 0; i < 1200; i++) tree.addFile(0, std::to_string(i), 0);
  auto volume = CheckedVolume::make(kind, tree);
  if (volume == nullptr) return;
  for (uint32_t number = kFirstUserRecord; number < kFirstUserRecord + 1100; number++)
    volume->record(number)[600] ^= std::byte{1};
  std::vector<Finding> findings = volume->check();
  REQUIRE(findings.size() == 1001);
  CHECK(findings.back().code == "NTFS_MORE");
  CHECK(findings.back().severity == Severity::damage);
  CHECK_MESSAGE(findings.back().message.starts_with("100 more"), findings.back().message);
}

}  // namespace diskferry::ntfs::testing
