// Reads of many small files at once. Handed to the kernel together, reads that lie side by side on the disk can become
// one request, and none waits for the one before it.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace diskferry {

class ReadBatch {
 public:
  static constexpr size_t kReadsMax = 64;

  // For one thread. Without io_uring (`useUring` false, or the kernel has none or forbids it) the reads follow each
  // other.
  explicit ReadBatch(bool useUring);
  ~ReadBatch();
  ReadBatch(const ReadBatch&) = delete;
  ReadBatch& operator=(const ReadBatch&) = delete;

  // At most kReadsMax between two runs; read at offset 0.
  void add(int descriptor, std::span<std::byte> into);
  // Does what was added and returns, in that order, the bytes read or the negative error number. The result is valid
  // until the next run().
  const std::vector<int64_t>& run();

 private:
  struct Read {
    int descriptor;
    std::span<std::byte> into;
  };

  bool runTogether();

  struct io_uring ring_ {};
  bool hasRing_ = false;
  std::vector<Read> reads_;
  std::vector<int64_t> results_;
};

}  // namespace diskferry
