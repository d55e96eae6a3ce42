// A block device, loop device or regular file as Sectors: O_DIRECT where the system grants it, exclusive when written.
// A regular file is as good a drive as /dev/sdb. Alignment is settled here: memory of any alignment is accepted
// (through a bounce buffer), offsets and lengths that are not whole sectors are refused, never read-modify-written.
#pragma once

#include <memory>
#include <shared_mutex>
#include <string>

#include "io/file_descriptor.h"
#include "sectors.h"

namespace diskferry {

enum class DeviceKind { block, file };

// What becomes of the room of a range that is zeroed: it is kept, or given back (a discard, or a hole in a file).
enum class Zeroing { keepsRoom, givesBackRoom };

struct DeviceOptions {
  bool write = false;
  // Sector size that a regular file shows, 512 or 4096. A block device tells its own.
  uint32_t fileSectorBytes = 512;
  // False keeps the page cache in between; for tests.
  bool wantDirect = true;
};

class BlockDevice final : public Sectors {
 public:
  // The file or device exists and keeps its size. Opened for writing it belongs to this open alone: a block device that
  // is mounted or held by others, or an image file that another run writes, is DEVICE_IN_USE.
  // DEVICE_NOT_FOUND, DEVICE_ACCESS_DENIED, DEVICE_IN_USE, DEVICE_READ_ONLY, DEVICE_UNSUPPORTED.
  static Result<std::shared_ptr<BlockDevice>> open(const std::string& path, const DeviceOptions& options);

  uint64_t sizeBytes() const override { return sizeBytes_; }
  uint32_t sectorBytes() const override { return sectorBytes_; }
  uint32_t physicalSectorBytes() const { return physicalSectorBytes_; }
  DeviceKind kind() const { return kind_; }
  // Whether requests bypass the page cache.
  bool direct() const { return direct_.isOpen(); }
  const std::string& path() const { return path_; }

  Status read(uint64_t offsetBytes, std::span<std::byte> into) override;
  Status write(uint64_t offsetBytes, std::span<const std::byte> from) override;
  Status flush() override;
  // Makes whole sectors zeros without sending them: the drive, or the file system of a file, does it. Fails with
  // DEVICE_UNSUPPORTED where that is not to be had; the range may then be written. Holes of a file stay holes.
  Status zero(uint64_t offsetBytes, uint64_t lengthBytes, Zeroing zeroing);

  // Waits for calls that are running, then closes; every later call fails. Idempotent.
  void close();

  // For an IoQueue, which bypasses read() and write(): O_DIRECT when direct(). Its requests are multiples of
  // directAlignmentBytes() in offset, length and memory. -1 after close(); duplicate it to outlive close().
  int fileDescriptor() const { return direct() ? direct_.number() : buffered_.number(); }
  uint32_t directAlignmentBytes() const { return directAlignmentBytes_; }

 private:
  explicit BlockDevice(std::string path) : path_(std::move(path)) {}

  Status openDescriptors(const DeviceOptions& options);
  Status measure(const DeviceOptions& options);
  Status checkRange(const char* verb, uint64_t offsetBytes, uint64_t lengthBytes) const;
  bool findZeroing() const;
  bool isHole(uint64_t offsetBytes, uint64_t lengthBytes) const;
  int descriptorFor(uint64_t offsetBytes, uint64_t lengthBytes) const;
  Status transferRead(uint64_t offsetBytes, std::span<std::byte> into);
  Status transferWrite(uint64_t offsetBytes, std::span<const std::byte> from);

  std::string path_;
  DeviceKind kind_ = DeviceKind::file;
  bool writable_ = false;
  bool zeroesItself_ = false;  // of a block device that is written
  uint64_t sizeBytes_ = 0;
  uint32_t sectorBytes_ = 512;
  uint32_t physicalSectorBytes_ = 512;
  uint32_t directAlignmentBytes_ = 1;
  // Held shared during a transfer and alone by close(), so that no transfer meets a closed (and reused) descriptor.
  mutable std::shared_mutex closing_;
  FileDescriptor buffered_;  // always there: it carries the lock, and takes what O_DIRECT cannot
  FileDescriptor direct_;
};

// The failed write of `lengthBytes` at `offsetBytes`, as DEVICE_FULL or DEVICE_WRITE_FAILED.
Status deviceWriteFailure(const std::string& path, uint64_t offsetBytes, uint64_t lengthBytes, int systemError);
Status deviceReadFailure(const std::string& path, uint64_t offsetBytes, uint64_t lengthBytes, int systemError);

}  // namespace diskferry
