// An image that is open: any range of its content, or all of it as a stream of blocks.
#pragma once

#include <memory>

#include "image/block.h"
#include "image/image_file.h"
#include "image/image_index.h"
#include "io/io_queue.h"

namespace diskferry::image {

enum class SourceKind { indexed, foreign, raw };

struct SourcePlace {
  std::string path;
  SourceKind kind = SourceKind::indexed;
  std::span<const std::byte> index;  // as ImageIndex::encode() made it; optional for raw
  uint64_t offsetBytes = 0;          // raw: where the content begins
  uint64_t sizeBytes = 0;            // of the content; foreign: not known
};

struct StreamOptions {
  std::vector<uint32_t> blocks;  // only these, ascending; empty: all
  std::shared_ptr<BufferPool> pool;
  uint64_t limitBytesPerSecond = 0;
  IoEngine ioEngine = IoEngine::automatic;
};

class ImageSource {
 public:
  // FILE_NOT_FOUND, DEVICE_ACCESS_DENIED, IMAGE_INVALID.
  static Result<std::shared_ptr<ImageSource>> open(const SourcePlace& place);

  SourceKind kind() const { return kind_; }
  // Of the content. A foreign source tells what its first frame's header says, if it does.
  std::optional<uint64_t> sizeBytes() const { return sizeBytes_; }
  const std::shared_ptr<const ImageIndex>& index() const { return index_; }  // null where there is none

  // IMAGE_DAMAGED, DEVICE_RANGE, DEVICE_UNSUPPORTED (foreign), SOURCE_READ_FAILED.
  Status read(uint64_t offsetBytes, std::span<std::byte> into) const;
  Result<std::unique_ptr<ContentReader>> stream(const StreamOptions& options) const;

 private:
  Status readIndexed(uint64_t offsetBytes, std::span<std::byte> into) const;
  Status readBlock(uint64_t number, std::span<std::byte> content) const;
  Status openIndexed(const SourcePlace& place);
  Status openRaw(const SourcePlace& place);

  SourceKind kind_ = SourceKind::indexed;
  std::shared_ptr<ImageFile> file_;
  uint64_t offsetBytes_ = 0;
  std::optional<uint64_t> sizeBytes_;
  std::shared_ptr<const ImageIndex> index_;
  std::vector<uint64_t> places_;
};

}  // namespace diskferry::image
