// Images that somebody made to do harm, or that a disk made: every number in them may be a lie.
#include <doctest/doctest.h>
#include <fcntl.h>

#include <cstdlib>
#include <filesystem>

#include "image/fuzz_image.h"
#include "image/made_image.h"

namespace diskferry::image {

namespace {

std::vector<std::byte> bytesOf(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// An image, its index, and its file's bytes.
struct Small {
  explicit Small(uint64_t sizeBytes) : Small(MadeImage(sizeBytes)) {}
  // A block that is packed to about a hundred kilobytes, or less with less noise, and a short last one, which is stored
  // as it is.
  static Small ofTwoBlocks(int noiseBytes = 20'000) {
    MadeImage image(kBlockBytes + 8192);
    std::memset(image.memory->bytes().data(), 0, kBlockBytes);
    std::mt19937 random(8);
    for (int count = 0; count < noiseBytes; count++)
      image.memory->bytes()[random() % kBlockBytes] = static_cast<std::byte>(random());
    return Small(std::move(image));
  }
  explicit Small(MadeImage image_) : made(std::move(image_)) {
    CaptureOptions options = made.options();
    captured = capture(std::move(options));
    REQUIRE(captured.status.isOk());
    image = bytesOf(made.fileBytes());
  }
  MadeImage made;
  Captured captured;
  std::vector<std::byte> image;

  std::vector<std::byte> fuzzInput(std::byte what) const {
    const auto& index = captured.summary.index;
    std::vector<std::byte> input(kFuzzHeadBytes);
    input[0] = what;
    store64(input.data() + 1, made.memory->sizeBytes());
    store16(input.data() + 9, static_cast<uint16_t>(index.size()));
    input.insert(input.end(), index.begin(), index.end());
    input.insert(input.end(), image.begin(), image.end());
    return input;
  }
};

}  // namespace

TEST_CASE("an index is read back as it was made") {
  std::vector<IndexRecord> records(3);
  records[0].field = 100;
  records[1] = {lz4::kBlockBytes | lz4::kStoredAsIs, BlockKind::unreadable, {}};
  records[2] = {7, BlockKind::skipped, {}};
  records[2].digest.fill(std::byte{9});
  const uint64_t size = 2 * uint64_t{kBlockBytes} + 512;
  const auto bytes = ImageIndex(records).encode();
  auto read = ImageIndex::parse(bytes, size, false);
  REQUIRE_MESSAGE(read.isOk(), read.status().message());
  CHECK(read.value().encode() == bytes);
  CHECK(read.value().places() ==
        std::vector<uint64_t>{15, 15 + 108, 15 + 108 + kBlockBytes + 8, 15 + 108 + kBlockBytes + 8 + 15});
}

TEST_CASE("an index that contradicts itself or the content's size is refused") {
  const uint64_t size = 2 * uint64_t{kBlockBytes};
  std::vector<IndexRecord> records(2);
  for (IndexRecord& record : records) record.field = 1000;
  const auto good = ImageIndex(records).encode();
  REQUIRE(ImageIndex::parse(good, size, false).isOk());
  const auto refused = [&](std::vector<std::byte> bytes, uint64_t contentBytes = 2 * uint64_t{kBlockBytes}) {
    return ImageIndex::parse(bytes, contentBytes, false).status().code() == ErrorCode::IMAGE_INVALID;
  };
  const auto with = [&](size_t at, uint32_t value) {
    auto bytes = good;
    store32(bytes.data() + at, value);
    return bytes;
  };
  for (size_t length = 0; length < good.size(); length++) CHECK(refused({good.begin(), good.begin() + length}));
  CHECK(refused(with(0, 0)));                         // no mark
  CHECK(refused(with(4, 2 | 24 << 16)));              // a version of tomorrow
  CHECK(refused(with(4, 1 | 25 << 16)));              // other records
  CHECK(refused(with(8, 3)));                         // more blocks than records
  CHECK(refused(with(12, 1)));                        // 2^32 + 2 blocks
  CHECK(refused(with(16, 0)));                        // an empty block
  CHECK(refused(with(16, kBlockBytes)));              // not smaller, yet packed
  CHECK(refused(with(16, 0xffffffff)));               // larger than any block
  CHECK(refused(with(16, 1000 | lz4::kStoredAsIs)));  // as it is, but shorter
  CHECK(refused(with(20, 4)));                        // a kind of tomorrow
  CHECK(refused(with(20, 0x100)));                    // what is reserved
  CHECK(refused(good, size + 1));
  CHECK(refused(good, size - kBlockBytes));
  CHECK(refused(good, UINT64_MAX));
}

TEST_CASE("each of 10,000 turned bits of an image is found, and nothing wrong comes out of it") {
  const Small small = Small::ofTwoBlocks();
  std::mt19937 random(1);
  const int file = ::open(small.made.path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(file >= 0);
  FileDescriptor owner(file);
  // Neither kind of block is all there is.
  REQUIRE(small.image.size() > 50'000);
  REQUIRE(small.image.size() < 500'000);
  std::vector<std::byte> content(small.made.memory->sizeBytes());
  int found = 0;
  for (int round = 0; round < 10'000; round++) {
    const size_t bit = random() % (8 * small.image.size());
    const std::byte turned = small.image[bit / 8] ^ static_cast<std::byte>(1 << (bit % 8));
    REQUIRE(::pwrite(file, &turned, 1, static_cast<off_t>(bit / 8)) == 1);
    auto source = ImageSource::open(
        {small.made.path, SourceKind::indexed, small.captured.summary.index, 0, small.made.memory->sizeBytes()});
    const Status status = source.isOk() ? source.value()->read(0, content) : source.status();
    const bool isFound = status.code() == ErrorCode::IMAGE_INVALID || status.code() == ErrorCode::IMAGE_DAMAGED;
    CHECK_MESSAGE(isFound, "bit " << bit << ": " << status.message());
    found += isFound ? 1 : 0;
    REQUIRE(::pwrite(file, &small.image[bit / 8], 1, static_cast<off_t>(bit / 8)) == 1);
  }
  CHECK(found == 10'000);
}

TEST_CASE("each of 1,000 turned bits of an index is refused, found, or of no consequence for the content") {
  const Small small = Small::ofTwoBlocks();
  std::mt19937 random(2);
  std::vector<std::byte> content(small.made.memory->sizeBytes());
  for (int round = 0; round < 1'000; round++) {
    auto index = small.captured.summary.index;
    const size_t bit = random() % (8 * index.size());
    index[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
    auto source = ImageSource::open({small.made.path, SourceKind::indexed, index, 0, small.made.memory->sizeBytes()});
    if (!source.isOk()) continue;
    const Status status = source.value()->read(0, content);
    // A turned digest is what a check is for; a turned kind only says why a block is zeros.
    if (status.isOk()) CHECK(std::equal(content.begin(), content.end(), small.made.memory->bytes().begin()));
  }
}

TEST_CASE("blocks in another order, of another image, or missing are found") {
  const uint64_t size = 4 * uint64_t{kBlockBytes};
  Small one(size);
  const auto& index = one.captured.summary.index;
  const auto check = [&](const std::vector<std::byte>& changedIndex) {
    TransferOptions options = one.made.restore(one.made.open(changedIndex), {});
    options.mode = TransferMode::check;
    options.checkBlocks = true;
    return transfer(std::move(options));
  };
  CHECK(check(index).summary.damagedBlocks == 0);
  auto swapped = index;
  std::swap_ranges(swapped.begin() + 16, swapped.begin() + 40, swapped.begin() + 64);
  auto opened = ImageSource::open({one.made.path, SourceKind::indexed, swapped, 0, size});
  REQUIRE(opened.isOk());
  CHECK(check(swapped).summary.damagedBlocks > 0);
  // A file that is cut after it was opened.
  auto source = one.made.open(index);
  REQUIRE(::truncate(one.made.path.c_str(), 5'000'000) == 0);
  TransferOptions options = one.made.restore(source, {one.made.target()});
  CHECK(transfer(options).status.code() == ErrorCode::IMAGE_DAMAGED);
  options.mode = TransferMode::check;
  options.targets.clear();
  CHECK(transfer(options).damaged.size() > 0);
  CHECK(ImageSource::open({one.made.path, SourceKind::indexed, index, 0, size}).status().code() ==
        ErrorCode::IMAGE_INVALID);
}

TEST_CASE("an image cut at any place is walked to its last whole block") {
  Small small(2 * uint64_t{kBlockBytes} + 4096);
  const auto walk = [&] {
    WalkSummary told;
    Status status;
    WalkRun run(small.made.path, [&](const Status& end, const WalkSummary& summary) {
      status = end;
      told = summary;
    });
    run.start();
    run.join();
    return std::pair(status, told);
  };
  auto [status, whole] = walk();
  CHECK(status.isOk());
  CHECK(whole.isComplete);
  CHECK(whole.blocks == 3);
  CHECK(whole.imageBytes == small.image.size() - 4);
  uint64_t last = small.image.size();
  for (uint64_t length :
       {last - 1, last - 4, last - 5, last - 50, uint64_t{5'000'000}, uint64_t{4000}, uint64_t{19}, uint64_t{15}}) {
    CAPTURE(length);
    REQUIRE(::truncate(small.made.path.c_str(), static_cast<off_t>(length)) == 0);
    auto [cutStatus, cut] = walk();
    CHECK_MESSAGE(cutStatus.isOk(), cutStatus.message());
    CHECK_FALSE(cut.isComplete);
    CHECK(cut.imageBytes <= length);
    CHECK_FALSE(cut.reason.empty());
    CHECK(cut.blocks <= (length >= last - 4 ? 3u : 2u));
    if (length >= last - 4) CHECK(cut.blocks == 3);
  }
  REQUIRE(::truncate(small.made.path.c_str(), 14) == 0);
  CHECK(walk().first.code() == ErrorCode::IMAGE_INVALID);
}

// DISKFERRY_FUZZ_CORPUS=test/native/fuzz/corpus makes what libFuzzer begins with anew.
TEST_CASE("what fuzzing begins with, and what it once found, is read to an end") {
  if (const char* corpus = std::getenv("DISKFERRY_FUZZ_CORPUS")) {
    const Small small = Small::ofTwoBlocks(500);
    for (unsigned what = 0; what < 4; what++) {
      const auto good = small.fuzzInput(static_cast<std::byte>(what));
      std::ofstream(std::string(corpus) + "/image-" + std::to_string(what), std::ios::binary)
          .write(reinterpret_cast<const char*>(good.data()), static_cast<std::streamsize>(good.size()));
    }
  }
  size_t inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(DISKFERRY_FUZZ_CORPUS_FOLDER)) {
    CAPTURE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    fuzzImage(std::as_bytes(std::span(bytes)));
    inputs++;
  }
  CHECK(inputs >= 4);
}

TEST_CASE("whatever bytes an image and its index have, reading them ends, with an error or with content") {
  const Small small = Small::ofTwoBlocks();
  std::mt19937 random(4);
  for (unsigned what = 0; what < 4; what++) {
    const auto good = small.fuzzInput(static_cast<std::byte>(what));
    fuzzImage(good);
    for (int round = 0; round < (what == 0 ? 20'000 : 150); round++) {
      auto input = good;
      for (unsigned changes = 1 + random() % 4; changes > 0; changes--) {
        // Mostly where the numbers are: the head, the index, the frame's header and the first block's length.
        const size_t place =
            random() % 4 != 0 ? random() % std::min<size_t>(input.size(), 80) : random() % input.size();
        if (place == 0) continue;
        switch (random() % 3) {
          case 0:
            input[place] = static_cast<std::byte>(random());
            break;
          case 1:
            input[place] ^= static_cast<std::byte>(1 << random() % 8);
            break;
          default:
            input[place] = random() % 2 == 0 ? std::byte{0xff} : std::byte{0};
        }
      }
      if (random() % 4 == 0) input.resize(random() % input.size());
      fuzzImage(input);
    }
  }
}

TEST_CASE("a file that unpacks to far more than it is large ends with its target") {
  // 255 to 1, which is as far as LZ4 goes: 16 KiB a block, many blocks, a target of one.
  const auto zeros = lz4::packedZeros(kBlockBytes);
  std::vector<std::byte> bomb;
  const lz4::FrameHeader header = lz4::makeFrameHeader(300 * uint64_t{kBlockBytes});
  bomb.insert(bomb.end(), header.begin(), header.end());
  for (int block = 0; block < 300; block++) bomb.insert(bomb.end(), zeros->begin(), zeros->end());
  bomb.resize(bomb.size() + 4);
  const FuzzedFile file(bomb);
  auto source = ImageSource::open({file.path(), SourceKind::foreign, {}, 0, 0});
  REQUIRE(source.isOk());
  TransferOptions options;
  options.source = source.take();
  options.mode = TransferMode::write;
  options.targets = {std::make_shared<MemorySectors>(2 * uint64_t{kBlockBytes}, 512)};
  CHECK(transfer(options).status.code() == ErrorCode::DEVICE_RANGE);
}

}  // namespace diskferry::image
