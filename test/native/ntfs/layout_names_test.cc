// Names that NTFS or Windows cannot hold: all of them are found, each with its reason, before anything is placed.
#include <doctest/doctest.h>

#include <string>

#include "ntfs/names.h"
#include "sample_volume.h"

namespace diskferry::ntfs::testing {

namespace {

std::string repeat(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; i++) all += text;
  return all;
}

std::vector<NameProblem> problemsOf(const TreeBuilder& tree, const std::vector<std::byte>& skeleton) {
  PlanProblems problems;
  Result<std::shared_ptr<Layout>> layout = Layout::plan(skeleton, tree.columns(), sampleGroups(64 << 20), problems);
  CHECK(layout.isOk() == problems.names.empty());
  if (!layout.isOk()) CHECK(layout.status().code() == ErrorCode::NTFS_NAMES);
  return problems.names;
}

}  // namespace

TEST_CASE("ntfs names: what Windows refuses is refused, with the reason") {
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton({});
  if (!skeleton) {
    MESSAGE("skipped: mkntfs is not installed");
    return;
  }
  struct Case {
    std::string name;
    const char* reason;  // null: fine
  };
  // Microsoft's "Naming Files, Paths, and Namespaces"; lengths are UTF-16 units.
  const Case cases[] = {
      {"plain.txt", nullptr},
      {".hidden", nullptr},
      {"a..b", nullptr},
      {" leading blank", nullptr},
      {repeat("n", 255), nullptr},
      {repeat("\u6f22", 255), nullptr},
      {repeat("\U0001F600", 127) + "x", nullptr},
      {"CONSOLE", nullptr},
      {"COM0", nullptr},
      {"COM10", nullptr},
      {"auxiliary", nullptr},
      {"$money", nullptr},
      {"a<b", "invalid-character"},
      {"a>b", "invalid-character"},
      {"a:b", "invalid-character"},
      {"a\"b", "invalid-character"},
      {"a/b", "invalid-character"},
      {"a\\b", "invalid-character"},
      {"a|b", "invalid-character"},
      {"a?b", "invalid-character"},
      {"a*b", "invalid-character"},
      {"tab\there", "invalid-character"},
      {std::string("nul\0here", 8), "invalid-character"},
      {"\x1f", "invalid-character"},
      {"", "invalid-character"},
      {"dot.", "trailing-dot-or-space"},
      {"..", "trailing-dot-or-space"},
      {"blank ", "trailing-dot-or-space"},
      {"con", "device-name"},
      {"Nul.txt", "device-name"},
      {"lpt9", "device-name"},
      {"COM1 .log", "device-name"},
      {"com\u00b2", "device-name"},
      {"CONIN$", "device-name"},
      {repeat("n", 256), "too-long"},
      {repeat("\U0001F600", 128), "too-long"},
      {"\x80", "invalid-utf8"},
      {"\xc0\xaf", "invalid-utf8"},
      {"\xe0\x80\xaf", "invalid-utf8"},
      {"\xed\xa0\x80", "invalid-utf8"},
      {"\xf4\x90\x80\x80", "invalid-utf8"},
      {"cut \xe6\xbc", "invalid-utf8"},
      {"$MFT", "reserved"},
      {"$bitmap", "reserved"},
      {"$Extend", "reserved"},
      {"System Volume Information", "reserved"},
      {"SYSTEM VOLUME INFORMATION", "reserved"},
  };
  TreeBuilder files;
  TreeBuilder directories;
  for (const Case& one : cases) {
    files.addFile(0, one.name, 1);
    directories.addDirectory(0, one.name);
  }
  for (bool isDirectory : {false, true}) {
    std::vector<NameProblem> found = problemsOf(isDirectory ? directories : files, *skeleton);
    size_t next = 0;
    for (uint32_t i = 0; i < std::size(cases); i++) {
      CAPTURE(cases[i].name);
      bool isFound = next < found.size() && found[next].index == i + (isDirectory ? 1 : 0);
      CHECK(isFound == (cases[i].reason != nullptr));
      if (!isFound) continue;
      CHECK(found[next].isDirectory == isDirectory);
      CHECK(std::string(nameOf(found[next].reason)) == (cases[i].reason == nullptr ? "" : cases[i].reason));
      next++;
    }
    CHECK(next == found.size());
  }
}

