#include "image/capture_run.h"

#include <algorithm>

#include "image/image_source.h"
#include "image/stored_reader.h"
#include "little_endian.h"
#include "lz4/xxh32.h"

namespace diskferry::image {

namespace {

constexpr size_t kBuffersMin = 6;

size_t packerCount() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace

CaptureRun::CaptureRun(CaptureOptions options, CaptureEvents events)
    : options_(std::move(options)), events_(std::move(events)) {}

CaptureRun::~CaptureRun() {
  abort();
  join();
}

void CaptureRun::start() {
  thread_ = std::thread([this] { run(); });
}

void CaptureRun::join() {
  if (thread_.joinable()) thread_.join();
}

void CaptureRun::abort() { fail(Status(ErrorCode::INTERRUPTED, "capturing was interrupted")); }

// The first failure is the reason; what follows from it is not told. Only reading is ended: everything behind it runs
// dry.
void CaptureRun::fail(const Status& status) {
  std::lock_guard lock(mutex_);
  if (isStopped_ || isWritten_) return;
  failure_ = status;
  isStopped_ = true;
  if (reader_ != nullptr) reader_->stop();
  ended_.notify_all();
}

CaptureProgress CaptureRun::progress() const {
  const ImageWriter* writer = progressOf_;
  return {bytesDone_, options_.sizeBytes, writer == nullptr ? 0 : writer->imageBytes(), bytesReplayed_};
}

void CaptureRun::run() {
  const auto began = Clock::now();
  CaptureSummary summary;
  Status status = prepare();
  if (status.isOk() && options_.resume.blocks > 0) status = replay();
  if (status.isOk()) {
    capture();
    std::lock_guard lock(mutex_);
    status = failure_;
  }
  if (status.isOk()) summarize(summary);
  summary.ioEngine = ioEngine_;
  summary.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  progressOf_ = nullptr;
  // Their threads end here whatever happened: after the last event nothing of the run goes on.
  blockDigests_.reset();
  hashes_.reset();
  writer_.reset();
  events_.finished(status, std::move(summary));
}

Status CaptureRun::prepare() {
  const uint64_t blocks = lz4::blockCount(options_.sizeBytes);
  if (options_.resume.blocks > blocks)
    return Status(ErrorCode::INTERNAL, "capturing cannot go on behind its " + std::to_string(blocks) + " blocks");
  const size_t buffers = std::max(options_.memoryBytes / kBlockBytes, kBuffersMin);
  const size_t packed = options_.container == Container::raw ? 1 : std::min(packerCount() + 2, buffers / 3);
  content_ = std::make_shared<BufferPool>(buffers - packed, kBlockBytes);
  packedBuffers_ = std::make_unique<BufferPool>(packed, kBlockBytes);
  if (!content_->isValid() || !packedBuffers_->isValid())
    return Status(ErrorCode::OUT_OF_MEMORY, "no memory for " + std::to_string(buffers) + " buffers of 4 MiB");
  index_ = ImageIndex(std::vector<IndexRecord>(blocks));
  hashes_ = std::make_unique<ContentHashes>(options_.hashes);
  blockDigests_ = std::make_unique<BlockDigests>(content_->bufferCount(), [this](const Block& block, const auto& md5) {
    index_.records()[block.number].digest = md5;
  });
  writer_ = std::make_unique<ImageWriter>(options_.path, options_.container, options_.sizeBytes,
                                          [this](const Status& status) { fail(status); });
  marked_ = options_.resume;
  // What was told of blocks behind the mark will be told again, or can be read by now.
  const uint64_t there = options_.resume.blocks * kBlockBytes;
  std::erase_if(options_.resumeUnreadable, [&](const Range& range) { return range.offsetBytes >= there; });
  DISKFERRY_TRY(writer_->open(options_.resume));
  progressOf_ = writer_.get();
  std::lock_guard lock(mutex_);
  if (!isStopped_) return Status::ok();
  return failure_;  // aborted before it began
}

// Runs a reader that fail() can stop.
Status CaptureRun::readWith(ContentReader& reader, const ContentReader::Emit& emit) {
  {
    std::lock_guard lock(mutex_);
    if (isStopped_) return failure_;
    reader_ = &reader;
  }
  Status status = reader.run(emit);
  std::lock_guard lock(mutex_);
  reader_ = nullptr;
  return isStopped_ ? failure_ : status;
}

void CaptureRun::capture() {
  std::vector<std::thread> threads;
  packersLeft_ = packerCount();
  for (size_t packer = 0; packer < packerCount(); packer++) threads.emplace_back([this] { pack(); });
  threads.emplace_back([this] { write(); });
  threads.emplace_back([this] {
    DeviceReaderOptions reading;
    reading.device = options_.source;
    reading.sizeBytes = options_.sizeBytes;
    reading.firstBlock = options_.resume.blocks;
    reading.skip = options_.skip;
    reading.retries = options_.retries;
    reading.limitBytesPerSecond = options_.limitBytesPerSecond;
    reading.pool = content_;
    reading.ioEngine = options_.ioEngine;
    reading.unreadable = [this](const Range& range) {
      unreadableBytes_ += range.lengthBytes;
      std::lock_guard lock(eventMutex_);
      options_.resumeUnreadable.push_back(range);
      if (events_.unreadable) events_.unreadable(range);
    };
    DeviceReader reader(std::move(reading));
    const Status status = readWith(reader, [this](const BlockPtr& block) { return take(block); });
    ioEngine_ = reader.engineName();
    if (!status.isOk()) fail(status);
    toPack_.close();
  });
  markWhileCapturing();
  for (std::thread& thread : threads) thread.join();
  blockDigests_->finish();
  mark();
}

bool CaptureRun::take(const BlockPtr& block) {
  hashes_->put(block);
  blockDigests_->put(block);
  return toPack_.put(block);
}

void CaptureRun::pack() {
  lz4::BlockCompressor compressor(options_.level);
  while (true) {
    BufferPool::Lease buffer;
    std::optional<BlockPtr> block;
    {
      std::lock_guard lock(takeMutex_);
      if (options_.container == Container::lz4) {
        auto leased = packedBuffers_->lease();
        if (leased.has_value()) buffer = std::move(*leased);
      }
      block = toPack_.take();
    }
    if (!block.has_value()) break;
    const uint64_t sequence = (*block)->sequence;
    packed_.put(sequence, packBlock(compressor, std::move(*block), std::move(buffer)));
  }
  if (--packersLeft_ == 0) packed_.close();
}

PackedBlock CaptureRun::packBlock(lz4::BlockCompressor& compressor, BlockPtr block, BufferPool::Lease buffer) {
  IndexRecord& record = index_.records()[block->number];
  const std::span<const std::byte> content = block->content;
  record.field = static_cast<uint32_t>(content.size());
  if (block->isZeros) record.kind = block->isSkipped ? BlockKind::skipped : BlockKind::zeros;
  // lz4 1.9.4 reads four bytes too far behind a frame with block checksums and without one of the content, unless the
  // last block is stored as it is; it would take the trailer for garbage.
  const bool isLast = block->number + 1 == index_.blockCount();
  PackedBlock packed;
  if (options_.container == Container::lz4 && block->isZeros && !isLast) {
    packed.zeros = lz4::packedZeros(record.field);
    record.field = load32(packed.zeros->data());
  } else if (options_.container == Container::lz4) {
    const size_t length = isLast ? 0 : compressor.compress(content, buffer.memory());
    packed.stored = length == 0 ? content : std::span<const std::byte>(buffer.memory().first(length));
    if (length > 0) packed.buffer = std::move(buffer);
    packed.field = static_cast<uint32_t>(packed.stored.size()) | (length == 0 ? lz4::kStoredAsIs : 0);
    packed.checksum = lz4::xxh32(packed.stored);
    record.field = packed.field;
  }
  packed.block = std::move(block);
  return packed;
}

void CaptureRun::write() {
  while (auto packed = packed_.take()) {
    const uint64_t length = packed->block->content.size();
    writer_->append(std::move(*packed));
    bytesDone_ += length;
  }
  bool isComplete = false;
  {
    std::lock_guard lock(mutex_);
    isComplete = !isStopped_;
  }
  const Status status = writer_->finish(isComplete);
  if (!status.isOk()) fail(status);
  std::lock_guard lock(mutex_);
  isWritten_ = true;
  ended_.notify_all();
}

void CaptureRun::markWhileCapturing() {
  auto marked = Clock::now();
  std::unique_lock lock(mutex_);
  while (!isWritten_ && !isStopped_) {
    // Short steps, because how much was written is only looked at, not told.
    ended_.wait_for(lock, std::min(options_.durableEvery, std::chrono::milliseconds(50)));
    if (isWritten_ || isStopped_) return;
    const bool isTime = Clock::now() - marked >= options_.durableEvery ||
                        writer_->written().imageBytes >= marked_.imageBytes + options_.durableEveryBytes;
    if (!isTime) continue;
    lock.unlock();
    mark();
    marked = Clock::now();
    lock.lock();
  }
}

// What was written before the flush began is durable when it returns. Also after a failure, so that little is lost; a
// file system that failed is not trusted any more.
void CaptureRun::mark() {
  const ImagePosition written = writer_->written();
  bool isComplete = false;
  {
    std::lock_guard lock(mutex_);
    const ErrorCode code = failure_.code();
    if (code == ErrorCode::DEVICE_WRITE_FAILED || code == ErrorCode::DEVICE_FULL ||
        code == ErrorCode::DEVICE_FLUSH_FAILED)
      return;
    isComplete = isWritten_ && failure_.isOk();
  }
  // The end mark comes behind the last block: a finished image is flushed once more.
  if (written.blocks <= marked_.blocks && !isComplete) return;
  const Status status = writer_->flush();
  if (!status.isOk()) {
    {
      std::lock_guard lock(mutex_);
      isWritten_ = false;
    }
    return fail(status);
  }
  if (written.blocks <= marked_.blocks) return;
  marked_ = written;
  std::lock_guard lock(eventMutex_);
  if (events_.mark) events_.mark(marked_);
}

void CaptureRun::summarize(CaptureSummary& summary) {
  for (const Range& range : options_.resumeUnreadable) index_.markUnreadable(range);
  for (uint64_t block = 0; block < index_.blockCount(); block++) {
    const BlockKind kind = index_.record(block).kind;
    if (kind == BlockKind::zeros) summary.zeroBlocks++;
    if (kind == BlockKind::skipped) summary.skippedBlocks++;
  }
  summary.index = index_.encode();
  summary.imageBytes = options_.container == Container::raw ? options_.sizeBytes : writer_->imageBytes();
  summary.digests = hashes_->finish();
  summary.unreadableBytes = unreadableBytes_;
}

// What is there already is unpacked: that checks it, and the digests need it.
Status CaptureRun::replay() {
  auto source = openForReplay();
  if (!source.isOk()) return source.status();
  RangeCursor skipped(options_.skip);
  std::vector<Range> parts;
  ImagePosition there;
  Status damage;
  const Status status = readWith(*source.value(), [&](const BlockPtr& block) {
    damage = block->damage;
    if (!damage.isOk()) return false;
    IndexRecord& record = index_.records()[block->number];
    const Range whole{block->offsetBytes(), block->content.size()};
    skipped.within(whole, parts);
    const bool isSkipped = parts.size() == 1 && parts.front().lengthBytes == whole.lengthBytes;
    if (block->isZeros) record.kind = isSkipped ? BlockKind::skipped : BlockKind::zeros;
    const bool isRaw = options_.container == Container::raw;
    record.field = isRaw ? static_cast<uint32_t>(whole.lengthBytes) : block->field;
    there = {block->number + 1, isRaw ? whole.endBytes() : block->imageEndBytes};
    hashes_->put(block);
    blockDigests_->put(block);
    bytesDone_ += whole.lengthBytes;
    bytesReplayed_ += whole.lengthBytes;
    return true;
  });
  if (!damage.isOk()) return Status(damage.code(), options_.path + ": " + damage.message());
  DISKFERRY_TRY(status);
  if (there.blocks != options_.resume.blocks || there.imageBytes != options_.resume.imageBytes)
    return Status(ErrorCode::IMAGE_DAMAGED, options_.path + ": has " + std::to_string(there.blocks) + " blocks in " +
                                                std::to_string(there.imageBytes) + " bytes, expected " +
                                                std::to_string(options_.resume.blocks) + " in " +
                                                std::to_string(options_.resume.imageBytes));
  return Status::ok();
}

Result<std::unique_ptr<ContentReader>> CaptureRun::openForReplay() {
  if (options_.container == Container::raw) {
    auto source = ImageSource::open({options_.path, SourceKind::raw, {}, 0, options_.resume.imageBytes});
    if (!source.isOk()) return source.status();
    return source.value()->stream({{}, content_, 0, options_.ioEngine});
  }
  auto file = ImageFile::open(options_.path);
  if (!file.isOk()) return file.status();
  std::array<std::byte, lz4::kHeaderBytes> header{};
  auto there = file.value()->read(0, header);
  if (!there.isOk()) return there.status();
  auto size = lz4::parseFrameHeader(std::span(header).first(there.value()));
  if (!size.isOk() || size.value() != options_.sizeBytes)
    return Status(ErrorCode::IMAGE_DAMAGED, options_.path + ": does not begin with the frame of a device of " +
                                                std::to_string(options_.sizeBytes) + " bytes");
  return std::unique_ptr<ContentReader>(std::make_unique<StoredReader>(
      StoredReaderOptions{file.take(), options_.sizeBytes, nullptr, {}, options_.resume.blocks, content_, 0}));
}

}  // namespace diskferry::image
