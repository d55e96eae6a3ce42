// Sectors that fail on purpose, for tests: the nth call, ranges, a full device, and the loss of what was not flushed
// when the power goes.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "sectors.h"

namespace diskferry {

class FaultySectors final : public Sectors {
 public:
  struct Range {
    uint64_t offsetBytes;
    uint64_t lengthBytes;
    int systemError;
  };

  explicit FaultySectors(std::shared_ptr<Sectors> below) : below_(std::move(below)) {}

  // Calls are counted from 1, each kind by itself; 0 = never.
  std::atomic<uint64_t> failReadAtCall{0}, failWriteAtCall{0}, failFlushAtCall{0};
  std::atomic<int> systemError{EIO};
  // Every call from the named one on fails too.
  std::atomic<bool> staysBroken{true};
  std::vector<Range> unreadable, unwritable;  // set before use
  std::function<void()> beforeWrite;          // set before use; may wait
  // Writes wait in memory until flush(); losePower() forgets them.
  std::atomic<bool> hasWriteCache{false};

  uint64_t sizeBytes() const override { return below_->sizeBytes(); }
  uint32_t sectorBytes() const override { return below_->sectorBytes(); }

  Status read(uint64_t offsetBytes, std::span<std::byte> into) override {
    DISKFERRY_TRY(check(failReadAtCall, reads_, unreadable, offsetBytes, into.size(), ErrorCode::DEVICE_READ_FAILED));
    DISKFERRY_TRY(below_->read(offsetBytes, into));
    std::lock_guard lock(mutex_);
    for (const auto& [offset, data] : cached_) overlay(offset, data, offsetBytes, into);
    return Status::ok();
  }

  Status write(uint64_t offsetBytes, std::span<const std::byte> from) override {
    if (beforeWrite) beforeWrite();
    DISKFERRY_TRY(
        check(failWriteAtCall, writes_, unwritable, offsetBytes, from.size(), ErrorCode::DEVICE_WRITE_FAILED));
    if (!hasWriteCache) return below_->write(offsetBytes, from);
    std::lock_guard lock(mutex_);
    cached_.emplace_back(offsetBytes, std::vector<std::byte>(from.begin(), from.end()));
    return Status::ok();
  }

  Status flush() override {
    DISKFERRY_TRY(check(failFlushAtCall, flushes_, {}, 0, 0, ErrorCode::DEVICE_FLUSH_FAILED));
    std::lock_guard lock(mutex_);
    for (const auto& [offset, data] : cached_) DISKFERRY_TRY(below_->write(offset, data));
    cached_.clear();
    return below_->flush();
  }

  void losePower() {
    std::lock_guard lock(mutex_);
    cached_.clear();
  }

  uint64_t writeCalls() const { return writes_; }
  uint64_t flushCalls() const { return flushes_; }

 private:
  using Cached = std::vector<std::pair<uint64_t, std::vector<std::byte>>>;

  Status check(uint64_t failAt, std::atomic<uint64_t>& calls, const std::vector<Range>& ranges, uint64_t offset,
               uint64_t length, ErrorCode code) const {
    const uint64_t call = ++calls;
    if (failAt != 0 && (call == failAt || (staysBroken && call > failAt))) return failure(code, offset, systemError);
    for (const Range& range : ranges)
      if (offset < range.offsetBytes + range.lengthBytes && range.offsetBytes < offset + length)
        return failure(code, offset, range.systemError);
    return Status::ok();
  }

  static Status failure(ErrorCode code, uint64_t offset, int error) {
    if (code == ErrorCode::DEVICE_WRITE_FAILED && error == ENOSPC) code = ErrorCode::DEVICE_FULL;
    return Status::fromErrno(code, "faulty device: at offset " + std::to_string(offset), error);
  }

  static void overlay(uint64_t offset, const std::vector<std::byte>& data, uint64_t wanted, std::span<std::byte> into) {
    const uint64_t start = std::max(offset, wanted);
    const uint64_t end = std::min(offset + data.size(), wanted + into.size());
    if (start < end) std::memcpy(into.data() + (start - wanted), data.data() + (start - offset), end - start);
  }

  std::shared_ptr<Sectors> below_;
  std::mutex mutex_;
  Cached cached_;  // in the order of the writes
  std::atomic<uint64_t> reads_{0}, writes_{0}, flushes_{0};
};

}  // namespace diskferry