TEST_CASE("ntfs names: NTFS's own names are free below the root") {
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton({});
  if (!skeleton) return;
  TreeBuilder tree;
  uint32_t folder = tree.addDirectory(0, "folder");
  tree.addFile(folder, "$MFT", 1);
  tree.addDirectory(folder, "System Volume Information");
  CHECK(problemsOf(tree, *skeleton).empty());
}

TEST_CASE("ntfs names: two names are equal when $UpCase makes them equal, and only then") {
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton({});
  if (!skeleton) return;
  struct Case {
    const char* first;
    const char* second;
    bool areEqual;
  };
  // The table is the volume's: it folds unit by unit, never one to two, and knows no language.
  const Case cases[] = {
      {"name", "NAME", true},
      {"\u00e9t\u00e9", "\u00c9T\u00c9", true},
      {"\u0436", "\u0416", true},           // Cyrillic zhe
      {"\u03c3", "\u03a3", true},           // sigma and capital sigma
      {"\u03c2", "\u03c3", false},          // final sigma folds to itself in this table's age
      {"\u0131", "I", false},               // Turkish dotless i
      {"\u0130", "i", false},               // Turkish dotted I
      {"\u00df", "ss", false},              // sharp s
      {"\U00010428", "\U00010400", false},  // Deseret: surrogates are plain units
      {"e\u0301", "\u00e9", false},         // no normalization
  };
  for (const Case& one : cases) {
    CAPTURE(one.first);
    TreeBuilder tree;
    uint32_t folder = tree.addDirectory(0, "folder");
    tree.addFile(folder, one.first, 1);
    tree.addFile(folder, "between", 1);
    tree.addFile(folder, one.second, 1);
    tree.addFile(0, one.second, 1);  // another folder
    std::vector<NameProblem> found = problemsOf(tree, *skeleton);
    REQUIRE(found.size() == (one.areEqual ? 1 : 0));
    if (!one.areEqual) continue;
    CHECK(found[0].index == 2);
    CHECK(found[0].reason == NameReason::duplicate);
    CHECK(found[0].hasOther);
    CHECK(!found[0].otherIsDirectory);
    CHECK(found[0].otherIndex == 0);
  }
  TreeBuilder mixed;
  uint32_t directory = mixed.addDirectory(0, "Same");
  mixed.addFile(0, "sAme", 1);
  mixed.addFile(0, "saMe", 1);
  std::vector<NameProblem> found = problemsOf(mixed, *skeleton);
  REQUIRE(found.size() == 2);
  for (uint32_t i = 0; i < 2; i++) {
    CHECK(found[i].index == i);
    CHECK(found[i].otherIsDirectory);
    CHECK(found[i].otherIndex == directory);
  }
}

TEST_CASE("ntfs names: columns that contradict themselves are an error, never a crash") {
  std::optional<std::vector<std::byte>> skeleton = makeSkeleton({});
  if (!skeleton) return;
  auto refuses = [&](auto change) {
    TreeBuilder tree;
    tree.addDirectory(0, "a");
    tree.addFile(1, "b", 10);
    change(tree);
    PlanProblems problems;
    return Layout::plan(*skeleton, tree.columns(), {}, problems).status().code() == ErrorCode::INTERNAL;
  };
  CHECK(!refuses([](TreeBuilder&) {}));
  CHECK(refuses([](TreeBuilder& tree) { tree.directoryParent[1] = 1; }));
  CHECK(refuses([](TreeBuilder& tree) { tree.fileDirectory[0] = 2; }));
  CHECK(refuses([](TreeBuilder& tree) { tree.fileNameEnds[0] = 2; }));
  CHECK(refuses([](TreeBuilder& tree) { tree.directoryNameEnds = {5, 1}; }));
  CHECK(refuses([](TreeBuilder& tree) { tree.fileSizes[0] = 0.5; }));
  CHECK(refuses([](TreeBuilder& tree) { tree.fileSizes[0] = -1; }));
  CHECK(refuses([](TreeBuilder& tree) { tree.fileSizes[0] = 1e300; }));
  CHECK(refuses([](TreeBuilder& tree) { tree.fileTimes.clear(); }));
  CHECK(refuses([](TreeBuilder& tree) { tree.directoryParent.clear(); }));
}

}  // namespace diskferry::ntfs::testing
