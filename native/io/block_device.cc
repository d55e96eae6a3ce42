#include "io/block_device.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <mutex>

#include "io/aligned_buffer.h"

namespace diskferry {

namespace {

// Memory for O_DIRECT must be a multiple of the queue's dma_alignment + 1, which is 512 at most on every known driver.
constexpr uintptr_t kMemoryAlignmentBytes = 512;
constexpr size_t kBounceBytes = 1 << 20;
// One system call moves at most 2 GiB less one page; smaller pieces also keep the kernel's pinned pages bounded.
constexpr size_t kRequestBytesMax = 16 << 20;

std::string rangeText(uint64_t offset, uint64_t length) {
  return std::to_string(length) + " bytes at offset " + std::to_string(offset);
}

bool isAligned(const std::byte* memory) { return reinterpret_cast<uintptr_t>(memory) % kMemoryAlignmentBytes == 0; }

bool isReadOnlyDevice(const std::string& path) {
  FileDescriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  int readOnly = 0;
  return descriptor.isOpen() && ::ioctl(descriptor.number(), BLKROGET, &readOnly) == 0 && readOnly != 0;
}

Status openFailure(const std::string& path, const DeviceOptions& options, int error) {
  const std::string what = path + ": cannot be opened for " + (options.write ? "writing" : "reading");
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
    case ENODEV:
    case ENOMEDIUM:
      return Status::fromErrno(ErrorCode::DEVICE_NOT_FOUND, what, error);
    case EACCES:
    case EPERM:
      // A write-protected drive gives EACCES just like missing rights do.
      if (options.write && isReadOnlyDevice(path))
        return Status(ErrorCode::DEVICE_READ_ONLY, path + ": the device is read-only", error);
      return Status::fromErrno(ErrorCode::DEVICE_ACCESS_DENIED, what, error);
    case EROFS:
      return Status::fromErrno(ErrorCode::DEVICE_READ_ONLY, what, error);
    case EBUSY:
    case ETXTBSY:
      return Status(ErrorCode::DEVICE_IN_USE, path + ": in use: mounted, or held by another program", error);
    default:
      return Status::fromErrno(ErrorCode::DEVICE_UNSUPPORTED, what, error);
  }
}

}  // namespace

Status deviceWriteFailure(const std::string& path, uint64_t offsetBytes, uint64_t lengthBytes, int systemError) {
  const bool full = systemError == ENOSPC || systemError == EDQUOT || systemError == EFBIG;
  return Status::fromErrno(full ? ErrorCode::DEVICE_FULL : ErrorCode::DEVICE_WRITE_FAILED,
                           path + ": writing " + rangeText(offsetBytes, lengthBytes) + " failed", systemError);
}

Status deviceReadFailure(const std::string& path, uint64_t offsetBytes, uint64_t lengthBytes, int systemError) {
  return Status::fromErrno(ErrorCode::DEVICE_READ_FAILED,
                           path + ": reading " + rangeText(offsetBytes, lengthBytes) + " failed", systemError);
}

Result<std::shared_ptr<BlockDevice>> BlockDevice::open(const std::string& path, const DeviceOptions& options) {
  if (options.fileSectorBytes != 512 && options.fileSectorBytes != 4096)
    return Status(ErrorCode::DEVICE_UNSUPPORTED, path + ": a sector has 512 or 4096 bytes");
  std::shared_ptr<BlockDevice> device(new BlockDevice(path));
  DISKFERRY_TRY(device->openDescriptors(options));
  DISKFERRY_TRY(device->measure(options));
  return device;
}

