#include "engine/device_writer.h"

namespace diskferry::engine {

DeviceWriter::DeviceWriter(Options options)
    : options_(std::move(options)), next_(options_.firstChunk), written_(options_.before) {}

void DeviceWriter::write(LoadedChunk chunk) {
  std::lock_guard lock(mutex_);
  inbox_.push_back(std::move(chunk));
  if (queue_ != nullptr) queue_->wake();
}

void DeviceWriter::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  if (queue_ != nullptr) queue_->wake();
}

void DeviceWriter::stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  if (queue_ != nullptr) queue_->wake();
}

ChunkTotals DeviceWriter::written() const {
  std::lock_guard lock(mutex_);
  return written_;
}

std::string DeviceWriter::engineName() const {
  std::lock_guard lock(mutex_);
  return engineName_;
}

void DeviceWriter::run() {
  auto made = makeIoQueue(options_.device, options_.queue);
  if (!made.isOk()) return options_.fail(made.status());
  std::unique_ptr<IoQueue> queue = made.take();
  {
    std::lock_guard lock(mutex_);
    queue_ = queue.get();
    engineName_ = queue->engineName();
  }
  std::deque<LoadedChunk> fresh;
  std::vector<IoCompletion> completions;
  while (true) {
    bool isEnding = false, isStopped = false;
    {
      std::lock_guard lock(mutex_);
      isStopped = stopped_;
      isEnding = closed_ || stopped_;
      fresh.swap(inbox_);
    }
    if (!isStopped) begin(*queue, fresh);
    fresh.clear();
    if (isEnding && queue->inFlight() == 0) break;
    completions.clear();
    queue->wait(completions);
    for (IoCompletion& completion : completions) {
      Writing& writing = writing_.at(completion.tag);
      if (!completion.status.isOk())
        options_.fail(completion.status);  // keeps its buffer and never counts as written
      else if (--writing.rangesLeft == 0)
        finish(completion.tag);
    }
  }
  {
    std::lock_guard lock(mutex_);
    queue_ = nullptr;
  }
  queue.reset();
  writing_.clear();
}

void DeviceWriter::begin(IoQueue& queue, std::deque<LoadedChunk>& chunks) {
  for (LoadedChunk& loaded : chunks) {
    const uint64_t number = loaded.chunk.number;
    auto& [held, rangesLeft] = writing_.emplace(number, Writing{std::move(loaded), 0}).first->second;
    rangesLeft = held.chunk.ranges.size();
    for (const ChunkRange& range : held.chunk.ranges)
      queue.submit({IoRequest::Kind::write, options_.volumeOffsetBytes + range.volumeOffsetBytes,
                    held.buffer.memory().subspan(range.bufferOffsetBytes, range.lengthBytes), number});
    if (rangesLeft == 0) finish(number);  // empty files only
  }
}

void DeviceWriter::finish(uint64_t number) {
  auto node = writing_.extract(number);
  outOfOrder_.emplace(number, node.mapped().loaded.chunk.totals);
  node.mapped().loaded.buffer.release();
  std::lock_guard lock(mutex_);
  while (!outOfOrder_.empty() && outOfOrder_.begin()->first == next_) {
    written_ = outOfOrder_.begin()->second;
    outOfOrder_.erase(outOfOrder_.begin());
    next_++;
  }
}

}  // namespace diskferry::engine
