#include "engine/verify_run.h"

#include <algorithm>
#include <cstring>

namespace diskferry::engine {

namespace {

constexpr size_t kBuffersMin = 4;
constexpr size_t kRunMax = 32;
constexpr std::chrono::milliseconds kRunPatience{100};

}  // namespace

VerifyRun::VerifyRun(VerifyOptions options, VerifyEvents events)
    : options_(std::move(options)), events_(std::move(events)) {}

VerifyRun::~VerifyRun() {
  abort();
  join();
}

void VerifyRun::start() {
  thread_ = std::thread([this] { run(); });
}

void VerifyRun::abort() {
  isStopped_ = true;
  wakeReader();
}

void VerifyRun::join() {
  if (thread_.joinable()) thread_.join();
}

void VerifyRun::wakeReader() {
  std::lock_guard lock(queueMutex_);
  if (queue_ != nullptr) queue_->wake();
}

void VerifyRun::run() {
  const auto began = std::chrono::steady_clock::now();
  Status status = prepare();
  if (status.isOk()) {
    const size_t depth = std::clamp(pool_->bufferCount() / 2, size_t{2}, size_t{16});
    auto made = makeIoQueue(options_.volume->device(), {options_.ioEngine, depth, pool_->slab()});
    if (made.isOk()) {
      std::unique_ptr<IoQueue> queue = made.take();
      std::thread comparer([this] { decryptAndCompare(); });
      {
        std::lock_guard lock(queueMutex_);
        queue_ = queue.get();
      }
      readAll(*queue);
      read_->close();
      comparer.join();
      std::lock_guard lock(queueMutex_);
      queue_ = nullptr;
    }
    status = made.status();
  }
  if (status.isOk() && isStopped_) status = Status(ErrorCode::INTERRUPTED, "verifying was interrupted");
  summary_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  events_.finished(status, summary_);
}

Status VerifyRun::prepare() {
  const FileExtents& files = options_.files;
  DISKFERRY_TRY(checkExtents(files, *options_.volume));
  uint64_t blocks = 0, bytes = 0;
  for (size_t file = 0; file < files.fileCount(); file++) {
    firstBlock_.push_back(blocks);
    blocks += files.blockCount(file);
    bytes += files.size(file);
  }
  bytesTotal_ = bytes;
  if (options_.expected.size() != blocks * sizeof(Md5Digest) ||
      (!options_.skippedBlocks.empty() && options_.skippedBlocks.size() != blocks))
    return Status(ErrorCode::INTERNAL, "verify: the files have " + std::to_string(blocks) + " blocks, but there are " +
                                           std::to_string(options_.expected.size() / sizeof(Md5Digest)) +
                                           " hashes to compare with");
  const size_t buffers = std::max(options_.memoryBytes / kChunkBytes, kBuffersMin);
  pool_ = options_.pool != nullptr ? options_.pool : std::make_shared<BufferPool>(buffers, kChunkBytes);
  if (!pool_->isValid())
    return Status(ErrorCode::OUT_OF_MEMORY, "no memory for " + std::to_string(buffers) + " buffers of 4 MiB");
  cursor_ = std::make_unique<ChunkCursor>(files);
  read_ = std::make_unique<InOrder<ReadChunk>>(0);
  return Status::ok();
}

void VerifyRun::readAll(IoQueue& queue) {
  std::vector<IoCompletion> completions;
  bool isExhausted = false;
  while (true) {
    while (!isExhausted && !isStopped_) {
      auto buffer = pool_->tryLease();
      if (!buffer.has_value()) break;
      isExhausted = !begin(queue, std::move(*buffer));
    }
    if (queue.inFlight() == 0 && (isExhausted || isStopped_)) return;
    completions.clear();
    queue.wait(completions);  // or until a buffer is free
    for (const IoCompletion& completion : completions) {
      auto reading = reading_.find(completion.tag);
      if (!completion.status.isOk()) reading->second.read.isReadable = false;
      if (--reading->second.rangesLeft > 0) continue;
      read_->put(completion.tag, std::move(reading->second.read));
      reading_.erase(reading);
    }
  }
}

// Starts to read the next chunk; false when there is none.
bool VerifyRun::begin(IoQueue& queue, BufferPool::Lease buffer) {
  ReadChunk read{{{}, std::move(buffer)}, true};
  Chunk& chunk = read.loaded.chunk;
  if (!cursor_->next(chunk)) return false;
  bool isWanted = false;
  for (Piece& piece : chunk.pieces) {
    // Without data, the hasher passes over it.
    if (isSkipped(piece)) piece.dataBytes = 0;
    isWanted = isWanted || piece.dataBytes > 0;
  }
  const uint64_t number = chunk.number;
  if (!isWanted) {
    chunk.ranges.clear();
    read_->put(number, std::move(read));
    return true;
  }
  const size_t rangeCount = chunk.ranges.size();  // `chunk` is moved from in the next line
  const Reading& reading = reading_.emplace(number, Reading{std::move(read), rangeCount}).first->second;
  const LoadedChunk& loaded = reading.read.loaded;
  for (const ChunkRange& range : loaded.chunk.ranges)
    queue.submit({IoRequest::Kind::read, options_.volume->volumeOffsetBytes() + range.volumeOffsetBytes,
                  loaded.buffer.memory().subspan(range.bufferOffsetBytes, range.lengthBytes), number});
  return true;
}

bool VerifyRun::isSkipped(const Piece& piece) const {
  return piece.dataBytes > 0 && !options_.skippedBlocks.empty() && options_.skippedBlocks[piece.block] != 0;
}

void VerifyRun::decryptAndCompare() {
  const size_t most = std::clamp(pool_->bufferCount() / 2, size_t{1}, kRunMax);
  const size_t least = std::min(std::max(pool_->bufferCount() / 3, size_t{1}), most);
  const SectorCipher& cipher = *options_.volume->cipher();
  BlockHasher hasher;
  std::vector<ReadChunk> run;
  std::vector<BlockHasher::Input> inputs;
  std::vector<BlockDigest> digests;
  while (read_->takeRun(run, least, most, kRunPatience)) {
    inputs.clear();
    digests.clear();
    for (ReadChunk& read : run) {
      LoadedChunk& loaded = read.loaded;
      if (!read.isReadable) retryByPiece(loaded);
      for (const ChunkRange& range : loaded.chunk.ranges)
        cipher.decrypt(range.volumeOffsetBytes,
                       loaded.buffer.memory().subspan(range.bufferOffsetBytes, range.lengthBytes));
      inputs.push_back({&loaded.chunk, loaded.buffer.memory()});
    }
    hasher.hash(inputs, digests);
    compare(digests);
    bytesDone_ = run.back().loaded.chunk.totals.bytes;
    size_t nextDigest = 0;
    if (events_.chunk)
      for (ReadChunk& read : run) handOver(std::move(read), digests, nextDigest);
    run.clear();
    wakeReader();
  }
}

// A chunk may hold many files: only those that lie on the bad sectors are unreadable.
void VerifyRun::retryByPiece(LoadedChunk& loaded) {
  for (Piece& piece : loaded.chunk.pieces) {
    if (piece.dataBytes == 0) continue;
    Status status = readPiece(loaded, piece);
    if (status.isOk()) continue;
    const bool isWholeBlock = piece.startsBlock && piece.endsBlock;
    const bool isNews = isWholeBlock || brokenBlocks_.insert(piece.block).second;
    if (piece.endsBlock) brokenBlocks_.erase(piece.block);
    piece.dataBytes = 0;
    if (events_.chunk) badBlocks_[piece.block] = BlockState::unreadable;
    if (!isNews) continue;
    summary_.unreadable++;
    events_.unreadable(piece.file, blockInFile(piece.file, piece.block), status);
  }
}

Status VerifyRun::readPiece(const LoadedChunk& loaded, const Piece& piece) const {
  const uint64_t start = piece.bufferOffsetBytes, end = start + piece.paddedBytes;
  for (const ChunkRange& range : loaded.chunk.ranges) {
    const uint64_t from = std::max<uint64_t>(start, range.bufferOffsetBytes);
    const uint64_t to = std::min<uint64_t>(end, range.bufferOffsetBytes + uint64_t{range.lengthBytes});
    if (from >= to) continue;
    const uint64_t offset = range.volumeOffsetBytes + (from - range.bufferOffsetBytes);
    DISKFERRY_TRY(options_.volume->device()->read(options_.volume->volumeOffsetBytes() + offset,
                                                  loaded.buffer.memory().subspan(from, to - from)));
  }
  return Status::ok();
}

void VerifyRun::compare(const std::vector<BlockDigest>& digests) {
  for (const BlockDigest& found : digests) {
    if (brokenBlocks_.erase(found.block) != 0) continue;
    const uint64_t block = blockInFile(found.file, found.block);
    const uint64_t blockBytes = options_.files.block(found.file);
    summary_.blocks++;
    summary_.bytes += std::min(blockBytes, options_.files.size(found.file) - block * blockBytes);
    const std::byte* wanted = options_.expected.data() + found.block * sizeof(Md5Digest);
    if (std::memcmp(wanted, found.digest.data(), sizeof(Md5Digest)) == 0) continue;
    if (events_.chunk) badBlocks_[found.block] = BlockState::damaged;
    summary_.mismatches++;
    events_.mismatch(found.file, block);
  }
}

// `digests` holds the run's blocks in the order in which they end.
void VerifyRun::handOver(ReadChunk read, const std::vector<BlockDigest>& digests, size_t& nextDigest) {
  ComparedChunk compared{{}, std::move(read.loaded.buffer)};
  for (const Piece& piece : read.loaded.chunk.pieces) {
    const auto bad = badBlocks_.find(piece.block);
    if (piece.dataBytes == 0 && (bad == badBlocks_.end() || !piece.endsBlock)) continue;  // skipped, or empty
    ComparedPiece& told = compared.pieces.emplace_back();
    told = {piece.file,
            blockInFile(piece.file, piece.block),
            piece.fileOffsetBytes,
            piece.dataBytes,
            piece.bufferOffsetBytes,
            BlockState::open,
            std::nullopt};
    const Md5Digest* digest = nullptr;
    while (nextDigest < digests.size() && digests[nextDigest].block < piece.block) nextDigest++;
    if (piece.endsBlock) {
      told.state = bad == badBlocks_.end() ? BlockState::sound : bad->second;
      if (bad != badBlocks_.end()) badBlocks_.erase(bad);
      if (nextDigest < digests.size() && digests[nextDigest].block == piece.block) digest = &digests[nextDigest].digest;
    }
    if (options_.hashesFiles && piece.dataBytes > 0)
      told.fileDigest =
          fileHasher_.add(piece, compared.buffer.memory().subspan(piece.bufferOffsetBytes, piece.dataBytes), digest);
  }
  if (!compared.pieces.empty()) events_.chunk(std::move(compared));
}

}  // namespace diskferry::engine
