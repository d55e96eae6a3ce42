#include "io/tree_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>

#include "io/file_descriptor.h"
#include "io/listing.h"
#include "io/stat_pool.h"
#include "io/utf8.h"

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

// A directory that was listed and whose entries are being examined.
struct ListedDirectory {
  std::shared_ptr<OpenDirectory> directory;
  std::unique_ptr<Listing> listing;
};

// How far the listing may be ahead of the oldest directory that is still examined. Each keeps a descriptor open.
constexpr size_t kDirectoriesAheadMax = 64;
constexpr size_t kEntriesAheadMax = 65536;
// More than there are processors: from a cold cache they wait for the device.
constexpr size_t kExaminersMax = 8;

Identity identityOf(const struct statx& found) { return {found.stx_dev_major, found.stx_dev_minor, found.stx_ino}; }

class Scanner {
 public:
  explicit Scanner(bool followSymlinks) : follow_(followSymlinks) {}

  Result<ScannedTree> run(const std::string& root);

 private:
  Status listDirectory(std::shared_ptr<OpenDirectory> directory);
  bool isDirectory(const OpenDirectory& directory, const Listing& listing, const Listing::Entry& entry) const;
  Status takeOldest();
  Status takeEntry(const OpenDirectory& directory, const char* name, Listing::Facts facts);
  Status takeFile(const OpenDirectory& directory, const char* name, const Listing::Facts& facts);
  std::shared_ptr<OpenDirectory> enter(PendingDirectory& pending);
  void skip(const OpenDirectory& directory, std::string_view name, SkipReason reason, std::string message);
  std::string pathOf(const OpenDirectory& directory, std::string_view name) const;

  bool follow_;
  ScannedTree tree_;
  std::vector<PendingDirectory> pending_;  // the last one is next
  std::deque<ListedDirectory> listed_;     // the first one is next
  size_t entriesAhead_ = 0;                // in listed_
  StatPool pool_{kExaminersMax};           // ends before what it fills
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
  DISKFERRY_TRY(listDirectory(std::move(top)));
  while (!pending_.empty() || !listed_.empty()) {
    if (pending_.empty() || listed_.size() >= kDirectoriesAheadMax || entriesAhead_ >= kEntriesAheadMax) {
      DISKFERRY_TRY(takeOldest());
      continue;
    }
    PendingDirectory next = std::move(pending_.back());
    pending_.pop_back();
    if (auto directory = enter(next)) DISKFERRY_TRY(listDirectory(std::move(directory)));
  }
  // Directories are listed ahead of their files.
  std::ranges::stable_sort(tree_.skipped, {}, &SkippedEntry::path);
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

// Its directories are entered next, while the pool examines the rest.
Status Scanner::listDirectory(std::shared_ptr<OpenDirectory> directory) {
  auto listing = std::make_unique<Listing>();
  if (int failed = readListing(directory->descriptor.number(), *listing); failed != 0) {
    std::string message = std::string("the directory could not be read to its end: ") + std::strerror(failed);
    if (directory->parent == nullptr) return Status(ErrorCode::SOURCE_READ_FAILED, std::move(message), failed);
    skip(*directory, "", SkipReason::unreadable, std::move(message));
  }
  const size_t firstPending = pending_.size();
  for (Listing::Entry& entry : listing->entries) {
    const char* name = listing->nameOf(entry);
    if (!isDirectory(*directory, *listing, entry)) continue;
    entry.type = DT_DIR;
    if (isValidUtf8(name))
      pending_.push_back({name, directory});
    else
      skip(*directory, name, SkipReason::invalidUtf8, "the name is not valid UTF-8");
  }
  std::reverse(pending_.begin() + static_cast<ptrdiff_t>(firstPending), pending_.end());
  pool_.start(directory->descriptor.number(), *listing);
  entriesAhead_ += listing->entries.size();
  listed_.push_back({std::move(directory), std::move(listing)});
  return Status::ok();
}

// Some file systems do not say in the listing what an entry is, and a link may lead to a directory.
bool Scanner::isDirectory(const OpenDirectory& directory, const Listing& listing, const Listing::Entry& entry) const {
  if (entry.type != DT_UNKNOWN && !(entry.type == DT_LNK && follow_)) return entry.type == DT_DIR;
  const Listing::Facts facts = examineEntry(directory.descriptor.number(), listing.nameOf(entry), follow_);
  return facts.statError == 0 && S_ISDIR(facts.mode);
}

Status Scanner::takeOldest() {
  ListedDirectory oldest = std::move(listed_.front());
  listed_.pop_front();
  Listing& listing = *oldest.listing;
  pool_.finish(listing);
  entriesAhead_ -= listing.entries.size();
  for (size_t index = 0; index < listing.entries.size(); index++) {
    const Listing::Entry& entry = listing.entries[index];
    if (entry.type != DT_DIR) DISKFERRY_TRY(takeEntry(*oldest.directory, listing.nameOf(entry), listing.facts[index]));
  }
  return Status::ok();
}

Status Scanner::takeEntry(const OpenDirectory& directory, const char* name, Listing::Facts facts) {
  if (!isValidUtf8(name)) {
    skip(directory, name, SkipReason::invalidUtf8, "the name is not valid UTF-8");
    return Status::ok();
  }
  if (facts.statError == 0 && S_ISLNK(facts.mode)) {
    if (!follow_) {
      skip(directory, name, SkipReason::symlink, "a symbolic link");
      return Status::ok();
    }
    facts = examineEntry(directory.descriptor.number(), name, true);
    if (facts.statError != 0) {
      const SkipReason reason = facts.statError == ELOOP ? SkipReason::loop : SkipReason::unreadable;
      skip(directory, name, reason, std::string("the link cannot be followed: ") + std::strerror(facts.statError));
      return Status::ok();
    }
  }
  if (facts.statError != 0)
    skip(directory, name, SkipReason::unreadable, std::strerror(facts.statError));
  else if (S_ISREG(facts.mode))
    return takeFile(directory, name, facts);
  else if (S_ISDIR(facts.mode))
    skip(directory, name, SkipReason::unreadable, "it became a directory while the tree was read");
  else
    skip(directory, name, SkipReason::special,
         S_ISFIFO(facts.mode)   ? "a pipe"
         : S_ISSOCK(facts.mode) ? "a socket"
                                : "a device");
  return Status::ok();
}

Status Scanner::takeFile(const OpenDirectory& directory, const char* name, const Listing::Facts& facts) {
  if (facts.accessError != 0) {
    skip(directory, name, SkipReason::unreadable,
         std::string("the file cannot be read: ") + std::strerror(facts.accessError));
    return Status::ok();
  }
  // Offsets into the name columns are 32 bits wide.
  if (tree_.fileNames.bytes.size() > UINT32_MAX - 256 || tree_.directoryNames.bytes.size() > UINT32_MAX - 256)
    return Status(ErrorCode::OUT_OF_MEMORY, "the names of all files together have more than 4 GiB");
  tree_.fileDirectory.push_back(directory.index);
  tree_.fileNames.push(name);
  tree_.fileSizeBytes.push_back(static_cast<double>(facts.sizeBytes));
  tree_.fileModifiedNs.push_back(facts.modifiedNs);
  return Status::ok();
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

}  // namespace diskferry
