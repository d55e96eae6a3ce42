#include "image/file_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "io/aligned_buffer.h"
#include "io/block_device.h"

namespace diskferry::image {

namespace {

// One thread writes while the next piece is on its way to the device.
constexpr size_t kThreads = 2;

Status openFailure(const std::string& path, int error) {
  ErrorCode code = ErrorCode::DEVICE_WRITE_FAILED;
  if (error == ENOENT || error == ENOTDIR) code = ErrorCode::DEVICE_NOT_FOUND;
  if (error == EACCES || error == EPERM) code = ErrorCode::DEVICE_ACCESS_DENIED;
  if (error == EROFS) code = ErrorCode::DEVICE_READ_ONLY;
  if (error == ENOSPC || error == EDQUOT) code = ErrorCode::DEVICE_FULL;
  return Status::fromErrno(code, path + ": cannot be opened for writing", error);
}

}  // namespace

FileWriter::FileWriter(std::string path, std::function<void(const Status&)> fail)
    : path_(std::move(path)), fail_(std::move(fail)) {}

FileWriter::~FileWriter() {
  pieces_.stop();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

Status FileWriter::open(uint64_t lengthBytes, ImagePosition at) {
  buffered_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666));
  if (!buffered_.isOpen()) return openFailure(path_, errno);
  struct stat found;
  if (::fstat(buffered_.number(), &found) != 0 || !S_ISREG(found.st_mode))
    return Status(ErrorCode::DEVICE_UNSUPPORTED, path_ + ": an image is a regular file");
  if (::flock(buffered_.number(), LOCK_EX | LOCK_NB) != 0)
    return Status(ErrorCode::DEVICE_IN_USE, path_ + ": another run writes this image", errno);
  if (static_cast<uint64_t>(found.st_size) < lengthBytes)
    return Status(ErrorCode::IMAGE_DAMAGED, path_ + ": has " + std::to_string(found.st_size) +
                                                " bytes, expected at least the " + std::to_string(lengthBytes) +
                                                " that were marked");
  DISKFERRY_TRY(truncate(lengthBytes));
  direct_ = FileDescriptor(
      ::open(("/proc/self/fd/" + std::to_string(buffered_.number())).c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
  written_ = at;
  for (size_t thread = 0; thread < kThreads; thread++) threads_.emplace_back([this] { work(); });
  return Status::ok();
}

void FileWriter::write(Piece piece) {
  const uint64_t number = nextNumber_++;
  pieces_.put({number, std::move(piece)});
}

void FileWriter::finish() {
  pieces_.close();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

ImagePosition FileWriter::written() const {
  std::lock_guard lock(mutex_);
  return written_;
}

void FileWriter::work() {
  while (auto numbered = pieces_.take()) {
    auto& [number, piece] = *numbered;
    {
      std::lock_guard lock(mutex_);
      if (isFailed_) continue;
    }
    Status status = writeOut(piece);
    bool isNews = false;
    {
      std::lock_guard lock(mutex_);
      if (status.isOk()) {
        outOfOrder_.emplace(number, piece.then);
        for (auto next = outOfOrder_.begin(); next != outOfOrder_.end() && next->first == nextDone_;
             next = outOfOrder_.begin()) {
          written_ = next->second;
          outOfOrder_.erase(next);
          nextDone_++;
        }
      } else {
        isNews = !isFailed_;
        isFailed_ = true;
      }
    }
    if (isNews) fail_(status);
  }
}

Status FileWriter::writeOut(const Piece& piece) const {
  bool isDirect = direct_.isOpen();
  for (size_t done = 0; done < piece.bytes.size();) {
    const uint64_t offset = piece.offsetBytes + done;
    auto rest = piece.bytes.subspan(done);
    const bool isAligned = offset % kIoAlignmentBytes == 0 && rest.size() >= kIoAlignmentBytes;
    const bool direct = isDirect && isAligned;
    const size_t length = direct ? rest.size() / kIoAlignmentBytes * kIoAlignmentBytes : rest.size();
    const ssize_t moved =
        ::pwrite((direct ? direct_ : buffered_).number(), rest.data(), length, static_cast<off_t>(offset));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0 && errno == EINVAL && direct) {
      isDirect = false;  // some file systems grant O_DIRECT and refuse every request
      continue;
    }
    if (moved <= 0) return deviceWriteFailure(path_, offset, length, moved < 0 ? errno : ENOSPC);
    done += static_cast<size_t>(moved);
  }
  return Status::ok();
}

Status FileWriter::flush() {
  if (::fdatasync(buffered_.number()) != 0)
    return Status::fromErrno(ErrorCode::DEVICE_FLUSH_FAILED, path_ + ": making it durable failed", errno);
  return Status::ok();
}

Status FileWriter::truncate(uint64_t lengthBytes) {
  if (::ftruncate(buffered_.number(), static_cast<off_t>(lengthBytes)) != 0)
    return deviceWriteFailure(path_, lengthBytes, 0, errno);
  return Status::ok();
}

Status FileWriter::read(uint64_t offsetBytes, std::span<std::byte> into) {
  for (size_t done = 0; done < into.size();) {
    const ssize_t moved =
        ::pread(buffered_.number(), into.data() + done, into.size() - done, static_cast<off_t>(offsetBytes + done));
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) return deviceReadFailure(path_, offsetBytes + done, into.size() - done, moved < 0 ? errno : EIO);
    done += static_cast<size_t>(moved);
  }
  return Status::ok();
}

}  // namespace diskferry::image
