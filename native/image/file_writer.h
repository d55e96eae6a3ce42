// Writes pieces of a file past the page cache, a few at once, and knows up to where everything is written.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "image/block.h"
#include "image/channel.h"
#include "io/file_descriptor.h"

namespace diskferry::image {

// What of an image is there when everything up to here is.
struct ImagePosition {
  uint64_t blocks = 0;
  uint64_t imageBytes = 0;
};

class FileWriter {
 public:
  // `fail` is told the first failure, on a thread of the writer; nothing is written any more then.
  FileWriter(std::string path, std::function<void(const Status&)> fail);
  ~FileWriter();

  // Creates the file if needed, claims it, and cuts it to `lengthBytes`.
  // DEVICE_ACCESS_DENIED, DEVICE_NOT_FOUND (no such folder), DEVICE_IN_USE, DEVICE_WRITE_FAILED.
  Status open(uint64_t lengthBytes, ImagePosition at);

  // A piece and who holds its memory. `then`: what is there when this piece and all before it are written.
  struct Piece {
    uint64_t offsetBytes = 0;
    std::span<const std::byte> bytes;  // none: only the position moves
    BufferPool::Lease buffer;
    BlockPtr block;
    ImagePosition then;
  };
  void write(Piece piece);
  // When all pieces were put: returns when they are written, or have failed.
  void finish();

  ImagePosition written() const;
  Status flush();
  Status truncate(uint64_t lengthBytes);
  // Through the page cache: what lies behind the last whole page of a file that is continued.
  Status read(uint64_t offsetBytes, std::span<std::byte> into);

 private:
  struct Numbered {
    uint64_t number;
    Piece piece;
  };

  void work();
  Status writeOut(const Piece& piece) const;

  const std::string path_;
  const std::function<void(const Status&)> fail_;
  FileDescriptor buffered_;  // always there: it carries the lock, and takes what O_DIRECT cannot
  FileDescriptor direct_;
  Channel<Numbered> pieces_{64};
  uint64_t nextNumber_ = 0;

  mutable std::mutex mutex_;  // guards what follows
  bool isFailed_ = false;
  uint64_t nextDone_ = 0;
  std::map<uint64_t, ImagePosition> outOfOrder_;
  ImagePosition written_;

  std::vector<std::thread> threads_;
};

}  // namespace diskferry::image
