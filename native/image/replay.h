// What an interrupted capture left in its image, up to the mark that it goes on from. It is all unpacked once: that
// checks it, and the digests of the whole content need it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "image/file_writer.h"
#include "image/image_index.h"
#include "image/image_writer.h"
#include "io/io_queue.h"

namespace diskferry::image {

struct ReplayOptions {
  std::string path;
  Container container = Container::lz4;
  uint64_t sizeBytes = 0;  // of the device
  std::vector<Range> skip;
  ImagePosition mark;
  std::shared_ptr<BufferPool> pool;  // of 4 MiB
  IoEngine ioEngine = IoEngine::automatic;
};

class Replay {
 public:
  // FILE_NOT_FOUND, DEVICE_ACCESS_DENIED, SOURCE_READ_FAILED, IMAGE_DAMAGED when the image is not of such a device.
  static Result<std::unique_ptr<Replay>> open(ReplayOptions options);

  ContentReader& reader() { return *reader_; }
  // The next block of the reader, in order: fills in its record, but for the digest. False: it is damaged, and no more
  // is wanted.
  bool take(const Block& block, IndexRecord& record);
  // When reading ended with `reading`: that failure, or IMAGE_DAMAGED for a damaged block, or for an end that is not
  // the mark's.
  Status judge(const Status& reading) const;

 private:
  explicit Replay(ReplayOptions options) : options_(std::move(options)), skipped_(options_.skip) {}
  Result<std::unique_ptr<ContentReader>> openReader() const;

  const ReplayOptions options_;
  RangeCursor skipped_;
  std::vector<Range> parts_;
  std::unique_ptr<ContentReader> reader_;
  ImagePosition there_;
  Status damage_;
};

}  // namespace diskferry::image