Status BlockDevice::openDescriptors(const DeviceOptions& options) {
  struct stat found;
  // Before open(), because opening a FIFO or a tape would block or have an effect.
  if (::stat(path_.c_str(), &found) != 0) return openFailure(path_, options, errno);
  if (!S_ISBLK(found.st_mode) && !S_ISREG(found.st_mode))
    return Status(ErrorCode::DEVICE_UNSUPPORTED, path_ + ": neither a block device nor a regular file");
  kind_ = S_ISBLK(found.st_mode) ? DeviceKind::block : DeviceKind::file;
  writable_ = options.write;
  const int access = (options.write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY;
  // O_EXCL without O_CREAT claims a block device: EBUSY when it is mounted or claimed. Without it a write to a mounted
  // device succeeds silently.
  const bool claim = kind_ == DeviceKind::block && options.write;
  buffered_ = FileDescriptor(::open(path_.c_str(), access | (claim ? O_EXCL : 0)));
  if (!buffered_.isOpen()) return openFailure(path_, options, errno);
  struct stat opened;
  if (::fstat(buffered_.number(), &opened) != 0 || (opened.st_mode & S_IFMT) != (found.st_mode & S_IFMT))
    return Status(ErrorCode::DEVICE_UNSUPPORTED, path_ + ": was replaced while it was opened");
  int readOnly = 0;
  if (claim && ::ioctl(buffered_.number(), BLKROGET, &readOnly) == 0 && readOnly != 0)
    return Status(ErrorCode::DEVICE_READ_ONLY, path_ + ": the device is read-only");
  if (kind_ == DeviceKind::file && options.write && ::flock(buffered_.number(), LOCK_EX | LOCK_NB) != 0)
    return Status(ErrorCode::DEVICE_IN_USE, path_ + ": another run writes this image file", errno);
  if (options.wantDirect) {
    // Through /proc, so that it is the same file even if the path was replaced. A claim is per open file, and a second
    // one by the same process for the same holder is refused: only the first open carries O_EXCL.
    const std::string same = "/proc/self/fd/" + std::to_string(buffered_.number());
    direct_ = FileDescriptor(::open(same.c_str(), access | O_DIRECT));
  }
  return Status::ok();
}

Status BlockDevice::measure(const DeviceOptions& options) {
  if (kind_ == DeviceKind::block) {
    int logical = 0;
    unsigned physical = 0;
    uint64_t size = 0;
    if (::ioctl(buffered_.number(), BLKSSZGET, &logical) != 0 ||
        ::ioctl(buffered_.number(), BLKPBSZGET, &physical) != 0 ||
        ::ioctl(buffered_.number(), BLKGETSIZE64, &size) != 0)
      return Status::fromErrno(ErrorCode::DEVICE_UNSUPPORTED, path_ + ": its size cannot be read", errno);
    if (logical != 512 && logical != 4096)
      return Status(ErrorCode::DEVICE_UNSUPPORTED,
                    path_ + ": has sectors of " + std::to_string(logical) + " bytes, expected 512 or 4096");
    sectorBytes_ = static_cast<uint32_t>(logical);
    physicalSectorBytes_ = std::max(physical, sectorBytes_);
    sizeBytes_ = size / sectorBytes_ * sectorBytes_;
    directAlignmentBytes_ = direct() ? sectorBytes_ : 1;
    zeroesItself_ = writable_ && findZeroing();
    return Status::ok();
  }
  struct stat file;
  if (::fstat(buffered_.number(), &file) != 0)
    return Status::fromErrno(ErrorCode::DEVICE_UNSUPPORTED, path_ + ": its size cannot be read", errno);
  sectorBytes_ = physicalSectorBytes_ = options.fileSectorBytes;
  sizeBytes_ = static_cast<uint64_t>(file.st_size) / sectorBytes_ * sectorBytes_;
  if (!direct()) return Status::ok();
  // What the file system really grants: some open with O_DIRECT and refuse every request, some want 4096.
  AlignedBuffer probe(kIoAlignmentBytes);
  for (uint32_t alignment : {512u, 4096u}) {
    directAlignmentBytes_ = alignment;
    if (::pread(direct_.number(), probe.data(), alignment, alignment) >= 0) return Status::ok();
  }
  direct_.reset();
  directAlignmentBytes_ = 1;
  return Status::ok();
}

Status BlockDevice::checkRange(const char* verb, uint64_t offsetBytes, uint64_t lengthBytes) const {
  if (!buffered_.isOpen()) return Status(ErrorCode::DEVICE_NOT_FOUND, path_ + ": is closed");
  if (offsetBytes % sectorBytes_ != 0 || lengthBytes % sectorBytes_ != 0)
    return Status(ErrorCode::DEVICE_RANGE, path_ + ": cannot " + verb + " " + rangeText(offsetBytes, lengthBytes) +
                                               ", which are not whole sectors of " + std::to_string(sectorBytes_) +
                                               " bytes");
  if (offsetBytes > sizeBytes_ || lengthBytes > sizeBytes_ - offsetBytes)
    return Status(ErrorCode::DEVICE_RANGE, path_ + ": cannot " + verb + " " + rangeText(offsetBytes, lengthBytes) +
                                               ", beyond the end at " + std::to_string(sizeBytes_));
  return Status::ok();
}

int BlockDevice::descriptorFor(uint64_t offsetBytes, uint64_t lengthBytes) const {
  const bool fits = direct() && offsetBytes % directAlignmentBytes_ == 0 && lengthBytes % directAlignmentBytes_ == 0;
  return fits ? direct_.number() : buffered_.number();
}

Status BlockDevice::read(uint64_t offsetBytes, std::span<std::byte> into) {
  std::shared_lock open(closing_);
  DISKFERRY_TRY(checkRange("read", offsetBytes, into.size()));
  if (isAligned(into.data()) || !direct()) return transferRead(offsetBytes, into);
  AlignedBuffer bounce(std::min(into.size(), kBounceBytes));
  for (size_t done = 0; done < into.size(); done += kBounceBytes) {
    auto piece = into.subspan(done, std::min(kBounceBytes, into.size() - done));
    DISKFERRY_TRY(transferRead(offsetBytes + done, bounce.bytes().first(piece.size())));
    std::memcpy(piece.data(), bounce.data(), piece.size());
  }
  return Status::ok();
}

Status BlockDevice::write(uint64_t offsetBytes, std::span<const std::byte> from) {
  std::shared_lock open(closing_);
  DISKFERRY_TRY(checkRange("write", offsetBytes, from.size()));
  if (!writable_) return Status(ErrorCode::DEVICE_READ_ONLY, path_ + ": was opened for reading");
  if (isAligned(from.data()) || !direct()) return transferWrite(offsetBytes, from);
  AlignedBuffer bounce(std::min(from.size(), kBounceBytes));
  for (size_t done = 0; done < from.size(); done += kBounceBytes) {
    auto piece = from.subspan(done, std::min(kBounceBytes, from.size() - done));
    std::memcpy(bounce.data(), piece.data(), piece.size());
    DISKFERRY_TRY(transferWrite(offsetBytes + done, bounce.bytes().first(piece.size())));
  }
  return Status::ok();
}

Status BlockDevice::transferRead(uint64_t offsetBytes, std::span<std::byte> into) {
  for (size_t done = 0; done < into.size();) {
    const size_t length = std::min(into.size() - done, kRequestBytesMax);
    const int descriptor = descriptorFor(offsetBytes + done, length);
    const ssize_t moved = ::pread(descriptor, into.data() + done, length, static_cast<off_t>(offsetBytes + done));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return deviceReadFailure(path_, offsetBytes + done, length, errno);
    // A short transfer goes on at a sector boundary; none at all means that the file was cut.
    const size_t whole = static_cast<size_t>(moved) / sectorBytes_ * sectorBytes_;
    if (whole == 0) return deviceReadFailure(path_, offsetBytes + done, length, EIO);
    done += whole;
  }
  return Status::ok();
}

Status BlockDevice::transferWrite(uint64_t offsetBytes, std::span<const std::byte> from) {
  for (size_t done = 0; done < from.size();) {
    const size_t length = std::min(from.size() - done, kRequestBytesMax);
    const int descriptor = descriptorFor(offsetBytes + done, length);
    const ssize_t moved = ::pwrite(descriptor, from.data() + done, length, static_cast<off_t>(offsetBytes + done));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return deviceWriteFailure(path_, offsetBytes + done, length, errno);
    const size_t whole = static_cast<size_t>(moved) / sectorBytes_ * sectorBytes_;
    if (whole == 0) return deviceWriteFailure(path_, offsetBytes + done, length, ENOSPC);
    done += whole;
  }
  return Status::ok();
}

Status BlockDevice::flush() {
  std::shared_lock open(closing_);
  if (!buffered_.isOpen()) return Status(ErrorCode::DEVICE_NOT_FOUND, path_ + ": is closed");
  // O_DIRECT does not reach past the drive's own cache; fdatasync does, and reports write-back errors.
  if (::fdatasync(buffered_.number()) != 0)
    return Status::fromErrno(ErrorCode::DEVICE_FLUSH_FAILED, path_ + ": flushing its cache failed", errno);
  return Status::ok();
}

// The kernel zeroes any block device, but one that cannot do it itself gets pages of zeros, one call after the other: a
// queue of writes is faster. Of a partition the queue is that of its disk.
bool BlockDevice::findZeroing() const {
  struct stat status {};
  if (::fstat(buffered_.number(), &status) != 0) return false;
  const std::string device =
      "/sys/dev/block/" + std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
  for (const char* place : {"/queue/write_zeroes_max_bytes", "/../queue/write_zeroes_max_bytes"}) {
    std::ifstream limit(device + place);
    if (uint64_t bytes = 0; limit >> bytes) return bytes > 0;
  }
  return false;
}

Status BlockDevice::zero(uint64_t offsetBytes, uint64_t lengthBytes, Zeroing zeroing) {
  std::shared_lock open(closing_);
  DISKFERRY_TRY(checkRange("zero", offsetBytes, lengthBytes));
  if (isHole(offsetBytes, lengthBytes)) return Status::ok();
  const bool keepsRoom = zeroing == Zeroing::keepsRoom;
  if (keepsRoom && kind_ == DeviceKind::block && !zeroesItself_)
    return Status(ErrorCode::DEVICE_UNSUPPORTED, path_ + ": does not zero ranges itself");
  // Of block devices too, since Linux 4.9: blkdev_fallocate in block/fops.c.
  const int mode = FALLOC_FL_KEEP_SIZE | (keepsRoom ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);
  if (::fallocate(buffered_.number(), mode, static_cast<off_t>(offsetBytes), static_cast<off_t>(lengthBytes)) == 0)
    return Status::ok();
  if (errno == EOPNOTSUPP || errno == EINVAL || errno == ENOTTY || errno == ENOSYS)
    return Status::fromErrno(ErrorCode::DEVICE_UNSUPPORTED, path_ + ": cannot zero ranges", errno);
  return deviceWriteFailure(path_, offsetBytes, lengthBytes, errno);
}

bool BlockDevice::isHole(uint64_t offsetBytes, uint64_t lengthBytes) const {
  if (kind_ != DeviceKind::file) return false;
  const off_t data = ::lseek(buffered_.number(), static_cast<off_t>(offsetBytes), SEEK_DATA);
  if (data < 0) return errno == ENXIO;  // no data from there on
  return static_cast<uint64_t>(data) >= offsetBytes + lengthBytes;
}

void BlockDevice::close() {
  std::unique_lock alone(closing_);
  direct_.reset();
  buffered_.reset();
}

}  // namespace diskferry
