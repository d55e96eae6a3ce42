#include "image/image_source.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "image/device_reader.h"
#include "image/foreign_reader.h"
#include "image/stored_reader.h"
#include "io/block_device.h"
#include "little_endian.h"
#include "lz4/block_codec.h"

namespace diskferry::image {

namespace {

// Content size in the header of any frame; nothing where it does not tell.
std::optional<uint64_t> toldSize(const ImageFile& file) {
  constexpr unsigned kHasContentSize = 1 << 3;
  std::array<std::byte, 14> start{};
  auto there = file.read(0, start);
  if (!there.isOk() || there.value() != start.size() || load32(start.data()) != lz4::kFrameMagic) return std::nullopt;
  if ((std::to_integer<unsigned>(start[4]) & kHasContentSize) == 0) return std::nullopt;
  return load64(start.data() + 6);
}

}  // namespace

Result<std::shared_ptr<ImageSource>> ImageSource::open(const SourcePlace& place) {
  auto file = ImageFile::open(place.path);
  if (!file.isOk()) return file.status();
  auto source = std::make_shared<ImageSource>();
  source->kind_ = place.kind;
  source->file_ = file.take();
  if (place.kind == SourceKind::foreign) {
    source->sizeBytes_ = toldSize(*source->file_);
  } else {
    source->sizeBytes_ = place.sizeBytes;
    DISKFERRY_TRY(place.kind == SourceKind::raw ? source->openRaw(place) : source->openIndexed(place));
  }
  return source;
}

Status ImageSource::openIndexed(const SourcePlace& place) {
  std::array<std::byte, lz4::kHeaderBytes> header{};
  auto there = file_->read(0, header);
  if (!there.isOk()) return there.status();
  auto told = lz4::parseFrameHeader(std::span(header).first(there.value()));
  if (!told.isOk()) return Status(told.status().code(), place.path + ": " + told.status().message());
  if (told.value() != place.sizeBytes)
    return Status(ErrorCode::IMAGE_INVALID, place.path + ": its frame is one of " + std::to_string(told.value()) +
                                                " bytes, its description one of " + std::to_string(place.sizeBytes));
  auto index = ImageIndex::parse(place.index, place.sizeBytes, false);
  if (!index.isOk()) return Status(index.status().code(), place.path + ": " + index.status().message());
  places_ = index.value().places();
  if (places_.back() + lz4::kEndMarkBytes > file_->sizeBytes())
    return Status(ErrorCode::IMAGE_INVALID, place.path + ": has " + std::to_string(file_->sizeBytes()) +
                                                " bytes; its index needs " +
                                                std::to_string(places_.back() + lz4::kEndMarkBytes));
  std::array<std::byte, lz4::kEndMarkBytes> endMark{};
  if (there = file_->read(places_.back(), endMark); !there.isOk()) return there.status();
  if (load32(endMark.data()) != 0)
    return Status(ErrorCode::IMAGE_INVALID, place.path + ": has no end mark at offset " +
                                                std::to_string(places_.back()) + ", behind its last block");
  index_ = std::make_shared<const ImageIndex>(index.take());
  return Status::ok();
}

Status ImageSource::openRaw(const SourcePlace& place) {
  offsetBytes_ = place.offsetBytes;
  const uint64_t there = file_->sizeBytes();
  if (place.offsetBytes > there || place.sizeBytes > there - place.offsetBytes)
    return Status(ErrorCode::IMAGE_INVALID, place.path + ": has " + std::to_string(there) + " bytes, expected " +
                                                std::to_string(place.sizeBytes) + " from offset " +
                                                std::to_string(place.offsetBytes) + " on");
  if (place.index.empty()) return Status::ok();
  auto index = ImageIndex::parse(place.index, place.sizeBytes, true);
  if (!index.isOk()) return Status(index.status().code(), place.path + ": " + index.status().message());
  index_ = std::make_shared<const ImageIndex>(index.take());
  return Status::ok();
}

Result<std::unique_ptr<ContentReader>> ImageSource::stream(const StreamOptions& options) const {
  if (kind_ == SourceKind::foreign)
    return std::unique_ptr<ContentReader>(
        std::make_unique<ForeignReader>(file_, options.pool, options.limitBytesPerSecond));
  if (kind_ == SourceKind::indexed)
    return std::unique_ptr<ContentReader>(std::make_unique<StoredReader>(StoredReaderOptions{
        file_, *sizeBytes_, index_, options.blocks, UINT64_MAX, options.pool, options.limitBytesPerSecond}));
  auto device = BlockDevice::open(file_->path(), DeviceOptions{});
  if (!device.isOk()) return device.status();
  DeviceReaderOptions reading;
  reading.device = device.take();
  reading.startBytes = offsetBytes_;
  reading.sizeBytes = *sizeBytes_;
  reading.blocks = options.blocks;
  reading.limitBytesPerSecond = options.limitBytesPerSecond;
  reading.pool = options.pool;
  reading.ioEngine = options.ioEngine;
  return std::unique_ptr<ContentReader>(std::make_unique<DeviceReader>(std::move(reading)));
}

Status ImageSource::read(uint64_t offsetBytes, std::span<std::byte> into) const {
  if (kind_ == SourceKind::foreign)
    return Status(ErrorCode::DEVICE_UNSUPPORTED, file_->path() + ": has no index; it can only be read from its start");
  if (offsetBytes > *sizeBytes_ || into.size() > *sizeBytes_ - offsetBytes)
    return Status(ErrorCode::DEVICE_RANGE, file_->path() + ": " + std::to_string(into.size()) + " bytes at offset " +
                                               std::to_string(offsetBytes) + " are not in its " +
                                               std::to_string(*sizeBytes_));
  if (kind_ == SourceKind::indexed) return readIndexed(offsetBytes, into);
  for (size_t done = 0; done < into.size();) {
    auto there = file_->read(offsetBytes_ + offsetBytes + done, into.subspan(done));
    if (!there.isOk()) return there.status();
    if (there.value() == 0) return deviceReadFailure(file_->path(), offsetBytes + done, into.size() - done, EIO);
    done += there.value();
  }
  return Status::ok();
}

Status ImageSource::readIndexed(uint64_t offsetBytes, std::span<std::byte> into) const {
  std::vector<std::byte> part;
  for (size_t done = 0; done < into.size();) {
    const uint64_t at = offsetBytes + done, number = at / kBlockBytes;
    const uint32_t within = at % kBlockBytes, length = lz4::blockLength(*sizeBytes_, number);
    const size_t wanted = std::min<size_t>(into.size() - done, length - within);
    if (wanted == length) {
      DISKFERRY_TRY(readBlock(number, into.subspan(done, length)));
    } else {
      part.resize(length);
      DISKFERRY_TRY(readBlock(number, part));
      std::memcpy(into.data() + done, part.data() + within, wanted);
    }
    done += wanted;
  }
  return Status::ok();
}

Status ImageSource::readBlock(uint64_t number, std::span<std::byte> content) const {
  const uint64_t place = places_[number];
  std::vector<std::byte> stored(places_[number + 1] - place);
  const std::string name =
      file_->path() + ": block " + std::to_string(number) + ", at offset " + std::to_string(place) + " of the image: ";
  auto there = file_->read(place, stored);
  if (!there.isOk()) return there.status();
  const uint32_t field = index_->record(number).field;
  if (there.value() != stored.size() || load32(stored.data()) != field)
    return Status(ErrorCode::IMAGE_DAMAGED, name + "it is not the one of the index");
  const size_t length = stored.size() - lz4::kBlockFrameBytes;
  const Status unpacked = lz4::unpackBlock(field, std::span(stored).subspan(lz4::kBlockHeadBytes, length),
                                           load32(stored.data() + lz4::kBlockHeadBytes + length), content);
  return unpacked.isOk() ? unpacked : Status(unpacked.code(), name + unpacked.message());
}

}  // namespace diskferry::image
