#include "io/tree_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "io/file_descriptor.h"
#include "io/file_time.h"

namespace diskferry {

namespace {

struct Identity {
  uint32_t deviceMajor;
  uint32_t deviceMinor;
  uint64_t inode;
  bool operator==(const Identity&) const = default;
};

// An open directory on the way from the root; it stays open while entries below it wait.
struct OpenDirectory {
  FileDescriptor descriptor;
  std::shared_ptr<OpenDirectory> parent;
  uint32_t index = 0;
  std::optional<Identity> identity;  // only known when links are followed
};

struct PendingDirectory {
  std::string name;
  std::shared_ptr<OpenDirectory> parent;
};

// The entries of one directory: names in one block of memory, because a directory may have a million.
struct Listing {
  struct Entry {
    size_t start;
    uint32_t length;
    unsigned char type;
  };
  std::string names;  // each with its terminating zero
  std::vector<Entry> entries;

  const char* nameOf(const Entry& entry) const { return names.data() + entry.start; }
};

std::string printable(std::string_view name) {
  if (isValidUtf8(name)) return std::string(name);
  static const char* digits = "0123456789abcdef";
  std::string shown;
  for (char character : name) {
    auto byte = static_cast<unsigned char>(character);
    if (byte < 0x80)
      shown.push_back(character);
    else
      shown.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
  }
  return shown;
}

Identity identityOf(const struct statx& found) { return {found.stx_dev_major, found.stx_dev_minor, found.stx_ino}; }

class Scanner {
 public:
  explicit Scanner(bool followSymlinks) : follow_(followSymlinks) {}

  Result<ScannedTree> run(const std::string& root);

 private:
  Status takeDirectory(const std::shared_ptr<OpenDirectory>& directory);
  Status takeEntry(const std::shared_ptr<OpenDirectory>& directory, const Listing& listing,
                   const Listing::Entry& entry);
  void takeFile(const OpenDirectory& directory, const char* name, const struct statx& found);
  std::shared_ptr<OpenDirectory> enter(PendingDirectory& pending);
  void skip(const OpenDirectory& directory, std::string_view name, SkipReason reason, std::string message);
  std::string pathOf(const OpenDirectory& directory, std::string_view name) const;
  int list(const OpenDirectory& directory, Listing& listing) const;

