// The index of an image: for each block where it is, what it is, and the MD5 of its content. Bytes of it come from
// files that anybody may have made, so every number is checked before it is used.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hash/md5_lanes.h"
#include "image/ranges.h"
#include "lz4/frame.h"

namespace diskferry::image {

enum class BlockKind : uint8_t { data, zeros, skipped, unreadable };

struct IndexRecord {
  uint32_t field = 0;  // the block's length field; in a raw image the length of its content
  BlockKind kind = BlockKind::data;
  Md5Digest digest{};
};

inline constexpr size_t kIndexHeadBytes = 16;
inline constexpr size_t kIndexRecordBytes = 24;

class ImageIndex {
 public:
  ImageIndex() = default;
  explicit ImageIndex(std::vector<IndexRecord> records) : records_(std::move(records)) {}

  // What encode() made for a content of that size. `isRaw`: of a raw image. IMAGE_INVALID for everything else.
  static Result<ImageIndex> parse(std::span<const std::byte> bytes, uint64_t contentBytes, bool isRaw);
  std::vector<std::byte> encode() const;

  size_t blockCount() const { return records_.size(); }
  const IndexRecord& record(uint64_t block) const { return records_[block]; }
  std::vector<IndexRecord>& records() { return records_; }
  // Blocks that hold a part of `range` are of kind unreadable.
  void markUnreadable(const Range& range);

  // Where each block's length field is in an LZ4 image, and, last, where the end mark is.
  std::vector<uint64_t> places() const;

 private:
  std::vector<IndexRecord> records_;
};

}  // namespace diskferry::image
