// Puts packed blocks, in order, into an image: one LZ4 frame, or the content itself with holes for zeros.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "image/file_writer.h"

namespace diskferry::image {

enum class Container { lz4, raw };

// A block as a frame has it. For a raw image only `block` counts.
struct PackedBlock {
  BlockPtr block;
  uint32_t field = 0;  // its length field
  uint32_t checksum = 0;
  std::span<const std::byte> stored;
  BufferPool::Lease buffer;                             // what `stored` lies in; or
  std::shared_ptr<const std::vector<std::byte>> zeros;  // field, bytes and checksum at once
};

class ImageWriter {
 public:
  ImageWriter(const std::string& path, Container container, uint64_t contentBytes,
              std::function<void(const Status&)> fail);

  // Begins behind the blocks that are there.
  Status open(ImagePosition resume);
  void append(PackedBlock packed);
  // Writes out what is there, with the end of the image when all blocks are; returns when it is written.
  Status finish(bool isComplete);

  ImagePosition written() const { return file_.written(); }
  Status flush() { return file_.flush(); }
  // Length of the image so far.
  uint64_t imageBytes() const { return imageBytes_; }

 private:
  void put(std::span<const std::byte> bytes);
  void writeChunk();
  bool haveChunk();

  const Container container_;
  const uint64_t contentBytes_;
  BufferPool chunks_;
  FileWriter file_;
  std::optional<BufferPool::Lease> chunk_;
  uint64_t chunkOffsetBytes_ = 0;
  size_t chunkUsedBytes_ = 0;
  std::atomic<uint64_t> imageBytes_{0};
  ImagePosition whole_;  // up to the last block that was appended
};

}  // namespace diskferry::image
