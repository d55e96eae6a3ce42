#include "engine/source_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "io/aligned_buffer.h"
#include "io/file_time.h"

namespace diskferry::engine {

namespace {

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
                           sources_->path(file_) + ": " + what, systemError);
}

Status SourceFile::open(SourceDirectory& directory) {
  const int parent = directory.open(*sources_, sources_->fileDirectory[file_]);
  if (parent < 0) return failure("its directory cannot be opened", -parent);
  const std::string name(sources_->fileNames.at(file_));
  // O_NONBLOCK: if it was replaced by a pipe, opening must not hang.
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  descriptor_ = FileDescriptor(::openat(parent, name.c_str(), flags | O_DIRECT));
  if (!descriptor_.isOpen() && errno == EINVAL) descriptor_ = FileDescriptor(::openat(parent, name.c_str(), flags));
  if (!descriptor_.isOpen()) return failure("cannot be opened", errno);
  return recheck();
}

Status SourceFile::recheck() const {
  struct stat now;
  if (::fstat(descriptor_.number(), &now) != 0) return failure("cannot be examined", errno);
  if (!S_ISREG(now.st_mode)) return changed("is no longer a regular file");
  if (static_cast<uint64_t>(now.st_size) != sizeBytes_)
    return changed("had " + std::to_string(sizeBytes_) + " bytes when it was planned, has " +
                   std::to_string(now.st_size) + " now");
  const int64_t planned = sources_->modifiedNs[file_];
  const int64_t modified = nanosecondsSince1970(now.st_mtim.tv_sec, now.st_mtim.tv_nsec);
  if (modified != planned)
    return changed("was modified at " + seconds(planned) + " when it was planned, at " + seconds(modified) + " now");
  return Status::ok();
}

Status SourceFile::changed(const std::string& what) const {
  return Status(ErrorCode::SOURCE_CHANGED, sources_->path(file_) + ": " + what);
}

size_t directLength(size_t length) { return (length + kIoAlignmentBytes - 1) / kIoAlignmentBytes * kIoAlignmentBytes; }

Status SourceFile::read(uint64_t offsetBytes, std::span<std::byte> data, size_t scratchBytes) const {
  const size_t wanted = directLength(data.size()) <= scratchBytes ? directLength(data.size()) : data.size();
  for (size_t done = 0; done < data.size();) {
    const ssize_t moved =
        ::pread(descriptor_.number(), data.data() + done, wanted - done, static_cast<off_t>(offsetBytes + done));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0 && errno == EINVAL) {
      // The file system wants another alignment than we have, or took O_DIRECT without meaning it.
      const int flags = ::fcntl(descriptor_.number(), F_GETFL);
      if ((flags & O_DIRECT) != 0 && ::fcntl(descriptor_.number(), F_SETFL, flags & ~O_DIRECT) == 0) continue;
      errno = EINVAL;
    }
    if (moved < 0) return failure("cannot be read", errno);
    done += static_cast<size_t>(moved);
    // A direct read that is not whole blocks has met the end of the file; the next one would be refused.
    if (done < data.size() && (moved == 0 || done % kIoAlignmentBytes != 0)) {
      const int flags = ::fcntl(descriptor_.number(), F_GETFL);
      if (moved > 0 && (flags & O_DIRECT) == 0) continue;
      return changed("had " + std::to_string(sizeBytes_) + " bytes when it was planned, ends at " +
                     std::to_string(offsetBytes + done) + " now");
    }
  }
  return Status::ok();
}

}  // namespace diskferry::engine
