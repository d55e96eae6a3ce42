#include "engine/copy_run.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace diskferry::engine {

namespace {

constexpr size_t kBuffersMin = 4;
constexpr size_t kReadersMax = 8;
// As many blocks as the widest MD5 has lanes.
constexpr size_t kRunMax = 32;
// A slow source should still be written and marked now and then.
constexpr std::chrono::milliseconds kRunPatience{100};

Status writeAll(int descriptor, const std::byte* from, size_t length, uint64_t offset) {
  for (size_t done = 0; done < length;) {
    const ssize_t moved = ::pwrite(descriptor, from + done, length - done, static_cast<off_t>(offset + done));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return Status::fromErrno(ErrorCode::SPOOL_WRITE_FAILED, "the hashes cannot be stored", errno);
    done += static_cast<size_t>(moved);
  }
  return Status::ok();
}

}  // namespace

CopyRun::CopyRun(CopyOptions options, CopyEvents events) : options_(std::move(options)), events_(std::move(events)) {}

CopyRun::~CopyRun() {
  abort();
  join();
}

void CopyRun::start() {
  thread_ = std::thread([this] { run(); });
}

void CopyRun::join() {
  if (thread_.joinable()) thread_.join();
}

void CopyRun::abort() { fail(Status(ErrorCode::INTERRUPTED, "copying was interrupted")); }

// The first failure is the reason; what follows from it is not told.
void CopyRun::fail(const Status& status) {
  std::lock_guard lock(mutex_);
  if (isStopped_ || isWritten_) return;
  failure_ = status;
  isStopped_ = true;
  if (pool_ != nullptr) pool_->stop();
  if (writer_ != nullptr) writer_->stop();
  ended_.notify_all();
}

CopyProgress CopyRun::progress() const {
  const DeviceWriter* writer = progressOf_;
  const ChunkTotals done = writer == nullptr ? ChunkTotals{} : writer->written();
  return {done.bytes, bytesTotal_, done.files, options_.files.fileCount(), done.resumeChunk};
}

void CopyRun::run() {
  const auto began = Clock::now();
  CopySummary summary;
  Status status = prepare();
  if (status.isOk()) {
    const uint64_t bytesBefore = writer_->written().bytes;
    copy();
    const ChunkTotals done = writer_->written();
    summary = {done.resumeChunk, done.bytes - bytesBefore, done.files, 0, writer_->engineName()};
    std::lock_guard lock(mutex_);
    status = failure_;
  }
  summary.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  events_.finished(status, summary);
}

Status CopyRun::prepare() {
  DISKFERRY_TRY(checkExtents(options_.files, *options_.volume));
  DISKFERRY_TRY(checkSources(options_.sources, options_.files.fileCount()));
  uint64_t total = 0;
  for (size_t file = 0; file < options_.files.fileCount(); file++) total += options_.files.size(file);
  bytesTotal_ = total;
  ChunkCursor cursor(options_.files);
  DISKFERRY_TRY(cursor.seek(options_.firstChunk));
  const ChunkTotals before = cursor.passed();
  markedChunk_ = before.resumeChunk;
  markedBytes_ = before.bytes;

  const size_t buffers = std::max(options_.memoryBytes / kChunkBytes, kBuffersMin);
  readerCount_ = std::clamp(buffers / 3, size_t{1}, kReadersMax);
  std::lock_guard lock(mutex_);
  pool_ = std::make_unique<BufferPool>(buffers, kChunkBytes);
  if (!pool_->isValid())
    return Status(ErrorCode::OUT_OF_MEMORY, "no memory for " + std::to_string(buffers) + " buffers of 4 MiB");
  source_ = std::make_unique<ChunkSource>(options_.sources, options_.files, std::move(cursor));
  loaded_ = std::make_unique<InOrder<LoadedChunk>>(before.resumeChunk);
  DeviceWriter::Options writing;
  writing.device = options_.volume->device();
  writing.volumeOffsetBytes = options_.volume->volumeOffsetBytes();
  writing.queue = {options_.ioEngine, std::clamp(buffers / 2, size_t{2}, size_t{16}), pool_->slab()};
  writing.firstChunk = before.resumeChunk;
  writing.before = before;
  writing.fail = [this](const Status& status) { fail(status); };
  writer_ = std::make_unique<DeviceWriter>(std::move(writing));
  progressOf_ = writer_.get();
  if (!isStopped_) return Status::ok();
  return failure_;  // aborted before it began
}

void CopyRun::copy() {
  std::vector<std::thread> threads;
  threads.emplace_back([this] {
    writer_->run();
    std::lock_guard lock(mutex_);
    isWritten_ = true;
    ended_.notify_all();
  });
  threads.emplace_back([this] { hashAndEncrypt(); });
  readersLeft_ = readerCount_;
  for (size_t reader = 0; reader < readerCount_; reader++) {
    threads.emplace_back([this] {
      read(*source_);
      if (--readersLeft_ == 0) loaded_->close();
    });
  }
  markWhileCopying();
  for (std::thread& thread : threads) thread.join();
  mark();
}

