// A device in memory, its image in a temporary folder, and runs between them that tell everything.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <future>
#include <random>

#include "image/capture_run.h"
#include "image/transfer_run.h"
#include "image/walk_run.h"
#include "io/faulty_sectors.h"
#include "io/memory_sectors.h"
#include "temporary_folder.h"

namespace diskferry::image {

// Blocks of text, noise and zeros in turn.
inline void fillContent(std::span<std::byte> content, uint32_t seed) {
  std::mt19937_64 random(seed);
  for (size_t at = 0; at < content.size(); at += kBlockBytes) {
    auto block = content.subspan(at, std::min<size_t>(kBlockBytes, content.size() - at));
    const size_t kind = at / kBlockBytes % 3;
    for (size_t within = 0; kind < 2 && within + 8 <= block.size(); within += 8) {
      const uint64_t value = kind == 0 ? 0x6162636465666768u + (random() & 0x0101) : random();
      std::memcpy(block.data() + within, &value, 8);
    }
  }
}

struct Captured {
  Status status;
  CaptureSummary summary;
  std::vector<ImagePosition> marks;
  std::vector<Range> unreadable;
};

struct Transferred {
  Status status;
  TransferSummary summary;
  std::vector<std::pair<size_t, Status>> failedTargets;
  std::vector<uint64_t> damaged;
  std::vector<std::pair<size_t, uint64_t>> mismatches;
};

// Runs to the end; `during` is called on every mark.
inline Captured capture(CaptureOptions options, std::function<void(CaptureRun&)> during = nullptr) {
  Captured told;
  CaptureRun* current = nullptr;
  CaptureEvents events;
  events.mark = [&](const ImagePosition& at) {
    told.marks.push_back(at);
    if (during) during(*current);
  };
  events.unreadable = [&](const Range& range) { told.unreadable.push_back(range); };
  std::promise<void> finished;
  events.finished = [&](const Status& status, CaptureSummary summary) {
    told.status = status;
    told.summary = std::move(summary);
    finished.set_value();
  };
  CaptureRun run(std::move(options), std::move(events));
  current = &run;
  run.start();
  finished.get_future().wait();
  run.join();
  return told;
}

// `during` is called once, as soon as the run has begun.
inline Transferred transfer(TransferOptions options, std::function<void(TransferRun&)> during = nullptr) {
  Transferred told;
  TransferEvents events;
  events.targetFailed = [&](size_t target, const Status& why) { told.failedTargets.emplace_back(target, why); };
  events.damaged = [&](uint64_t block, const Status&) { told.damaged.push_back(block); };
  events.mismatch = [&](size_t target, uint64_t block) { told.mismatches.emplace_back(target, block); };
  std::promise<void> finished;
  events.finished = [&](const Status& status, TransferSummary summary) {
    told.status = status;
    told.summary = std::move(summary);
    finished.set_value();
  };
  TransferRun run(std::move(options), std::move(events));
  run.start();
  if (during) during(run);
  finished.get_future().wait();
  run.join();
  return told;
}

class MadeImage {
 public:
  explicit MadeImage(uint64_t sizeBytes, uint32_t sectorBytes = 512)
      : memory(std::make_shared<MemorySectors>(sizeBytes, sectorBytes)),
        device(std::make_shared<FaultySectors>(memory)),
        path(folder_->path() + "/image") {
    fillContent(memory->bytes(), 7);
  }

  CaptureOptions options() const {
    CaptureOptions options;
    options.source = device;
    options.sizeBytes = memory->sizeBytes();
    options.path = path;
    options.hashes = 4;
    options.memoryBytes = 40 << 20;
    return options;
  }

  std::shared_ptr<ImageSource> open(const std::vector<std::byte>& index) const {
    auto source = ImageSource::open({path, SourceKind::indexed, index, 0, memory->sizeBytes()});
    REQUIRE_MESSAGE(source.isOk(), source.status().message());
    return source.take();
  }

  TransferOptions restore(std::shared_ptr<ImageSource> source, std::vector<std::shared_ptr<Sectors>> targets) const {
    TransferOptions options;
    options.source = std::move(source);
    options.targets = std::move(targets);
    options.mode = TransferMode::write;
    options.memoryBytes = 48 << 20;
    return options;
  }

  // A target full of something else.
  std::shared_ptr<MemorySectors> target(uint32_t sectorBytes = 512) const {
    auto made = std::make_shared<MemorySectors>(memory->sizeBytes(), sectorBytes);
    std::memset(made->bytes().data(), 0xAA, made->bytes().size());
    return made;
  }

  bool isRestored(MemorySectors& target) const {
    return std::memcmp(target.bytes().data(), memory->bytes().data(), memory->bytes().size()) == 0;
  }

  std::string fileBytes() const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::shared_ptr<MemorySectors> memory;
  std::shared_ptr<FaultySectors> device;

 private:
  std::unique_ptr<TemporaryFolder> folder_ = std::make_unique<TemporaryFolder>();

 public:
  std::string path;
};

// A partition table of zeros, or the old one: never the new one before everything else.
inline bool looksEmptyOrOld(MemorySectors& target) {
  auto start = target.bytes().first(kBlockBytes);
  const std::byte first = start[0];
  return (first == std::byte{0} || first == std::byte{0xAA}) &&
         std::all_of(start.begin(), start.end(), [&](std::byte byte) { return byte == first; });
}

}  // namespace diskferry::image
