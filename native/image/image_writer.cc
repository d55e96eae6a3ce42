#include "image/image_writer.h"

#include <algorithm>
#include <cstring>

#include "io/aligned_buffer.h"
#include "little_endian.h"

namespace diskferry::image {

namespace {

constexpr size_t kChunkBytes = 4 << 20;
constexpr size_t kChunks = 4;

}  // namespace

ImageWriter::ImageWriter(const std::string& path, Container container, uint64_t contentBytes,
                         std::function<void(const Status&)> fail)
    : container_(container),
      contentBytes_(contentBytes),
      chunks_(container == Container::lz4 ? kChunks : 1, kChunkBytes),
      file_(path, std::move(fail)) {}

Status ImageWriter::open(ImagePosition resume) {
  if (!chunks_.isValid()) return Status(ErrorCode::OUT_OF_MEMORY, "no memory for the buffers of an image");
  DISKFERRY_TRY(file_.open(resume.imageBytes, resume));
  whole_ = resume;
  imageBytes_ = resume.imageBytes;
  // Whole from the start: a mark may stand behind zeros, which are never written.
  if (container_ == Container::raw) return file_.truncate(contentBytes_);
  chunkOffsetBytes_ = resume.imageBytes / kIoAlignmentBytes * kIoAlignmentBytes;
  if (!haveChunk()) return Status(ErrorCode::INTERNAL, "an image begins without a buffer");
  if (resume.imageBytes == 0) {
    const lz4::FrameHeader header = lz4::makeFrameHeader(contentBytes_);
    put(header);
    whole_.imageBytes = imageBytes_;
    return Status::ok();
  }
  chunkUsedBytes_ = resume.imageBytes - chunkOffsetBytes_;
  return file_.read(chunkOffsetBytes_, chunk_->memory().first(chunkUsedBytes_));
}

bool ImageWriter::haveChunk() {
  if (!chunk_.has_value()) chunk_ = chunks_.lease();
  return chunk_.has_value();
}

void ImageWriter::append(PackedBlock packed) {
  const Block& block = *packed.block;
  if (container_ == Container::raw) {
    whole_ = {block.number + 1, block.offsetBytes() + block.content.size()};
    imageBytes_ = whole_.imageBytes;
    const auto bytes = block.isZeros ? std::span<const std::byte>() : block.content;
    file_.write({block.offsetBytes(), bytes, {}, std::move(packed.block), whole_});
    return;
  }
  if (packed.zeros != nullptr) {
    put(*packed.zeros);
  } else {
    std::array<std::byte, 4> number;
    store32(number.data(), packed.field);
    put(number);
    put(packed.stored);
    store32(number.data(), packed.checksum);
    put(number);
  }
  whole_ = {block.number + 1, imageBytes_};
}

void ImageWriter::put(std::span<const std::byte> bytes) {
  imageBytes_ += bytes.size();
  while (!bytes.empty() && haveChunk()) {
    const size_t length = std::min(bytes.size(), kChunkBytes - chunkUsedBytes_);
    std::memcpy(chunk_->memory().data() + chunkUsedBytes_, bytes.data(), length);
    chunkUsedBytes_ += length;
    bytes = bytes.subspan(length);
    if (chunkUsedBytes_ == kChunkBytes) writeChunk();
  }
}

void ImageWriter::writeChunk() {
  const std::span<const std::byte> bytes = chunk_->memory().first(chunkUsedBytes_);
  file_.write({chunkOffsetBytes_, bytes, std::move(*chunk_), nullptr, whole_});
  chunk_.reset();
  chunkOffsetBytes_ += bytes.size();
  chunkUsedBytes_ = 0;
}

Status ImageWriter::finish(bool isComplete) {
  if (container_ == Container::lz4) {
    constexpr std::array<std::byte, lz4::kEndMarkBytes> kEndMark{};
    if (isComplete) put(kEndMark);
    if (chunk_.has_value() && chunkUsedBytes_ > 0) writeChunk();
    chunk_.reset();
  }
  file_.finish();
  return Status::ok();
}

}  // namespace diskferry::image
