#include "image/capture_run.h"

#include <algorithm>

#include "image/replay.h"

namespace diskferry::image {

namespace {

constexpr size_t kBuffersMin = 6;

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
  const size_t packed =
      options_.container == Container::raw ? 1 : std::min(BlockPacker::threadCount() + 2, buffers / 3);
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

Status CaptureRun::replay() {
  auto opened = Replay::open({options_.path, options_.container, options_.sizeBytes, options_.skip, options_.resume,
                              content_, options_.ioEngine});
  if (!opened.isOk()) return opened.status();
  Replay& replay = *opened.value();
  const Status reading = readWith(replay.reader(), [&](const BlockPtr& block) {
    if (!replay.take(*block, index_.records()[block->number])) return false;
    digest(block);
    bytesDone_ += block->content.size();
    bytesReplayed_ += block->content.size();
    return true;
  });
  return replay.judge(reading);
}

void CaptureRun::capture() {
  BlockPacker packer(options_.container, options_.level, *packedBuffers_, index_);
  std::thread writing([&] { write(packer); });
  std::thread reading([&] { read(packer); });
  markWhileCapturing();
  reading.join();
  writing.join();
  blockDigests_->finish();
  mark();
}

void CaptureRun::read(BlockPacker& packer) {
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
  const Status status = readWith(reader, [&](const BlockPtr& block) {
    digest(block);
    return packer.put(block);
  });
  ioEngine_ = reader.engineName();
  if (!status.isOk()) fail(status);
  packer.close();
}

void CaptureRun::digest(const BlockPtr& block) {
  hashes_->put(block);
  blockDigests_->put(block);
}

void CaptureRun::write(BlockPacker& packer) {
  while (auto packed = packer.take()) {
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

}  // namespace diskferry::image
