#include "bitlocker/volume.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "io/aligned_buffer.h"

namespace diskferry::bitlocker {

namespace {

// Requests are cut to this length: long enough for a disk, short enough that a piece is still in the cache when the
// cipher gets it.
constexpr uint64_t kPieceBytes = 1 << 20;

}  // namespace

Volume::Volume(std::shared_ptr<Sectors> device, uint64_t volumeOffsetBytes, uint64_t volumeBytes, uint32_t sectorBytes,
               RegionOffsets regions, CipherMethod method, std::shared_ptr<const SectorCipher> cipher)
    : device_(std::move(device)),
      volumeOffsetBytes_(volumeOffsetBytes),
      volumeBytes_(volumeBytes),
      sectorBytes_(sectorBytes),
      regions_(regions),
      method_(method),
      cipher_(std::move(cipher)),
      hidden_{Range{regions.metadata[0], kMetadataBytes}, Range{regions.metadata[1], kMetadataBytes},
              Range{regions.metadata[2], kMetadataBytes}, Range{regions.header, regions.headerBytes}} {
  std::sort(hidden_.begin(), hidden_.end(), [](Range a, Range b) { return a.offsetBytes < b.offsetBytes; });
}

Status Volume::checkRange(uint64_t offsetBytes, uint64_t lengthBytes) const {
  if (offsetBytes % sectorBytes_ != 0 || lengthBytes % sectorBytes_ != 0 || offsetBytes > volumeBytes_ ||
      lengthBytes > volumeBytes_ - offsetBytes)
    return Status(ErrorCode::DEVICE_RANGE, "volume: range " + std::to_string(offsetBytes) + "+" +
                                               std::to_string(lengthBytes) + " is outside its " +
                                               std::to_string(volumeBytes_) + " bytes or not aligned to " +
                                               std::to_string(sectorBytes_));
  return Status::ok();
}

Volume::Piece Volume::pieceAt(uint64_t offsetBytes, uint64_t lengthBytes) const {
  // The relocated start comes first: no region lies inside it.
  if (offsetBytes < regions_.headerBytes)
    return {false, regions_.header + offsetBytes, std::min(lengthBytes, regions_.headerBytes - offsetBytes)};
  for (const Range& hidden : hidden_) {
    uint64_t end = hidden.offsetBytes + hidden.lengthBytes;
    if (end <= offsetBytes) continue;
    if (hidden.offsetBytes <= offsetBytes) return {true, offsetBytes, std::min(lengthBytes, end - offsetBytes)};
    return {false, offsetBytes, std::min(lengthBytes, hidden.offsetBytes - offsetBytes)};
  }
  return {false, offsetBytes, lengthBytes};
}

Status Volume::read(uint64_t offsetBytes, std::span<std::byte> into) {
  DISKFERRY_TRY(checkRange(offsetBytes, into.size()));
  while (!into.empty()) {
    Piece piece = pieceAt(offsetBytes, std::min<uint64_t>(into.size(), kPieceBytes));
    std::span<std::byte> part = into.first(piece.lengthBytes);
    if (piece.isHidden) {
      std::memset(part.data(), 0, part.size());
    } else {
      DISKFERRY_TRY(device_->read(volumeOffsetBytes_ + piece.storedOffsetBytes, part));
      cipher_->decrypt(piece.storedOffsetBytes, part);
    }
    offsetBytes += piece.lengthBytes;
    into = into.subspan(piece.lengthBytes);
  }
  return Status::ok();
}

Status Volume::write(uint64_t offsetBytes, std::span<const std::byte> from) {
  DISKFERRY_TRY(checkRange(offsetBytes, from.size()));
  if (from.empty()) return Status::ok();
  AlignedBuffer bounce(std::min<uint64_t>(from.size(), kPieceBytes));
  while (!from.empty()) {
    Piece piece = pieceAt(offsetBytes, std::min<uint64_t>(from.size(), kPieceBytes));
    if (!piece.isHidden) {
      std::span<std::byte> part = bounce.bytes().first(piece.lengthBytes);
      std::memcpy(part.data(), from.data(), part.size());
      cipher_->encrypt(piece.storedOffsetBytes, part);
      DISKFERRY_TRY(device_->write(volumeOffsetBytes_ + piece.storedOffsetBytes, part));
    }
    offsetBytes += piece.lengthBytes;
    from = from.subspan(piece.lengthBytes);
  }
  return Status::ok();
}

Status Volume::flush() { return device_->flush(); }

bool Volume::touchesRegion(uint64_t offsetBytes, uint64_t lengthBytes) const {
  if (lengthBytes == 0) return false;
  if (offsetBytes < regions_.headerBytes) return true;
  return std::any_of(hidden_.begin(), hidden_.end(), [&](const Range& hidden) {
    if (hidden.offsetBytes <= offsetBytes) return offsetBytes < hidden.offsetBytes + hidden.lengthBytes;
    return hidden.offsetBytes - offsetBytes < lengthBytes;
  });
}

}  // namespace diskferry::bitlocker
