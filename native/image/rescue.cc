#include "image/rescue.h"

#include <algorithm>
#include <cstring>

namespace diskferry::image {

namespace {

// Small enough to lose little time over, large enough to pass a drive's own retries quickly.
constexpr size_t kPieceBytes = 64 << 10;

bool readSector(Sectors& device, uint64_t offset, std::span<std::byte> into, unsigned retries) {
  for (unsigned attempt = 0; attempt <= retries; attempt++)
    if (device.read(offset, into).isOk()) return true;
  return false;
}

void append(std::vector<Range>& ranges, uint64_t offset, uint64_t length) {
  if (!ranges.empty() && ranges.back().endBytes() == offset)
    ranges.back().lengthBytes += length;
  else
    ranges.push_back({offset, length});
}

}  // namespace

void rescue(Sectors& device, uint64_t offsetBytes, std::span<std::byte> into, unsigned retries,
            const std::atomic<bool>& stop, std::vector<Range>& unreadable) {
  const size_t sector = device.sectorBytes();
  for (size_t at = 0; at < into.size() && !stop; at += kPieceBytes) {
    auto piece = into.subspan(at, std::min(kPieceBytes, into.size() - at));
    if (device.read(offsetBytes + at, piece).isOk()) continue;
    for (size_t within = 0; within < piece.size() && !stop; within += sector) {
      auto place = piece.subspan(within, sector);
      if (readSector(device, offsetBytes + at + within, place, retries)) continue;
      std::memset(place.data(), 0, place.size());
      append(unreadable, offsetBytes + at + within, sector);
    }
  }
}

Status firstFailure(Sectors& device, uint64_t offsetBytes, std::span<std::byte> into) {
  const size_t sector = device.sectorBytes();
  for (size_t at = 0; at < into.size(); at += kPieceBytes) {
    auto piece = into.subspan(at, std::min(kPieceBytes, into.size() - at));
    if (device.read(offsetBytes + at, piece).isOk()) continue;
    for (size_t within = 0; within < piece.size(); within += sector)
      DISKFERRY_TRY(device.read(offsetBytes + at + within, piece.subspan(within, sector)));
  }
  return Status::ok();
}

}  // namespace diskferry::image
