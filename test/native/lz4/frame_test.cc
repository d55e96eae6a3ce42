// The frame of an image, byte by byte, and its blocks: what liblz4's own frame decoder makes of them, and what becomes
// of bytes that are not ours.
#include "lz4/frame.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>

#include "hex.h"
#include "little_endian.h"
#include "lz4/block_codec.h"
#include "lz4/frame_decoder.h"
#include "lz4/xxh32.h"

namespace diskferry::lz4 {

namespace {

std::vector<std::byte> someText(size_t length, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> text(length);
  for (std::byte& byte : text) byte = static_cast<std::byte>('a' + random() % 4);
  return text;
}

std::vector<std::byte> noise(size_t length, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(length);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void append32(std::vector<std::byte>& to, uint32_t value) {
  std::array<std::byte, 4> bytes;
  store32(bytes.data(), value);
  append(to, bytes);
}

// Everything through liblz4's frame decoder.
Result<std::vector<std::byte>> decodeAll(std::span<const std::byte> input, size_t most) {
  FrameDecoder decoder;
  std::vector<std::byte> output(most);
  size_t made = 0;
  while (!input.empty()) {
    auto step = decoder.decode(input, std::span(output).subspan(made));
    if (!step.isOk()) return step.status();
    if (step.value().takenBytes == 0 && step.value().madeBytes == 0) break;
    input = input.subspan(step.value().takenBytes);
    made += step.value().madeBytes;
  }
  if (!decoder.isAtEnd()) return Status(ErrorCode::IMAGE_DAMAGED, "cut");
  output.resize(made);
  return output;
}

}  // namespace

TEST_CASE("the header is the one that the LZ4 frame format describes, and is read back") {
  const FrameHeader header = makeFrameHeader(0x0123456789ull);
  CHECK(load32(header.data()) == 0x184D2204);
  CHECK(header[4] == std::byte{0x78});  // version 1, independent, block checksums, content size
  CHECK(header[5] == std::byte{0x70});  // 4 MiB
  CHECK(load64(header.data() + 6) == 0x0123456789ull);
  for (uint64_t size : {uint64_t{0}, uint64_t{512}, uint64_t{1} << 53}) {
    auto told = parseFrameHeader(makeFrameHeader(size));
    REQUIRE(told.isOk());
    CHECK(told.value() == size);
  }
}

TEST_CASE("a header with a bit turned, cut, or with a size that no device has is refused") {
  const FrameHeader good = makeFrameHeader(uint64_t{5} << 30);
  for (size_t bit = 0; bit < 8 * good.size(); bit++) {
    FrameHeader bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    // The header's checksum has 8 bits: one turned size in 256 passes, and is then another one than was described.
    auto told = parseFrameHeader(bad);
    const bool isInSize = bit / 8 >= 6 && bit / 8 < 14;
    CHECK((told.status().code() == ErrorCode::IMAGE_INVALID || (isInSize && told.value() != uint64_t{5} << 30)));
  }
  for (size_t length = 0; length < good.size(); length++)
    CHECK(parseFrameHeader(std::span(good).first(length)).status().code() == ErrorCode::IMAGE_INVALID);
  CHECK(parseFrameHeader(makeFrameHeader((uint64_t{1} << 53) + 1)).status().code() == ErrorCode::IMAGE_INVALID);
}

TEST_CASE("blocks of every kind are packed so that liblz4's frame decoder and our own give the content back") {
  for (Level level : {Level::fast, Level::normal, Level::high}) {
    std::vector<std::byte> content, frame;
    const std::vector<std::vector<std::byte>> blocks = {someText(kBlockBytes, 1), noise(kBlockBytes, 2),
                                                        std::vector<std::byte>(kBlockBytes), someText(512, 3)};
    for (const auto& block : blocks) append(content, block);
    append(frame, makeFrameHeader(content.size()));
    BlockCompressor compressor(level);
    for (const auto& block : blocks) {
      std::vector<std::byte> packed(kBlockBytes);
      const size_t length = compressor.compress(block, packed);
      const std::span<const std::byte> stored =
          length == 0 ? std::span(block) : std::span<const std::byte>(packed).first(length);
      const uint32_t field = static_cast<uint32_t>(stored.size()) | (length == 0 ? kStoredAsIs : 0);
      CHECK(isPossible(field, static_cast<uint32_t>(block.size())));
      std::vector<std::byte> unpacked(block.size());
      const Status status = unpackBlock(field, stored, xxh32(stored), unpacked);
      CHECK_MESSAGE(status.isOk(), status.message());
      CHECK(unpacked == block);
      append32(frame, field);
      append(frame, stored);
      append32(frame, xxh32(stored));
    }
    append32(frame, 0);
    auto decoded = decodeAll(frame, content.size() + 1);
    REQUIRE_MESSAGE(decoded.isOk(), decoded.status().message());
    CHECK(decoded.value() == content);
  }
}

TEST_CASE("packed zeros are a block of a frame, and are recognised") {
  for (uint32_t length : {512u, 1024u, 65'536u, kBlockBytes - 512, kBlockBytes}) {
    CAPTURE(length);
    const auto zeros = packedZeros(length);
    const uint32_t field = load32(zeros->data());
    const std::span<const std::byte> stored(zeros->data() + kBlockHeadBytes, storedBytes(field));
    const uint32_t checksum = load32(zeros->data() + kBlockHeadBytes + stored.size());
    std::vector<std::byte> content(length, std::byte{1});
    REQUIRE(unpackBlock(field, stored, checksum, content).isOk());
    CHECK(content == std::vector<std::byte>(length));
    CHECK(isPackedZeros(field, stored, checksum, length));
    CHECK_FALSE(isPackedZeros(field, stored, checksum + 1, length));
    CHECK_FALSE(isPackedZeros(field, stored.first(stored.size() - 1), checksum, length));
  }
}

TEST_CASE("a block that lies about its length is refused, whatever its checksum says") {
  const auto text = someText(4096, 7);
  std::vector<std::byte> packed(8192);
  const size_t length = BlockCompressor(Level::normal).compress(text, packed);
  const std::span<const std::byte> stored(packed.data(), length);
  for (size_t contentBytes : {size_t{1}, size_t{4095}, size_t{4097}, size_t{kBlockBytes}}) {
    std::vector<std::byte> content(contentBytes);
    CHECK(unpackBlock(static_cast<uint32_t>(length), stored, xxh32(stored), content).code() ==
          ErrorCode::IMAGE_DAMAGED);
    CHECK(unpackBlock(static_cast<uint32_t>(length) | kStoredAsIs, stored, xxh32(stored), content).code() ==
          ErrorCode::IMAGE_DAMAGED);
  }
  CHECK_FALSE(isPossible(0, 512));
  CHECK_FALSE(isPossible(512, 512));
  CHECK_FALSE(isPossible(511 | kStoredAsIs, 512));
  CHECK_FALSE(isPossible(0x7fffffff, kBlockBytes));
  CHECK_FALSE(isPossible(0xffffffff, kBlockBytes));
}

TEST_CASE("blocks of any bytes unpack to an error or to content, never beyond") {
  std::mt19937 random(11);
  std::vector<std::byte> content(10'000);
  for (int round = 0; round < 20'000; round++) {
    const auto bytes = noise(random() % 300, static_cast<uint32_t>(random()));
    (void)unpackBlock(static_cast<uint32_t>(bytes.size()), bytes, xxh32(bytes),
                      std::span(content).first(random() % 10'000));
  }
}

}  // namespace diskferry::lz4
