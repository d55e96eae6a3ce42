// The entries of one directory: their names, and what the file system says of each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace diskferry {

// Names in one block of memory, because a directory may have a million.
struct Listing {
  struct Entry {
    size_t start;
    uint64_t inode;
    uint32_t length;
    unsigned char type;
  };
  struct Facts {
    uint64_t sizeBytes;
    int64_t modifiedNs;
    uint16_t mode;
    int16_t statError;    // errno, 0 when the rest is filled
    int16_t accessError;  // errno of reading it, for regular files
  };

  std::string names;  // each with its terminating zero
  std::vector<Entry> entries;
  std::vector<Facts> facts;  // of each entry, once it was examined
  size_t entriesLeft = 0;    // to be examined; guarded by the pool

  const char* nameOf(const Entry& entry) const { return names.data() + entry.start; }
};

// Fills names and entries, bytewise by name; 0, or the errno of what stopped it before the end.
int readListing(int directory, Listing& listing);

// lstat, or stat when links are followed, and whether it may be read.
Listing::Facts examineEntry(int directory, const char* name, bool followSymlinks);

}  // namespace diskferry
