#include "image/image_index.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "little_endian.h"

namespace diskferry::image {

namespace {

constexpr char kMagic[4] = {'D', 'F', 'I', 'X'};
constexpr uint16_t kVersion = 1;
constexpr auto kKindMax = static_cast<uint8_t>(BlockKind::unreadable);

Status invalid(const std::string& what) { return Status(ErrorCode::IMAGE_INVALID, "the image's index " + what); }

}  // namespace

Result<ImageIndex> ImageIndex::parse(std::span<const std::byte> bytes, uint64_t contentBytes, bool isRaw) {
  if (bytes.size() < kIndexHeadBytes || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0)
    return invalid("does not begin with its mark");
  const uint16_t version = load16(bytes.data() + 4), recordBytes = load16(bytes.data() + 6);
  if (version != kVersion || recordBytes != kIndexRecordBytes)
    return invalid("has version " + std::to_string(version) + " and records of " + std::to_string(recordBytes) +
                   " bytes; this program knows version 1 with 24");
  const uint64_t count = load64(bytes.data() + 8);
  const uint64_t there = (bytes.size() - kIndexHeadBytes) / kIndexRecordBytes;
  if (count != lz4::blockCount(contentBytes) || count != there ||
      (bytes.size() - kIndexHeadBytes) % kIndexRecordBytes != 0)
    return invalid("tells " + std::to_string(count) + " blocks and has " + std::to_string(there) + ", expected " +
                   std::to_string(lz4::blockCount(contentBytes)));
  std::vector<IndexRecord> records(count);
  const std::byte* at = bytes.data() + kIndexHeadBytes;
  for (uint64_t block = 0; block < count; block++, at += kIndexRecordBytes) {
    IndexRecord& record = records[block];
    record.field = load32(at);
    const uint32_t length = lz4::blockLength(contentBytes, block);
    const auto kind = std::to_integer<uint8_t>(at[4]);
    const bool isPossible = isRaw ? record.field == length : lz4::isPossible(record.field, length);
    if (!isPossible || kind > kKindMax || (load32(at + 4) >> 8) != 0)
      return invalid("has an impossible record for block " + std::to_string(block) + ": length " +
                     std::to_string(lz4::storedBytes(record.field)) + ", kind " + std::to_string(kind));
    record.kind = static_cast<BlockKind>(kind);
    std::memcpy(record.digest.data(), at + 8, record.digest.size());
  }
  return ImageIndex(std::move(records));
}

std::vector<std::byte> ImageIndex::encode() const {
  std::vector<std::byte> bytes(kIndexHeadBytes + records_.size() * kIndexRecordBytes);
  std::memcpy(bytes.data(), kMagic, sizeof kMagic);
  store16(bytes.data() + 4, kVersion);
  store16(bytes.data() + 6, static_cast<uint16_t>(kIndexRecordBytes));
  store64(bytes.data() + 8, records_.size());
  std::byte* at = bytes.data() + kIndexHeadBytes;
  for (const IndexRecord& record : records_) {
    store32(at, record.field);
    store32(at + 4, static_cast<uint32_t>(record.kind));
    std::memcpy(at + 8, record.digest.data(), record.digest.size());
    at += kIndexRecordBytes;
  }
  return bytes;
}

void ImageIndex::markUnreadable(const Range& range) {
  if (range.lengthBytes == 0) return;
  const uint64_t last = std::min<uint64_t>((range.endBytes() - 1) / lz4::kBlockBytes + 1, records_.size());
  for (uint64_t block = range.offsetBytes / lz4::kBlockBytes; block < last; block++)
    records_[block].kind = BlockKind::unreadable;
}

std::vector<uint64_t> ImageIndex::places() const {
  std::vector<uint64_t> places;
  places.reserve(records_.size() + 1);
  uint64_t at = lz4::kHeaderBytes;
  for (const IndexRecord& record : records_) {
    places.push_back(at);
    at += lz4::storedBytes(record.field) + lz4::kBlockFrameBytes;
  }
  places.push_back(at);
  return places;
}

}  // namespace diskferry::image
