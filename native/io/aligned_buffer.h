// Memory that O_DIRECT accepts: page-aligned, whole pages, freed with its owner.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

namespace diskferry {

inline constexpr size_t kIoAlignmentBytes = 4096;

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // The memory is not cleared. Its size is rounded up to whole pages; bytes() has the length that was asked for.
  explicit AlignedBuffer(size_t lengthBytes)
      : data_(static_cast<std::byte*>(std::aligned_alloc(kIoAlignmentBytes, roundUp(lengthBytes)))),
        length_(lengthBytes) {
    if (data_ == nullptr) std::abort();
  }

  std::span<std::byte> bytes() { return {data_.get(), length_}; }
  std::span<const std::byte> bytes() const { return {data_.get(), length_}; }
  std::byte* data() { return data_.get(); }
  size_t size() const { return length_; }

 private:
  struct Free {
    void operator()(std::byte* pointer) const { std::free(pointer); }
  };
  static size_t roundUp(size_t length) {
    return (length + kIoAlignmentBytes - 1) / kIoAlignmentBytes * kIoAlignmentBytes +
           (length == 0 ? kIoAlignmentBytes : 0);
  }

  std::unique_ptr<std::byte, Free> data_;
  size_t length_ = 0;
};

}  // namespace diskferry