  bool follow_;
  ScannedTree tree_;
  std::vector<PendingDirectory> pending_;  // the last one is next
};

Result<ScannedTree> Scanner::run(const std::string& root) {
  auto top = std::make_shared<OpenDirectory>();
  top->descriptor = FileDescriptor(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
  if (!top->descriptor.isOpen())
    return Status::fromErrno(errno == ENOENT ? ErrorCode::FILE_NOT_FOUND : ErrorCode::SOURCE_READ_FAILED,
                             root + ": cannot be read as a directory", errno);
  struct statx found;
  if (::statx(top->descriptor.number(), "", AT_EMPTY_PATH, STATX_INO, &found) == 0) top->identity = identityOf(found);
  tree_.directoryParent.push_back(0);
  tree_.directoryNames.push("");
  DISKFERRY_TRY(takeDirectory(top));
  top.reset();
  while (!pending_.empty()) {
    PendingDirectory next = std::move(pending_.back());
    pending_.pop_back();
    if (auto directory = enter(next)) DISKFERRY_TRY(takeDirectory(directory));
  }
  return std::move(tree_);
}

std::shared_ptr<OpenDirectory> Scanner::enter(PendingDirectory& pending) {
  const OpenDirectory& parent = *pending.parent;
  auto directory = std::make_shared<OpenDirectory>();
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | (follow_ ? 0 : O_NOFOLLOW);
  directory->descriptor = FileDescriptor(::openat(parent.descriptor.number(), pending.name.c_str(), flags));
  if (!directory->descriptor.isOpen()) {
    skip(parent, pending.name, SkipReason::unreadable,
         std::string("the directory cannot be read: ") + std::strerror(errno));
    return nullptr;
  }
  if (follow_) {
    struct statx found;
    if (::statx(directory->descriptor.number(), "", AT_EMPTY_PATH, STATX_INO, &found) == 0)
      directory->identity = identityOf(found);
    for (const OpenDirectory* above = &parent; above != nullptr; above = above->parent.get()) {
      if (directory->identity.has_value() && above->identity == directory->identity) {
        skip(parent, pending.name, SkipReason::loop, "the link leads back to a directory that it lies in");
        return nullptr;
      }
    }
  }
  directory->parent = pending.parent;
  directory->index = static_cast<uint32_t>(tree_.directoryParent.size());
  tree_.directoryParent.push_back(parent.index);
  tree_.directoryNames.push(pending.name);
  return directory;
}

// 0, or the errno of what stopped the listing.
int Scanner::list(const OpenDirectory& directory, Listing& listing) const {
  int copy = ::fcntl(directory.descriptor.number(), F_DUPFD_CLOEXEC, 0);
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
    listing.entries.push_back({listing.names.size(), static_cast<uint32_t>(name.size()), entry->d_type});
    listing.names.append(name).push_back('\0');
  }
  const int failed = errno;
  std::sort(listing.entries.begin(), listing.entries.end(),
            [&](const Listing::Entry& left, const Listing::Entry& right) {
              return std::strcmp(listing.nameOf(left), listing.nameOf(right)) < 0;
            });
  return failed;
}

Status Scanner::takeDirectory(const std::shared_ptr<OpenDirectory>& directory) {
  Listing listing;
  if (int failed = list(*directory, listing); failed != 0) {
    std::string message = std::string("the directory could not be read to its end: ") + std::strerror(failed);
    if (directory->parent == nullptr) return Status(ErrorCode::SOURCE_READ_FAILED, std::move(message), failed);
    skip(*directory, "", SkipReason::unreadable, std::move(message));
  }
  const size_t firstPending = pending_.size();
  for (const Listing::Entry& entry : listing.entries) DISKFERRY_TRY(takeEntry(directory, listing, entry));
  std::reverse(pending_.begin() + static_cast<ptrdiff_t>(firstPending), pending_.end());
  return Status::ok();
}

Status Scanner::takeEntry(const std::shared_ptr<OpenDirectory>& directory, const Listing& listing,
                          const Listing::Entry& entry) {
  const char* name = listing.nameOf(entry);
  if (!isValidUtf8({name, entry.length})) {
    skip(*directory, name, SkipReason::invalidUtf8, "the name is not valid UTF-8");
    return Status::ok();
  }
  // Offsets into the name columns are 32 bits wide.
  if (tree_.fileNames.bytes.size() > UINT32_MAX - 256 || tree_.directoryNames.bytes.size() > UINT32_MAX - 256)
    return Status(ErrorCode::OUT_OF_MEMORY, "the names of all files together have more than 4 GiB");
  if (entry.type == DT_DIR) {
    pending_.push_back({name, directory});
    return Status::ok();
  }
  struct statx found;
  constexpr unsigned wanted = STATX_TYPE | STATX_MODE | STATX_SIZE | STATX_MTIME;
  if (::statx(directory->descriptor.number(), name, AT_SYMLINK_NOFOLLOW, wanted, &found) != 0) {
    skip(*directory, name, SkipReason::unreadable, std::strerror(errno));
    return Status::ok();
  }
  if (S_ISLNK(found.stx_mode)) {
    if (!follow_) {
      skip(*directory, name, SkipReason::symlink, "a symbolic link");
      return Status::ok();
    }
    if (::statx(directory->descriptor.number(), name, 0, wanted, &found) != 0) {
      const bool loops = errno == ELOOP;
      skip(*directory, name, loops ? SkipReason::loop : SkipReason::unreadable,
           std::string("the link cannot be followed: ") + std::strerror(errno));
      return Status::ok();
    }
  }
  if (S_ISDIR(found.stx_mode))
    pending_.push_back({name, directory});
  else if (S_ISREG(found.stx_mode))
    takeFile(*directory, name, found);
  else
    skip(*directory, name, SkipReason::special,
         S_ISFIFO(found.stx_mode)   ? "a pipe"
         : S_ISSOCK(found.stx_mode) ? "a socket"
                                    : "a device");
  return Status::ok();
}

void Scanner::takeFile(const OpenDirectory& directory, const char* name, const struct statx& found) {
  if (::faccessat(directory.descriptor.number(), name, R_OK, AT_EACCESS) != 0) {
    skip(directory, name, SkipReason::unreadable, std::string("the file cannot be read: ") + std::strerror(errno));
    return;
  }
  tree_.fileDirectory.push_back(directory.index);
  tree_.fileNames.push(name);
  tree_.fileSizeBytes.push_back(static_cast<double>(found.stx_size));
  tree_.fileModifiedNs.push_back(nanosecondsSince1970(found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec));
}

void Scanner::skip(const OpenDirectory& directory, std::string_view name, SkipReason reason, std::string message) {
  tree_.skipped.push_back({pathOf(directory, name), reason, std::move(message)});
}

std::string Scanner::pathOf(const OpenDirectory& directory, std::string_view name) const {
  std::string path = printable(name);
  for (uint32_t index = directory.index; index != 0; index = tree_.directoryParent[index]) {
    const NameList& names = tree_.directoryNames;
    const std::string part(names.bytes.data() + names.ends[index - 1], names.ends[index] - names.ends[index - 1]);
    path = path.empty() ? part : part + "/" + path;
  }
  return path;
}

}  // namespace

Result<ScannedTree> scanTree(const std::string& root, bool followSymlinks) { return Scanner(followSymlinks).run(root); }

bool isValidUtf8(std::string_view text) {
  const auto* byte = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = byte + text.size();
  while (byte != end) {
    if (*byte < 0x80) {
      byte++;
      continue;
    }
    // RFC 3629, section 4: the second byte of a sequence has its own bounds.
    const unsigned char lead = *byte;
    int length = 0;
    unsigned char low = 0x80, high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
      length = 2;
    else if (lead >= 0xe0 && lead <= 0xef)
      length = 3;
    else if (lead >= 0xf0 && lead <= 0xf4)
      length = 4;
    else
      return false;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (end - byte < length || byte[1] < low || byte[1] > high) return false;
    for (int index = 2; index < length; index++)
      if ((byte[index] & 0xc0) != 0x80) return false;
    byte += length;
  }
  return true;
}

}  // namespace diskferry