void CopyRun::read(ChunkSource& source) {
  ChunkReader reader(options_.sources, options_.files, options_.ioEngine != IoEngine::threads);
  std::vector<SourceProblem> problems;
  while (auto buffer = pool_->lease()) {
    auto task = source.take();
    if (!task.has_value()) return;
    problems.clear();
    reader.read(*task, buffer->memory(), problems);
    for (const SourceProblem& problem : problems) {
      if (!options_.skipChanged) return fail(problem.why);
      std::lock_guard lock(eventMutex_);
      events_.dropped(problem.file, problem.why);
    }
    const uint64_t number = task->chunk.number;
    loaded_->put(number, {std::move(task->chunk), std::move(*buffer)});
  }
}

void CopyRun::hashAndEncrypt() {
  const size_t most = std::clamp(pool_->bufferCount() / 2, size_t{1}, kRunMax);
  const size_t least = std::max(pool_->bufferCount() / 3, size_t{1});
  const SectorCipher& cipher = *options_.volume->cipher();
  BlockHasher hasher;
  std::vector<LoadedChunk> run;
  std::vector<BlockHasher::Input> inputs;
  std::vector<BlockDigest> digests;
  while (loaded_->takeRun(run, std::min(least, most), most, kRunPatience)) {
    inputs.clear();
    digests.clear();
    for (const LoadedChunk& loaded : run) inputs.push_back({&loaded.chunk, loaded.buffer.memory()});
    hasher.hash(inputs, digests);
    if (Status stored = spool(digests); !stored.isOk()) {
      fail(stored);
      break;
    }
    for (LoadedChunk& loaded : run) {
      for (const ChunkRange& range : loaded.chunk.ranges)
        cipher.encrypt(range.volumeOffsetBytes,
                       loaded.buffer.memory().subspan(range.bufferOffsetBytes, range.lengthBytes));
      writer_->write(std::move(loaded));
    }
  }
  writer_->close();
}

// Blocks end in order, so their places in the spool are side by side.
Status CopyRun::spool(const std::vector<BlockDigest>& digests) const {
  if (digests.empty()) return Status::ok();
  std::vector<Md5Digest> column;
  column.reserve(digests.size());
  for (const BlockDigest& digest : digests) column.push_back(digest.digest);
  return writeAll(options_.hashSpool.number(), column.front().data(), column.size() * sizeof(Md5Digest),
                  digests.front().block * sizeof(Md5Digest));
}

void CopyRun::markWhileCopying() {
  auto marked = Clock::now();
  std::unique_lock lock(mutex_);
  while (!isWritten_ && !isStopped_) {
    // Short steps, because how much was written is only looked at, not told.
    ended_.wait_for(lock, std::min(options_.durableEvery, std::chrono::milliseconds(50)));
    if (isWritten_ || isStopped_) return;
    const bool isTime = Clock::now() - marked >= options_.durableEvery ||
                        writer_->written().resumeBytes >= markedBytes_ + options_.durableEveryBytes;
    if (!isTime) continue;
    lock.unlock();
    mark();
    marked = Clock::now();
    lock.lock();
  }
}

// What was written before the flush began is durable when it returns. Also after a failure, so that little is lost;
// a device that failed is not trusted any more.
void CopyRun::mark() {
  const ChunkTotals written = writer_->written();
  if (written.resumeChunk <= markedChunk_) return;
  {
    std::lock_guard lock(mutex_);
    const ErrorCode code = failure_.code();
    if (code == ErrorCode::DEVICE_WRITE_FAILED || code == ErrorCode::DEVICE_FULL ||
        code == ErrorCode::DEVICE_FLUSH_FAILED || code == ErrorCode::SPOOL_WRITE_FAILED)
      return;
  }
  Status status;
  if (::fdatasync(options_.hashSpool.number()) != 0)
    status = Status::fromErrno(ErrorCode::SPOOL_WRITE_FAILED, "the hashes cannot be made durable", errno);
  if (status.isOk()) status = options_.volume->device()->flush();
  if (!status.isOk()) {
    std::lock_guard lock(mutex_);
    if (failure_.isOk()) failure_ = status;
    isStopped_ = true;
    pool_->stop();
    writer_->stop();
    return;
  }
  markedChunk_ = written.resumeChunk;
  markedBytes_ = written.resumeBytes;
  std::lock_guard lock(eventMutex_);
  events_.mark(markedChunk_, markedBytes_);
}

}  // namespace diskferry::engine
