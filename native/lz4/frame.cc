#include "lz4/frame.h"

#include <cstring>
#include <string>

#include "little_endian.h"
#include "lz4/xxh32.h"

namespace diskferry::lz4 {

namespace {

// Version 01, independent blocks, block checksums, content size; no content checksum, no dictionary.
constexpr std::byte kFlags{0b01'1'1'1'0'0'0};
constexpr std::byte kBlockMaximum{7 << 4};  // 4 MiB
// No device is as large; numbers up to here also fit JavaScript's.
constexpr uint64_t kContentBytesMax = uint64_t{1} << 53;

}  // namespace

FrameHeader makeFrameHeader(uint64_t contentBytes) {
  FrameHeader header;
  store32(header.data(), kFrameMagic);
  header[4] = kFlags;
  header[5] = kBlockMaximum;
  store64(header.data() + 6, contentBytes);
  header[14] = static_cast<std::byte>(xxh32(std::span(header).subspan(4, 10)) >> 8);
  return header;
}

Result<uint64_t> parseFrameHeader(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes || load32(bytes.data()) != kFrameMagic)
    return Status(ErrorCode::IMAGE_INVALID, "it does not begin with the header of an LZ4 frame");
  const uint64_t contentBytes = load64(bytes.data() + 6);
  const FrameHeader wanted = makeFrameHeader(contentBytes);
  if (std::memcmp(bytes.data(), wanted.data(), wanted.size()) != 0)
    return Status(ErrorCode::IMAGE_INVALID,
                  "its LZ4 frame is not one of independent blocks of 4 MiB with checksums and the content's size");
  if (contentBytes > kContentBytesMax)
    return Status(ErrorCode::IMAGE_INVALID, "its frame tells a size of " + std::to_string(contentBytes) + " bytes");
  return contentBytes;
}

}  // namespace diskferry::lz4
