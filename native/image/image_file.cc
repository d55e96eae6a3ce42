#include "image/image_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "io/aligned_buffer.h"

namespace diskferry::image {

Result<std::shared_ptr<ImageFile>> ImageFile::open(const std::string& path) {
  auto file = std::make_shared<ImageFile>();
  file->path_ = path;
  file->buffered_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file->buffered_.isOpen()) {
    const bool isDenied = errno == EACCES || errno == EPERM;
    return Status::fromErrno(isDenied ? ErrorCode::DEVICE_ACCESS_DENIED : ErrorCode::FILE_NOT_FOUND,
                             path + ": cannot be opened", errno);
  }
  struct stat found;
  if (::fstat(file->buffered_.number(), &found) != 0 || !S_ISREG(found.st_mode))
    return Status(ErrorCode::IMAGE_INVALID, path + ": an image is a regular file");
  file->sizeBytes_ = static_cast<uint64_t>(found.st_size);
  ::posix_fadvise(file->buffered_.number(), 0, 0, POSIX_FADV_SEQUENTIAL);
  file->direct_ = FileDescriptor(
      ::open(("/proc/self/fd/" + std::to_string(file->buffered_.number())).c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
  return file;
}

Result<size_t> ImageFile::read(uint64_t offsetBytes, std::span<std::byte> into) const {
  return readFrom(buffered_.number(), offsetBytes, into);
}

Result<size_t> ImageFile::readDirect(uint64_t offsetBytes, std::span<std::byte> into) const {
  if (direct_.isOpen()) {
    auto rounded = into.first(into.size() / kIoAlignmentBytes * kIoAlignmentBytes);
    auto done = readFrom(direct_.number(), offsetBytes, rounded);
    if (done.isOk() || done.status().systemError() != EINVAL) return done;
  }
  return read(offsetBytes, into);
}

Result<size_t> ImageFile::readFrom(int descriptor, uint64_t offsetBytes, std::span<std::byte> into) const {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t moved =
        ::pread(descriptor, into.data() + done, into.size() - done, static_cast<off_t>(offsetBytes + done));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0)
      return Status::fromErrno(ErrorCode::SOURCE_READ_FAILED,
                               path_ + ": reading " + std::to_string(into.size() - done) + " bytes at offset " +
                                   std::to_string(offsetBytes + done) + " failed",
                               errno);
    done += static_cast<size_t>(moved);
    // The end; also the last part of a direct read, after which the offset would not be aligned.
    if (moved == 0 || done % kIoAlignmentBytes != 0) break;
  }
  return done;
}

}  // namespace diskferry::image
