// Ranges of a device, by offset, without overlap.
#pragma once

#include <cstdint>
#include <vector>

#include "status.h"

namespace diskferry::image {

struct Range {
  uint64_t offsetBytes = 0;
  uint64_t lengthBytes = 0;

  uint64_t endBytes() const { return offsetBytes + lengthBytes; }
};

// INTERNAL when they overlap, are not ascending, leave [0, sizeBytes) or are not whole sectors.
Status checkRanges(const std::vector<Range>& ranges, uint64_t sizeBytes, uint32_t sectorBytes);

// Walks ascending ranges along with ascending questions.
class RangeCursor {
 public:
  explicit RangeCursor(std::vector<Range> ranges) : ranges_(std::move(ranges)) {}
  // The parts of the ranges that lie in `whole`. Calls come with ascending `whole`.
  void within(const Range& whole, std::vector<Range>& parts);

 private:
  std::vector<Range> ranges_;
  size_t next_ = 0;
};

}  // namespace diskferry::image
