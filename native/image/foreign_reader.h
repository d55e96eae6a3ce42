// The content of an LZ4 file that another program made: any frames, one after the other, by one thread from the start.
#pragma once

#include <atomic>

#include "image/block.h"
#include "image/image_file.h"
#include "image/pace.h"
#include "lz4/frame_decoder.h"

namespace diskferry::image {

class ForeignReader final : public ContentReader {
 public:
  ForeignReader(std::shared_ptr<ImageFile> file, std::shared_ptr<BufferPool> pool, uint64_t limitBytesPerSecond)
      : file_(std::move(file)), pool_(std::move(pool)), pace_(limitBytesPerSecond) {}

  // IMAGE_INVALID when it is no LZ4 file, IMAGE_DAMAGED when it is not whole, SOURCE_READ_FAILED.
  Status run(const Emit& emit) override;
  void stop() override;

 private:
  Status checkStart() const;
  Status fill(std::span<std::byte> into, size_t& filled);

  std::shared_ptr<ImageFile> file_;
  std::shared_ptr<BufferPool> pool_;
  Pace pace_;
  std::atomic<bool> isStopped_{false};
  lz4::FrameDecoder decoder_;
  std::vector<std::byte> input_;
  std::span<const std::byte> rest_;  // of the input, not decoded yet
  uint64_t offsetBytes_ = 0;         // of the file, read so far
};

}  // namespace diskferry::image
