// The file of an image, open for reading: past the page cache where the place allows it.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "io/file_descriptor.h"
#include "status.h"

namespace diskferry::image {

class ImageFile {
 public:
  // FILE_NOT_FOUND, DEVICE_ACCESS_DENIED, IMAGE_INVALID (no regular file).
  static Result<std::shared_ptr<ImageFile>> open(const std::string& path);

  const std::string& path() const { return path_; }
  uint64_t sizeBytes() const { return sizeBytes_; }

  // Through the page cache. Returns the bytes that are there: less than asked for at the end. SOURCE_READ_FAILED.
  Result<size_t> read(uint64_t offsetBytes, std::span<std::byte> into) const;
  // Past it, if offset and memory are aligned to 4096; the length is rounded up to that, within `into`.
  Result<size_t> readDirect(uint64_t offsetBytes, std::span<std::byte> into) const;

 private:
  Result<size_t> readFrom(int descriptor, uint64_t offsetBytes, std::span<std::byte> into) const;

  std::string path_;
  uint64_t sizeBytes_ = 0;
  FileDescriptor buffered_;
  FileDescriptor direct_;
};

}  // namespace diskferry::image
