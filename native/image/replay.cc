#include "image/replay.h"

#include <array>

#include "image/image_source.h"
#include "image/stored_reader.h"

namespace diskferry::image {

Result<std::unique_ptr<Replay>> Replay::open(ReplayOptions options) {
  std::unique_ptr<Replay> replay(new Replay(std::move(options)));
  auto reader = replay->openReader();
  if (!reader.isOk()) return reader.status();
  replay->reader_ = reader.take();
  return replay;
}

Result<std::unique_ptr<ContentReader>> Replay::openReader() const {
  if (options_.container == Container::raw) {
    auto source = ImageSource::open({options_.path, SourceKind::raw, {}, 0, options_.mark.imageBytes});
    if (!source.isOk()) return source.status();
    return source.value()->stream({{}, options_.pool, 0, options_.ioEngine});
  }
  auto file = ImageFile::open(options_.path);
  if (!file.isOk()) return file.status();
  std::array<std::byte, lz4::kHeaderBytes> header{};
  auto there = file.value()->read(0, header);
  if (!there.isOk()) return there.status();
  auto size = lz4::parseFrameHeader(std::span(header).first(there.value()));
  if (!size.isOk() || size.value() != options_.sizeBytes)
    return Status(ErrorCode::IMAGE_DAMAGED, options_.path + ": does not begin with the frame of a device of " +
                                                std::to_string(options_.sizeBytes) + " bytes");
  return std::unique_ptr<ContentReader>(std::make_unique<StoredReader>(
      StoredReaderOptions{file.take(), options_.sizeBytes, nullptr, {}, options_.mark.blocks, options_.pool, 0}));
}

bool Replay::take(const Block& block, IndexRecord& record) {
  damage_ = block.damage;
  if (!damage_.isOk()) return false;
  const Range whole{block.offsetBytes(), block.content.size()};
  skipped_.within(whole, parts_);
  const bool isSkipped = parts_.size() == 1 && parts_.front().lengthBytes == whole.lengthBytes;
  if (block.isZeros) record.kind = isSkipped ? BlockKind::skipped : BlockKind::zeros;
  const bool isRaw = options_.container == Container::raw;
  record.field = isRaw ? static_cast<uint32_t>(whole.lengthBytes) : block.field;
  there_ = {block.number + 1, isRaw ? whole.endBytes() : block.imageEndBytes};
  return true;
}

Status Replay::judge(const Status& reading) const {
  if (!damage_.isOk()) return Status(damage_.code(), options_.path + ": " + damage_.message());
  DISKFERRY_TRY(reading);
  const ImagePosition& mark = options_.mark;
  if (there_.blocks == mark.blocks && there_.imageBytes == mark.imageBytes) return Status::ok();
  return Status(ErrorCode::IMAGE_DAMAGED, options_.path + ": has " + std::to_string(there_.blocks) + " blocks in " +
                                              std::to_string(there_.imageBytes) + " bytes, expected " +
                                              std::to_string(mark.blocks) + " in " + std::to_string(mark.imageBytes));
}

}  // namespace diskferry::image
