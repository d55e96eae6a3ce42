#include "image/device_reader.h"

#include <algorithm>
#include <cstring>

#include "image/rescue.h"
#include "image/zeros.h"

namespace diskferry::image {

namespace {

// Holes smaller than this between two parts are read along: one request is cheaper than two.
constexpr uint64_t kHoleBytesMin = 64 << 10;
// Blocks that are skipped take no buffer; they may run ahead this far.
constexpr uint64_t kAheadMax = 256;
constexpr size_t kDepthMax = 8;

// The parts of `whole` outside of `skipped`, with small holes read along.
void partsToRead(const Range& whole, const std::vector<Range>& skipped, std::vector<Range>& parts) {
  parts.clear();
  uint64_t at = whole.offsetBytes;
  const auto add = [&](uint64_t end) {
    if (end <= at) return;
    if (!parts.empty() && at - parts.back().endBytes() < kHoleBytesMin)
      parts.back().lengthBytes = end - parts.back().offsetBytes;
    else
      parts.push_back({at, end - at});
  };
  for (const Range& range : skipped) {
    add(range.offsetBytes);
    at = range.endBytes();
  }
  add(whole.endBytes());
}

}  // namespace

DeviceReader::DeviceReader(DeviceReaderOptions options)
    : options_(std::move(options)), skip_(options_.skip), pace_(options_.limitBytesPerSecond) {}

void DeviceReader::stop() {
  isStopped_ = true;
  pace_.stop();
}

std::string DeviceReader::engineName() const {
  std::lock_guard lock(mutex_);
  return engineName_;
}

uint64_t DeviceReader::sequenceCount() const {
  if (!options_.blocks.empty()) return options_.blocks.size();
  return lz4::blockCount(options_.sizeBytes) - options_.firstBlock;
}

uint64_t DeviceReader::numberOf(uint64_t sequence) const {
  return options_.blocks.empty() ? options_.firstBlock + sequence : options_.blocks[sequence];
}

Status DeviceReader::check() const {
  const uint64_t count = lz4::blockCount(options_.sizeBytes);
  if (options_.firstBlock > count || (!options_.blocks.empty() && options_.blocks.back() >= count))
    return Status(ErrorCode::DEVICE_RANGE, "reading begins behind the " + std::to_string(count) + " blocks there are");
  if (options_.device == nullptr) return Status::ok();
  const uint64_t size = options_.device->sizeBytes();
  if (options_.startBytes > size || options_.sizeBytes > size - options_.startBytes)
    return Status(ErrorCode::DEVICE_RANGE, "the device has " + std::to_string(size) + " bytes, expected at least " +
                                               std::to_string(options_.startBytes + options_.sizeBytes));
  const uint32_t sector = options_.device->sectorBytes();
  if (options_.sizeBytes % sector != 0 || options_.startBytes % sector != 0)
    return Status(ErrorCode::DEVICE_RANGE, std::to_string(options_.sizeBytes) + " bytes at offset " +
                                               std::to_string(options_.startBytes) + " are not whole sectors of " +
                                               std::to_string(sector) + " bytes");
  return checkRanges(options_.skip, options_.sizeBytes, sector);
}

Status DeviceReader::run(const Emit& emit) {
  DISKFERRY_TRY(check());
  if (options_.device == nullptr) return runWithoutDevice(emit);
  const size_t depth = std::clamp(options_.pool->bufferCount() / 3, size_t{1}, kDepthMax);
  auto made = makeIoQueue(options_.device, {options_.ioEngine, depth, options_.pool->slab()});
  if (!made.isOk()) return made.status();
  std::unique_ptr<IoQueue> queue = made.take();
  {
    std::lock_guard lock(mutex_);
    engineName_ = queue->engineName();
  }
  std::vector<IoCompletion> completions;
  // Requests end in any order. Of the blocks that cannot be read the first is told, so the earlier ones are waited for.
  Status failure;
  uint64_t failed = 0;
  while (!isStopped_ && (failure.isOk() || !reading_.empty())) {
    while (failure.isOk() && reading_.size() < depth && begin(*queue)) {
    }
    if (failure.isOk() && !emitReady(emit)) break;
    if (queue->inFlight() == 0) {
      if (nextToEmit_ == sequenceCount()) break;
      continue;
    }
    completions.clear();
    queue->wait(completions);
    for (const IoCompletion& completion : completions) {
      Reading& reading = reading_.at(completion.tag);
      if (!completion.status.isOk()) reading.isFailed = true;
      if (--reading.partsLeft > 0) continue;
      if (!failure.isOk() && completion.tag > failed) {
        reading_.erase(completion.tag);
        continue;
      }
      Status status = finish(completion.tag);
      if (status.isOk()) continue;
      failure = std::move(status);
      failed = completion.tag;
    }
    if (failure.isOk() && !isStopped_ && !emitReady(emit)) break;
  }
  queue.reset();  // what is in flight still writes to the buffers
  reading_.clear();
  ready_.clear();
  return failure;
}

// False when nothing can be begun now.
bool DeviceReader::begin(IoQueue& queue) {
  if (isStopped_ || nextToBegin_ == sequenceCount() || nextToBegin_ - nextToEmit_ >= kAheadMax) return false;
  auto block = std::make_shared<Block>();
  block->sequence = nextToBegin_;
  block->number = numberOf(nextToBegin_);
  const Range whole{block->offsetBytes(), lz4::blockLength(options_.sizeBytes, block->number)};
  std::vector<Range> skipped, parts;
  skip_.within(whole, skipped);
  partsToRead(whole, skipped, parts);
  if (parts.empty()) {
    block->content = sharedZeros().first(whole.lengthBytes);
    block->isZeros = block->isSkipped = true;
    ready_.emplace(nextToBegin_++, std::move(block));
    return true;
  }
  // Nothing in flight, nothing to emit: then the buffers are with others, who will give them back.
  auto buffer = reading_.empty() && ready_.empty() ? options_.pool->lease() : options_.pool->tryLease();
  if (!buffer.has_value()) return false;
  pace_.wait(whole.lengthBytes);
  block->buffer = std::move(*buffer);
  const std::span<std::byte> memory = block->buffer.memory().first(whole.lengthBytes);
  block->content = memory;
  const uint64_t sequence = nextToBegin_++;
  reading_.emplace(sequence, Reading{std::move(block), std::move(skipped), parts.size(), false});
  for (const Range& part : parts)
    queue.submit({IoRequest::Kind::read, options_.startBytes + part.offsetBytes,
                  memory.subspan(part.offsetBytes - whole.offsetBytes, part.lengthBytes), sequence});
  return true;
}

// A block that has been read.
Status DeviceReader::finish(uint64_t sequence) {
  Reading reading = std::move(reading_.extract(sequence).mapped());
  Block& block = *reading.block;
  if (reading.isFailed) DISKFERRY_TRY(recover(block, reading.skipped));
  const std::span<std::byte> memory = block.buffer.memory().first(block.content.size());
  for (const Range& skipped : reading.skipped)
    std::memset(memory.data() + (skipped.offsetBytes - block.offsetBytes()), 0, skipped.lengthBytes);
  if (isZeros(memory)) {
    block.isZeros = true;
    block.content = sharedZeros().first(block.content.size());
    block.buffer.release();
  }
  if (!block.isZeros) padWithZeros(block.buffer.memory(), block.content.size());
  ready_.emplace(sequence, std::move(reading.block));
  return Status::ok();
}

Status DeviceReader::recover(Block& block, const std::vector<Range>& skipped) {
  const Range whole{block.offsetBytes(), block.content.size()};
  std::vector<Range> parts, unreadable;
  partsToRead(whole, skipped, parts);
  for (const Range& part : parts) {
    auto place = block.buffer.memory().subspan(part.offsetBytes - whole.offsetBytes, part.lengthBytes);
    const uint64_t offset = options_.startBytes + part.offsetBytes;
    if (options_.retries.has_value())
      rescue(*options_.device, offset, place, *options_.retries, isStopped_, unreadable);
    else
      DISKFERRY_TRY(firstFailure(*options_.device, offset, place));
  }
  if (isStopped_) return Status::ok();
  for (Range& range : unreadable) range.offsetBytes -= options_.startBytes;
  if (!unreadable.empty()) lost_.emplace(block.sequence, std::move(unreadable));
  return Status::ok();
}

bool DeviceReader::emitReady(const Emit& emit) {
  while (!ready_.empty() && ready_.begin()->first == nextToEmit_ && !isStopped_) {
    BlockPtr block = std::move(ready_.begin()->second);
    ready_.erase(ready_.begin());
    if (auto lost = lost_.extract(nextToEmit_); !lost.empty() && options_.unreadable)
      for (const Range& range : lost.mapped()) options_.unreadable(range);
    nextToEmit_++;
    if (!emit(std::move(block))) return false;
  }
  return true;
}

Status DeviceReader::runWithoutDevice(const Emit& emit) {
  const uint64_t start = options_.firstBlock * kBlockBytes;
  if (start < options_.sizeBytes && options_.unreadable) options_.unreadable({start, options_.sizeBytes - start});
  for (uint64_t sequence = 0; sequence < sequenceCount() && !isStopped_; sequence++) {
    auto block = std::make_shared<Block>();
    block->sequence = sequence;
    block->number = numberOf(sequence);
    block->content = sharedZeros().first(lz4::blockLength(options_.sizeBytes, block->number));
    block->isZeros = true;
    if (!emit(std::move(block))) break;
  }
  return Status::ok();
}

}  // namespace diskferry::image
