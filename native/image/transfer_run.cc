#include "image/transfer_run.h"

#include <algorithm>

#include "image/device_reader.h"

namespace diskferry::image {

namespace {

// What is in flight on the way to a target, what the digests hold, what is being unpacked.
constexpr size_t kBuffersMin = 12;

}  // namespace

TransferRun::TransferRun(TransferOptions options, TransferEvents events)
    : options_(std::move(options)), events_(std::move(events)) {}

TransferRun::~TransferRun() {
  abort();
  join();
}

void TransferRun::start() {
  thread_ = std::thread([this] { run(); });
}

void TransferRun::join() {
  if (thread_.joinable()) thread_.join();
}

void TransferRun::abort() {
  std::lock_guard lock(mutex_);
  if (!isCommitting_) stop(Status(ErrorCode::INTERRUPTED, "the transfer was interrupted"));
}

void TransferRun::fail(const Status& status) {
  std::lock_guard lock(mutex_);
  stop(status);
}

// With the mutex held. The first failure is the reason; what follows from it is not told.
void TransferRun::stop(const Status& status) {
  if (isStopped_) return;
  failure_ = status;
  isStopped_ = true;
  for (ContentReader* reader : readers_) reader->stop();
}

bool TransferRun::isStopped() const {
  std::lock_guard lock(mutex_);
  return isStopped_;
}

void TransferRun::run() {
  const auto began = std::chrono::steady_clock::now();
  if (Status status = prepare(); !status.isOk()) fail(status);
  if (!isStopped()) transfer();
  if (!isStopped() && options_.readBack && options_.mode == TransferMode::write) readBack();
  // Their threads end here whatever happened: after the last event nothing of the run goes on.
  writers_.clear();
  blockDigests_.reset();
  hashes_.reset();
  Status status;
  {
    std::lock_guard lock(mutex_);
    isStopped_ = true;
    status = failure_;
  }
  summary_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  events_.finished(status, std::move(summary_));
}

Status TransferRun::prepare() {
  hasFailed_.resize(options_.targets.size());
  const size_t buffers = std::max(options_.memoryBytes / kBlockBytes, kBuffersMin);
  content_ = std::make_shared<BufferPool>(buffers, kBlockBytes);
  if (!content_->isValid())
    return Status(ErrorCode::OUT_OF_MEMORY, "no memory for " + std::to_string(buffers) + " buffers of 4 MiB");
  const bool isPart = !options_.blocks.empty();
  if (isPart && (options_.mode == TransferMode::write || options_.source->kind() == SourceKind::foreign ||
                 options_.blocks.back() >= lz4::blockCount(*options_.source->sizeBytes())))
    return Status(ErrorCode::INTERNAL, "single blocks are compared or checked, and are blocks of the image");
  auto source = options_.source->stream({options_.blocks, content_, options_.limitBytesPerSecond, options_.ioEngine});
  if (!source.isOk()) return source.status();
  source_ = source.take();
  bytesTotal_ = isPart ? options_.blocks.size() * uint64_t{kBlockBytes} : options_.source->sizeBytes().value_or(0);
  hashes_ = std::make_unique<ContentHashes>(isPart ? 0 : options_.hashes);
  const bool hasIndex = options_.source->index() != nullptr;
  if ((options_.checkBlocks && hasIndex) || (options_.readBack && !hasIndex))
    blockDigests_ = std::make_unique<BlockDigests>(
        content_->bufferCount(), [this](const Block& block, const auto& digest) { compareDigest(block, digest); });
  makeTargets();
  return Status::ok();
}

void TransferRun::makeTargets() {
  if (options_.mode == TransferMode::check) return;
  const uint64_t wanted = options_.source->sizeBytes().value_or(0);
  for (size_t target = 0; target < options_.targets.size(); target++) {
    TargetOptions writing;
    writing.device = options_.targets[target];
    writing.isCompared = options_.mode == TransferMode::compare;
    writing.resume = options_.resume;
    writing.zeros = options_.zeros;
    writing.ioEngine = options_.ioEngine;
    writing.contentMemory = content_->slab();
    writing.failed = [this, target](const Status& why) { targetFailed(target, why); };
    writing.differs = [this, target](uint64_t block) {
      std::lock_guard lock(eventMutex_);
      summary_.mismatches++;
      if (events_.mismatch) events_.mismatch(target, block);
    };
    const uint64_t there = writing.device->sizeBytes();
    writers_.push_back(std::make_unique<TargetWriter>(std::move(writing)));
    if (there < wanted)
      targetFailed(target, Status(ErrorCode::DEVICE_RANGE, "the target has " + std::to_string(there) +
                                                               " bytes, expected at least " + std::to_string(wanted)));
    else
      writers_.back()->start();
  }
}

void TransferRun::targetFailed(size_t target, const Status& why) {
  bool isLast = false;
  {
    std::lock_guard lock(eventMutex_);
    if (hasFailed_[target]) return;
    hasFailed_[target] = true;
    summary_.failedTargets++;
    isLast = summary_.failedTargets == options_.targets.size();
    if (events_.targetFailed) events_.targetFailed(target, why);
  }
  if (isLast) fail(why);
}

void TransferRun::transfer() {
  {
    std::lock_guard lock(mutex_);
    if (isStopped_) return;
    readers_ = {source_.get()};
  }
  const Status status = source_->run([this](const BlockPtr& block) { return take(block); });
  {
    std::lock_guard lock(mutex_);
    readers_.clear();
  }
  if (!status.isOk()) fail(status);
  // All digests are known, and all are good, before a target may look whole.
  if (blockDigests_ != nullptr) blockDigests_->finish();
  const bool isGood = decideToCommit();
  for (auto& writer : writers_) writer->close(isGood);
  for (auto& writer : writers_) writer->join();
  writers_.clear();
  auto digests = hashes_->finish();
  if (isGood && isContentWhole_) summary_.digests = std::move(digests);
  content_.reset();
  source_.reset();
}

// From here on the targets get their first block: an abort that comes later finds them whole, and is no failure, unless
// they are still to be read back.
bool TransferRun::decideToCommit() {
  std::lock_guard lock(mutex_);
  isCommitting_ = !isStopped_ && !options_.readBack;
  return !isStopped_;
}

bool TransferRun::take(const BlockPtr& block) {
  bytesDone_ += block->content.size();
  summary_.sizeBytes += block->content.size();
  summary_.blocks++;
  if (!block->damage.isOk()) {
    isContentWhole_ = false;
    tellDamage(*block, block->damage);
    return !isStopped();
  }
  if (block->isZeros) summary_.zeroBlocks++;
  hashes_->put(block);
  if (blockDigests_ != nullptr) blockDigests_->put(block);
  for (size_t target = 0; target < writers_.size(); target++)
    if (!writers_[target]->isFailed()) writers_[target]->put(block);
  return !isStopped();
}

void TransferRun::compareDigest(const Block& block, const Md5Digest& digest) {
  const auto& index = options_.source->index();
  if (index == nullptr) {
    std::lock_guard lock(eventMutex_);
    if (digests_.size() <= block.number) digests_.resize(block.number + 1);
    digests_[block.number] = digest;
    return;
  }
  if (index->record(block.number).digest == digest) return;
  tellDamage(block, Status(ErrorCode::IMAGE_DAMAGED, "block " + std::to_string(block.number) +
                                                         ": its content is not the one of the index (MD5)"));
}

void TransferRun::tellDamage(const Block& block, const Status& why) {
  if (options_.mode == TransferMode::write) return fail(why);
  std::lock_guard lock(eventMutex_);
  summary_.damagedBlocks++;
  if (events_.damaged) events_.damaged(block.number, why);
}

// Every target by a thread of its own: what a drive gives back is the drive's own speed.
void TransferRun::readBack() {
  size_t count = 0;
  for (const bool failed : hasFailed_) count += failed ? 0 : 1;
  bytesToReadBack_ = count * summary_.sizeBytes;
  const size_t buffers = std::max(options_.memoryBytes / kBlockBytes / std::max(count, size_t{1}), size_t{6});
  std::vector<std::thread> threads;
  for (size_t target = 0; target < options_.targets.size(); target++)
    if (!hasFailed_[target]) threads.emplace_back([this, target, buffers] { readBackTarget(target, buffers); });
  for (std::thread& thread : threads) thread.join();
}

void TransferRun::readBackTarget(size_t target, size_t bufferCount) {
  const uint64_t size = summary_.sizeBytes;
  DeviceReaderOptions reading;
  reading.device = options_.targets[target];
  const uint32_t sector = reading.device->sectorBytes();
  reading.sizeBytes = (size + sector - 1) / sector * sector;
  reading.pool = std::make_shared<BufferPool>(bufferCount, kBlockBytes);
  reading.ioEngine = options_.ioEngine;
  if (!reading.pool->isValid())
    return targetFailed(target, Status(ErrorCode::OUT_OF_MEMORY, "no memory for reading back"));
  const auto pool = reading.pool;  // outlives the blocks
  BlockDigests digests(bufferCount, [&](const Block& block, const Md5Digest& digest) {
    const auto& index = options_.source->index();
    if ((index != nullptr ? index->record(block.number).digest : digests_[block.number]) == digest) return;
    std::lock_guard lock(eventMutex_);
    summary_.mismatches++;
    if (events_.mismatch) events_.mismatch(target, block.number);
  });
  DeviceReader reader(std::move(reading));
  {
    std::lock_guard lock(mutex_);
    if (isStopped_) return;
    readers_.push_back(&reader);
  }
  const Status status = reader.run([&](BlockPtr block) {
    const uint32_t length = lz4::blockLength(size, block->number);
    bytesReadBack_ += length;
    if (length < block->content.size()) {  // the last sector is only in part content
      auto part = std::make_shared<Block>();
      part->number = block->number;
      part->isZeros = block->isZeros;
      part->content = block->content.first(length);
      part->whole = std::move(block);
      block = std::move(part);
    }
    digests.put(std::move(block));
    return true;
  });
  {
    std::lock_guard lock(mutex_);
    std::erase(readers_, &reader);
  }
  digests.finish();
  if (!status.isOk()) targetFailed(target, status);
}

}  // namespace diskferry::image
