#include "image/foreign_reader.h"

#include <array>
#include <vector>

#include "image/zeros.h"
#include "little_endian.h"

namespace diskferry::image {

namespace {

constexpr size_t kInputBytes = 1 << 20;
constexpr uint32_t kSkippableMagic = 0x184D2A50;  // and the fifteen behind it

}  // namespace

void ForeignReader::stop() {
  isStopped_ = true;
  pace_.stop();
}

Status ForeignReader::checkStart() const {
  std::array<std::byte, 4> start{};
  auto there = file_->read(0, start);
  if (!there.isOk()) return there.status();
  const uint32_t magic = load32(start.data());
  if (there.value() == start.size() && (magic == lz4::kFrameMagic || (magic & ~15u) == kSkippableMagic))
    return Status::ok();
  if (magic == lz4::kLegacyMagic)
    return Status(ErrorCode::IMAGE_INVALID, file_->path() + ": has the legacy form of LZ4; lz4 -d unpacks it");
  return Status(ErrorCode::IMAGE_INVALID, file_->path() + ": is no LZ4 file");
}

Status ForeignReader::run(const Emit& emit) {
  DISKFERRY_TRY(checkStart());
  input_.resize(kInputBytes);
  for (uint64_t number = 0; !isStopped_; number++) {
    auto buffer = pool_->lease();
    if (!buffer.has_value()) break;
    size_t filled = 0;
    DISKFERRY_TRY(fill(buffer->memory(), filled));
    if (filled == 0 || isStopped_) break;
    pace_.wait(filled);
    auto block = std::make_shared<Block>();
    block->sequence = block->number = number;
    block->content = buffer->memory().first(filled);
    if (isZeros(block->content)) {
      block->isZeros = true;
      block->content = sharedZeros().first(filled);
    } else {
      padWithZeros(buffer->memory(), filled);
      block->buffer = std::move(*buffer);
    }
    if (!emit(std::move(block)) || filled < kBlockBytes) break;
  }
  return Status::ok();
}

// A whole block, or less at the end of the content.
Status ForeignReader::fill(std::span<std::byte> into, size_t& filled) {
  while (filled < into.size() && !isStopped_) {
    if (rest_.empty()) {
      auto there = file_->read(offsetBytes_, input_);
      if (!there.isOk()) return there.status();
      offsetBytes_ += there.value();
      rest_ = std::span<const std::byte>(input_).first(there.value());
    }
    auto step = decoder_.decode(rest_, into.subspan(filled));
    if (!step.isOk())
      return Status(step.status().code(),
                    file_->path() + ": before offset " + std::to_string(offsetBytes_) + ": " + step.status().message());
    const bool wasAtEndOfFile = rest_.empty();
    rest_ = rest_.subspan(step.value().takenBytes);
    filled += step.value().madeBytes;
    if (!wasAtEndOfFile || step.value().madeBytes > 0) continue;
    if (decoder_.isAtEnd()) return Status::ok();
    return Status(ErrorCode::IMAGE_DAMAGED,
                  file_->path() + ": ends in the middle of an LZ4 frame, at offset " + std::to_string(offsetBytes_));
  }
  return Status::ok();
}

}  // namespace diskferry::image
