#include "io/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "io/file_time.h"

namespace diskferry {

int readListing(int directory, Listing& listing) {
  int copy = ::fcntl(directory, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return errno;
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), ::closedir);
  if (stream == nullptr) {
    ::close(copy);
    return errno;
  }
  while (true) {
    errno = 0;
    const struct dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    listing.entries.push_back({listing.names.size(), entry->d_ino, static_cast<uint32_t>(name.size()), entry->d_type});
    listing.names.append(name).push_back('\0');
  }
  const int failed = errno;
  std::sort(listing.entries.begin(), listing.entries.end(),
            [&](const Listing::Entry& left, const Listing::Entry& right) {
              return std::strcmp(listing.nameOf(left), listing.nameOf(right)) < 0;
            });
  return failed;
}

Listing::Facts examineEntry(int directory, const char* name, bool followSymlinks) {
  Listing::Facts facts{};
  struct statx found;
  constexpr unsigned wanted = STATX_TYPE | STATX_MODE | STATX_SIZE | STATX_MTIME;
  if (::statx(directory, name, followSymlinks ? 0 : AT_SYMLINK_NOFOLLOW, wanted, &found) != 0) {
    facts.statError = static_cast<int16_t>(errno);
    return facts;
  }
  facts.mode = found.stx_mode;
  facts.sizeBytes = found.stx_size;
  facts.modifiedNs = nanosecondsSince1970(found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec);
  // Whoever may read what all may read need not be asked about, which halves the work.
  constexpr unsigned everyone = S_IRUSR | S_IRGRP | S_IROTH;
  const bool isAsked = S_ISREG(found.stx_mode) && (found.stx_mode & everyone) != everyone;
  if (isAsked && ::faccessat(directory, name, R_OK, AT_EACCESS) != 0) facts.accessError = static_cast<int16_t>(errno);
  return facts;
}

}  // namespace diskferry
