#include "image/stored_reader.h"

#include "image/zeros.h"
#include "io/aligned_buffer.h"
#include "little_endian.h"
#include "lz4/block_codec.h"

namespace diskferry::image {

namespace {

constexpr size_t kReaders = 3;
constexpr size_t kStoredBuffers = 6;
// A block that is stored as it is, and what rounding to whole pages adds.
constexpr size_t kRunBytes = kBlockBytes + (64 << 10);
// A walk reads a cut block again with the next buffer: larger buffers, less of that.
constexpr size_t kWalkBytes = 16 << 20;

size_t unpackerCount() { return std::max(1u, std::thread::hardware_concurrency()); }

uint64_t roundDown(uint64_t offset) { return offset / kIoAlignmentBytes * kIoAlignmentBytes; }

std::string named(uint64_t number, uint64_t place) {
  return "block " + std::to_string(number) + ", at offset " + std::to_string(place) + " of the image: ";
}

}  // namespace

StoredReader::StoredReader(StoredReaderOptions options)
    : options_(std::move(options)),
      pace_(options_.limitBytesPerSecond),
      storedBuffers_(kStoredBuffers, options_.index == nullptr ? kWalkBytes : kRunBytes) {
  if (options_.index != nullptr) places_ = options_.index->places();
}

void StoredReader::stop() {
  isStopped_ = true;
  pace_.stop();
  storedBuffers_.stop();
  runs_.stop();
  unpacked_.stop();
}

Status StoredReader::run(const Emit& emit) {
  if (!storedBuffers_.isValid()) return Status(ErrorCode::OUT_OF_MEMORY, "no memory for reading an image");
  std::vector<std::thread> threads;
  if (options_.index == nullptr) {
    threads.emplace_back([this] { walk(); });
  } else {
    readersLeft_ = kReaders;
    for (size_t reader = 0; reader < kReaders; reader++) threads.emplace_back([this] { readRuns(); });
  }
  unpackersLeft_ = unpackerCount();
  for (size_t unpacker = 0; unpacker < unpackerCount(); unpacker++) threads.emplace_back([this] { unpackAll(); });
  while (auto block = unpacked_.take()) {
    pace_.wait((*block)->content.size());
    if (isStopped_ || !emit(std::move(*block))) break;
  }
  stop();  // whoever still waits, when `emit` wanted no more
  for (std::thread& thread : threads) thread.join();
  current_.reset();
  return Status::ok();
}

// The next blocks that lie side by side and fit a buffer, with a buffer for them.
std::optional<std::pair<uint64_t, StoredReader::Run>> StoredReader::takeRun() {
  std::lock_guard lock(planMutex_);
  const uint64_t count = options_.blocks.empty() ? options_.index->blockCount() : options_.blocks.size();
  if (nextSequence_ == count || isStopped_) return std::nullopt;
  auto buffer = storedBuffers_.lease();
  if (!buffer.has_value()) return std::nullopt;
  Run run;
  uint64_t start = 0;
  for (; nextSequence_ < count; nextSequence_++) {
    const uint64_t number = options_.blocks.empty() ? nextSequence_ : options_.blocks[nextSequence_];
    if (run.blocks.empty()) start = roundDown(places_[number]);
    const bool isNext = run.blocks.empty() || run.blocks.back().number + 1 == number;
    if (!isNext || places_[number + 1] - start > kRunBytes) break;
    run.blocks.push_back(
        {nextSequence_, number, options_.index->record(number).field, places_[number], places_[number] - start});
  }
  run.buffer = std::move(*buffer);
  return std::pair(nextRun_++, std::move(run));
}

void StoredReader::readRuns() {
  while (auto numbered = takeRun()) {
    Run& run = numbered->second;
    const uint64_t start = roundDown(run.blocks.front().offsetBytes);
    const Stored& last = run.blocks.back();
    const size_t length = last.bufferBytes + lz4::storedBytes(last.field) + lz4::kBlockFrameBytes;
    const size_t rounded = (length + kIoAlignmentBytes - 1) / kIoAlignmentBytes * kIoAlignmentBytes;
    auto done = options_.file->readDirect(start, run.buffer.memory().first(rounded));
    run.failure = done.status();
    for (Stored& stored : run.blocks)
      stored.isThere =
          done.isOk() && stored.bufferBytes + lz4::storedBytes(stored.field) + lz4::kBlockFrameBytes <= done.value();
    if (!runs_.put(numbered->first, std::move(run))) break;
  }
  if (--readersLeft_ == 0) runs_.close();
}

void StoredReader::walk() {
  uint64_t place = lz4::kHeaderBytes, number = 0;
  for (uint64_t sequence = 0; !isStopped_; sequence++) {
    auto buffer = storedBuffers_.lease();
    if (!buffer.has_value()) break;
    Run run;
    run.buffer = std::move(*buffer);
    const bool goesOn = walkBuffer(place, number, run);
    if (!run.blocks.empty() && !runs_.put(sequence, std::move(run))) break;
    if (!goesOn) break;
  }
  runs_.close();
}

// Reads from `place` and finds the blocks that are there whole. False where the walk ends.
bool StoredReader::walkBuffer(uint64_t& place, uint64_t& number, Run& run) {
  const uint64_t start = roundDown(place), count = lz4::blockCount(options_.contentBytes);
  const std::span<std::byte> memory = run.buffer.memory();
  auto done = options_.file->read(start, memory);
  if (!done.isOk()) {
    walkEnd_ = done.status();
    return false;
  }
  while (number < options_.blocksToWalk) {
    const size_t at = place - start, there = done.value() - std::min(at, done.value());
    const bool isEnd = done.value() < memory.size();
    const auto cut = [&] {
      if (isEnd) walkEnd_ = Status(ErrorCode::IMAGE_DAMAGED, named(number, place) + "the file ends before it does");
      return !isEnd;
    };
    if (there < lz4::kBlockHeadBytes) return cut();
    const uint32_t field = load32(memory.data() + at);
    if (number == count) {
      if (field != 0) walkEnd_ = Status(ErrorCode::IMAGE_DAMAGED, "the end mark is missing behind the last block");
      return false;
    }
    if (!lz4::isPossible(field, lz4::blockLength(options_.contentBytes, number))) {
      walkEnd_ = Status(ErrorCode::IMAGE_DAMAGED, named(number, place) + "it tells an impossible length of " +
                                                      std::to_string(lz4::storedBytes(field)) + " bytes");
      return false;
    }
    const size_t length = lz4::storedBytes(field) + lz4::kBlockFrameBytes;
    if (there < length) return cut();
    run.blocks.push_back({number, number, field, place, at, true});
    place += length;
    number++;
  }
  return false;
}

void StoredReader::unpackAll() {
  Stored stored{};
  std::shared_ptr<Run> run;
  std::shared_ptr<Block> block;
  while (takeBlock(stored, run, block)) {
    if (block->damage.isOk() && !block->isZeros) {
      const Status unpacked = unpack(stored, *run, *block);
      if (!unpacked.isOk())
        block->damage = Status(unpacked.code(), named(stored.number, stored.offsetBytes) + unpacked.message());
    }
    run.reset();
    if (!unpacked_.put(stored.sequence, std::move(block))) break;
  }
  if (--unpackersLeft_ == 0) unpacked_.close();
}

// The next block in order, with a buffer where it needs one.
bool StoredReader::takeBlock(Stored& stored, std::shared_ptr<Run>& run, std::shared_ptr<Block>& block) {
  std::lock_guard lock(takeMutex_);
  if (current_ == nullptr || nextOfCurrent_ == current_->blocks.size()) {
    current_.reset();  // its buffer, before waiting for the next
    auto next = runs_.take();
    if (!next.has_value()) return false;
    current_ = std::make_shared<Run>(std::move(*next));
    nextOfCurrent_ = 0;
  }
  run = current_;
  stored = run->blocks[nextOfCurrent_++];
  if (nextOfCurrent_ == run->blocks.size()) current_.reset();
  const uint32_t length = lz4::blockLength(options_.contentBytes, stored.number);
  block = std::make_shared<Block>();
  block->sequence = stored.sequence;
  block->number = stored.number;
  block->field = stored.field;
  block->imageEndBytes = stored.offsetBytes + lz4::storedBytes(stored.field) + lz4::kBlockFrameBytes;
  block->content = sharedZeros().first(length);
  if (!stored.isThere) {
    block->damage =
        Status(ErrorCode::IMAGE_DAMAGED,
               named(stored.number, stored.offsetBytes) +
                   (run->failure.isOk() ? std::string("the file ends before it does") : run->failure.message()));
    return true;
  }
  const std::byte* const at = run->buffer.memory().data() + stored.bufferBytes;
  const size_t storedLength = lz4::storedBytes(stored.field);
  if (load32(at) != stored.field) {
    block->damage = Status(ErrorCode::IMAGE_DAMAGED,
                           named(stored.number, stored.offsetBytes) + "its length field is not the one of the index");
    return true;
  }
  const std::span<const std::byte> bytes(at + lz4::kBlockHeadBytes, storedLength);
  block->isZeros = lz4::isPackedZeros(stored.field, bytes, load32(at + lz4::kBlockHeadBytes + storedLength), length);
  if (block->isZeros) return true;
  auto buffer = options_.pool->lease();
  if (!buffer.has_value()) return false;
  block->buffer = std::move(*buffer);
  return true;
}

Status StoredReader::unpack(const Stored& stored, const Run& run, Block& block) const {
  const std::byte* const at = run.buffer.memory().data() + stored.bufferBytes;
  const size_t length = lz4::storedBytes(stored.field);
  const std::span<std::byte> content = block.buffer.memory().first(block.content.size());
  DISKFERRY_TRY(lz4::unpackBlock(stored.field, {at + lz4::kBlockHeadBytes, length},
                                 load32(at + lz4::kBlockHeadBytes + length), content));
  padWithZeros(block.buffer.memory(), content.size());
  block.content = content;
  return Status::ok();
}

}  // namespace diskferry::image
