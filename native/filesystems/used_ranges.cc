#include "filesystems/used_ranges.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace diskferry::filesystems {

namespace {

constexpr uint64_t kFirstGapBytes = 4096;

// The first bit at or after `from` that is `wanted`, or `count`.
uint64_t nextBit(std::span<const std::byte> bits, uint64_t from, uint64_t count, bool wanted) {
  while (from < count) {
    uint64_t byte = from / 64 * 8;
    uint64_t word = 0;
    std::memcpy(&word, bits.data() + byte, std::min<uint64_t>(8, bits.size() - byte));
    if (!wanted) word = ~word;
    word &= ~uint64_t{0} << (from % 64);
    if (word != 0) return std::min(count, from / 64 * 64 + static_cast<unsigned>(std::countr_zero(word)));
    from = from / 64 * 64 + 64;
  }
  return count;
}

}  // namespace

void RangeCollector::add(uint64_t offsetBytes, uint64_t lengthBytes) {
  if (lengthBytes == 0 || offsetBytes >= limitBytes_) return;
  lengthBytes = std::min(lengthBytes, limitBytes_ - offsetBytes);
  if (!ranges_.empty()) {
    ByteRange& last = ranges_.back();
    if (offsetBytes >= last.offsetBytes && offsetBytes <= last.end() + gapBytes_) {
      last.lengthBytes = std::max(last.end(), offsetBytes + lengthBytes) - last.offsetBytes;
      return;
    }
  }
  if (ranges_.size() >= rangesMax_) compact();
  ranges_.push_back({offsetBytes, lengthBytes});
}

uint64_t RangeCollector::addSetBits(std::span<const std::byte> bits, uint64_t bitCount, uint64_t firstOffsetBytes,
                                    uint64_t unitBytes) {
  bitCount = std::min<uint64_t>(bitCount, bits.size() * 8);
  uint64_t setCount = 0;
  for (uint64_t bit = 0;;) {
    uint64_t start = nextBit(bits, bit, bitCount, true);
    if (start == bitCount) return setCount;
    bit = nextBit(bits, start, bitCount, false);
    setCount += bit - start;
    add(firstOffsetBytes + start * unitBytes, (bit - start) * unitBytes);
  }
}

std::vector<ByteRange> RangeCollector::take() {
  mergeNear();
  return std::move(ranges_);
}

void RangeCollector::compact() {
  mergeNear();
  while (ranges_.size() > rangesMax_ / 2) {
    gapBytes_ = std::max(kFirstGapBytes, gapBytes_ * 2);
    mergeNear();
  }
}

void RangeCollector::mergeNear() {
  std::ranges::sort(ranges_, {}, &ByteRange::offsetBytes);
  size_t kept = 0;
  for (const ByteRange& range : ranges_) {
    if (kept > 0 && range.offsetBytes <= ranges_[kept - 1].end() + gapBytes_) {
      ByteRange& last = ranges_[kept - 1];
      last.lengthBytes = std::max(last.end(), range.end()) - last.offsetBytes;
    } else {
      ranges_[kept++] = range;
    }
  }
  ranges_.resize(kept);
}

}  // namespace diskferry::filesystems
