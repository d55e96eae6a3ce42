#include "image/ranges.h"

#include <algorithm>

namespace diskferry::image {

Status checkRanges(const std::vector<Range>& ranges, uint64_t sizeBytes, uint32_t sectorBytes) {
  uint64_t end = 0;
  for (const Range& range : ranges) {
    if (range.offsetBytes < end || range.lengthBytes == 0 || range.offsetBytes > sizeBytes ||
        range.lengthBytes > sizeBytes - range.offsetBytes || range.offsetBytes % sectorBytes != 0 ||
        range.lengthBytes % sectorBytes != 0)
      return Status(ErrorCode::INTERNAL, "the range of " + std::to_string(range.lengthBytes) + " bytes at offset " +
                                             std::to_string(range.offsetBytes) + " is not one of " +
                                             std::to_string(sizeBytes) + " bytes in sectors, behind the one before");
    end = range.endBytes();
  }
  return Status::ok();
}

void RangeCursor::within(const Range& whole, std::vector<Range>& parts) {
  parts.clear();
  while (next_ < ranges_.size() && ranges_[next_].endBytes() <= whole.offsetBytes) next_++;
  for (size_t at = next_; at < ranges_.size() && ranges_[at].offsetBytes < whole.endBytes(); at++) {
    const uint64_t start = std::max(ranges_[at].offsetBytes, whole.offsetBytes);
    parts.push_back({start, std::min(ranges_[at].endBytes(), whole.endBytes()) - start});
  }
}

}  // namespace diskferry::image
