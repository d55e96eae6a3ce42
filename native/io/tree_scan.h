// Finds every file below a directory, as columns (about 40 bytes a file and its name). The order is fixed: directories
// in depth-first pre-order, entries of a directory bytewise by name, so that the same tree gives the same plan.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "status.h"

namespace diskferry {

// Name i is bytes[ends[i - 1] or 0, ends[i]), UTF-8.
struct NameList {
  std::vector<char> bytes;
  std::vector<uint32_t> ends;

  void push(std::string_view name) {
    bytes.insert(bytes.end(), name.begin(), name.end());
    ends.push_back(static_cast<uint32_t>(bytes.size()));
  }
};

enum class SkipReason { symlink, special, unreadable, invalidUtf8, loop };

struct SkippedEntry {
  std::string path;  // below the root; bytes that are not UTF-8 are shown as \xNN
  SkipReason reason;
  std::string message;  // a sentence
};

// Directory 0 is the root: empty name, parent 0. A directory's parent has a lower index.
struct ScannedTree {
  std::vector<uint32_t> directoryParent;
  NameList directoryNames;
  std::vector<uint32_t> fileDirectory;
  NameList fileNames;
  std::vector<double> fileSizeBytes;
  std::vector<int64_t> fileModifiedNs;  // since 1970-01-01 UTC
  std::vector<SkippedEntry> skipped;    // by path
};

// A file with several hard links is found once a link. Symbolic links are skipped, or followed when asked, except
// to an ancestor. Other file systems mounted below the root are entered. What cannot be taken is listed, never an
// error; only a root that cannot be read is: FILE_NOT_FOUND, SOURCE_READ_FAILED.
Result<ScannedTree> scanTree(const std::string& root, bool followSymlinks);

}  // namespace diskferry
