#include "image/walk_run.h"

#include <array>

#include "image/stored_reader.h"

namespace diskferry::image {

namespace {

constexpr size_t kBuffers = 16;

}  // namespace

WalkRun::~WalkRun() {
  abort();
  join();
}

void WalkRun::start() {
  thread_ = std::thread([this] {
    Status status = walk();
    {
      std::lock_guard lock(mutex_);
      if (status.isOk() && isStopped_) status = Status(ErrorCode::INTERRUPTED, "walking the image was interrupted");
    }
    finished_(status, summary_);
  });
}

void WalkRun::abort() {
  std::lock_guard lock(mutex_);
  isStopped_ = true;
  if (reader_ != nullptr) reader_->stop();
}

void WalkRun::join() {
  if (thread_.joinable()) thread_.join();
}

Status WalkRun::walk() {
  auto file = ImageFile::open(path_);
  if (!file.isOk()) return file.status();
  std::array<std::byte, lz4::kHeaderBytes> header{};
  auto there = file.value()->read(0, header);
  if (!there.isOk()) return there.status();
  auto size = lz4::parseFrameHeader(std::span(header).first(there.value()));
  if (!size.isOk()) return Status(size.status().code(), path_ + ": " + size.status().message());
  bytesTotal_ = summary_.sizeBytes = size.value();
  summary_.imageBytes = lz4::kHeaderBytes;

  auto pool = std::make_shared<BufferPool>(kBuffers, kBlockBytes);
  if (!pool->isValid()) return Status(ErrorCode::OUT_OF_MEMORY, "no memory for walking an image");
  StoredReader reader({file.take(), summary_.sizeBytes, nullptr, {}, UINT64_MAX, pool, 0});
  {
    std::lock_guard lock(mutex_);
    if (isStopped_) return Status::ok();
    reader_ = &reader;
  }
  const Status status = reader.run([this](const BlockPtr& block) {
    if (!block->damage.isOk()) {
      summary_.reason = block->damage.message();
      return false;
    }
    summary_.blocks++;
    summary_.imageBytes = block->imageEndBytes;
    bytesDone_ += block->content.size();
    return true;
  });
  std::lock_guard lock(mutex_);
  reader_ = nullptr;
  if (summary_.reason.empty()) summary_.reason = reader.walkEnd().message();
  summary_.isComplete = summary_.reason.empty() && !isStopped_;
  return status;
}

}  // namespace diskferry::image
