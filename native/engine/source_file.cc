#include "engine/source_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "io/aligned_buffer.h"
#include "io/file_time.h"

namespace diskferry::engine {

namespace {

// From this size on a direct read costs less than the copy out of the page cache, and does not push out what others
// have there.
constexpr uint64_t kDirectFromBytes = 1 << 20;

std::string seconds(int64_t nanosecondsSince1970) {
  const std::string digits = std::to_string(nanosecondsSince1970);
  return digits.size() > 9 ? digits.substr(0, digits.size() - 9) + "." + digits.substr(digits.size() - 9)
                           : digits + " ns";
}

}  // namespace

int SourceDirectory::open(const SourceColumns& sources, uint32_t directory) {
  if (isOpen_ && directory == directory_) return descriptor_.number();
  isOpen_ = false;
  const std::string path(sources.directories.at(directory));
  descriptor_ = FileDescriptor(::open(path.empty() ? "/" : path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor_.isOpen()) return -errno;
  isOpen_ = true;
  directory_ = directory;
  return descriptor_.number();
}

Status SourceFile::failure(const char* what, int systemError) const {
  const bool gone = systemError == ENOENT || systemError == ENOTDIR || systemError == ESTALE;
  return Status::fromErrno(gone ? ErrorCode::SOURCE_CHANGED : ErrorCode::SOURCE_READ_FAILED,
                           sources_.path(file_) + ": " + what, systemError);
}

Status SourceFile::open(SourceDirectory& directory) {
  const int parent = directory.open(sources_, sources_.fileDirectory[file_]);
  if (parent < 0) return failure("its directory cannot be opened", -parent);
  const std::string name(sources_.fileNames.at(file_));
  // O_NONBLOCK: if it was replaced by a pipe, opening must not hang.
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  buffered_ = FileDescriptor(::openat(parent, name.c_str(), flags));
  if (!buffered_.isOpen()) return failure("cannot be opened", errno);
  DISKFERRY_TRY(compare());
  if (sizeBytes_ >= kDirectFromBytes) direct_ = FileDescriptor(::openat(parent, name.c_str(), flags | O_DIRECT));
  if (!direct_.isOpen()) return Status::ok();
  // Two opens may meet two files.
  struct stat first, second;
  if (::fstat(buffered_.number(), &first) != 0 || ::fstat(direct_.number(), &second) != 0 ||
      first.st_ino != second.st_ino || first.st_dev != second.st_dev)
    direct_.reset();
  return Status::ok();
}

Status SourceFile::compare() const {
  struct stat now;
  if (::fstat(buffered_.number(), &now) != 0) return failure("cannot be examined", errno);
  const std::string path = sources_.path(file_);
  if (!S_ISREG(now.st_mode)) return Status(ErrorCode::SOURCE_CHANGED, path + ": is no longer a regular file");
  if (static_cast<uint64_t>(now.st_size) != sizeBytes_)
    return Status(ErrorCode::SOURCE_CHANGED, path + ": had " + std::to_string(sizeBytes_) +
                                                 " bytes when it was planned, has " + std::to_string(now.st_size) +
                                                 " now");
  const int64_t modified = nanosecondsSince1970(now.st_mtim.tv_sec, now.st_mtim.tv_nsec);
  if (modified != sources_.modifiedNs[file_])
    return Status(ErrorCode::SOURCE_CHANGED, path + ": was modified at " + seconds(sources_.modifiedNs[file_]) +
                                                 " when it was planned, at " + seconds(modified) + " now");
  return Status::ok();
}

Status SourceFile::recheck() const { return compare(); }

Status SourceFile::read(uint64_t offsetBytes, std::span<std::byte> data, size_t scratchBytes) const {
  const size_t rounded = (data.size() + kIoAlignmentBytes - 1) / kIoAlignmentBytes * kIoAlignmentBytes;
  const bool isAligned = reinterpret_cast<uintptr_t>(data.data()) % kIoAlignmentBytes == 0 && rounded <= scratchBytes;
  size_t done = 0;
  while (direct_.isOpen() && isAligned && done < data.size()) {
    const ssize_t moved =
        ::pread(direct_.number(), data.data() + done, rounded - done, static_cast<off_t>(offsetBytes + done));
    if (moved < 0 && errno == EINTR) continue;
    // EINVAL: a file system that took O_DIRECT and wants another alignment. What is left is read through the cache,
    // which also tells the end of the file from an unaligned short read.
    if (moved <= 0 || moved % static_cast<ssize_t>(kIoAlignmentBytes) != 0) {
      if (moved < 0 && errno != EINVAL) return failure("cannot be read", errno);
      done += moved > 0 ? static_cast<size_t>(moved) : 0;
      break;
    }
    done += static_cast<size_t>(moved);
  }
  if (done >= data.size()) return Status::ok();
  return readBuffered(offsetBytes + done, data.subspan(done));
}

Status SourceFile::readBuffered(uint64_t offsetBytes, std::span<std::byte> data) const {
  for (size_t done = 0; done < data.size();) {
    const ssize_t moved =
        ::pread(buffered_.number(), data.data() + done, data.size() - done, static_cast<off_t>(offsetBytes + done));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return failure("cannot be read", errno);
    if (moved == 0)
      return Status(ErrorCode::SOURCE_CHANGED, sources_.path(file_) + ": had " + std::to_string(sizeBytes_) +
                                                   " bytes when it was planned, ends at " +
                                                   std::to_string(offsetBytes + done) + " now");
    done += static_cast<size_t>(moved);
  }
  return Status::ok();
}

}  // namespace diskferry::engine
