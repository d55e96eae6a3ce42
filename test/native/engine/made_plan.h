// Columns of a copy plan that own their memory, and a maker of random ones with fragmented extents.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "engine/file_columns.h"

namespace diskferry::engine {

struct MadePlan {
  std::vector<double> sizeBytes, blockBytes, extentOffsetBytes, extentLengthBytes;
  std::vector<uint32_t> firstExtent{0};
  uint64_t nextOffsetBytes = 16 << 20;

  // Allocates whole clusters, in pieces of at most `fragmentBytes` with a gap after each.
  void addFile(uint64_t size, uint64_t clusterBytes = 4096, uint64_t fragmentBytes = UINT64_MAX,
               uint64_t block = kChunkBytes) {
    sizeBytes.push_back(static_cast<double>(size));
    blockBytes.push_back(static_cast<double>(block));
    for (uint64_t left = (size + clusterBytes - 1) / clusterBytes * clusterBytes; left > 0;) {
      const uint64_t length = std::min(left, fragmentBytes);
      extentOffsetBytes.push_back(static_cast<double>(nextOffsetBytes));
      extentLengthBytes.push_back(static_cast<double>(length));
      left -= length;
      nextOffsetBytes += length + (fragmentBytes == UINT64_MAX ? 0 : clusterBytes);
    }
    firstExtent.push_back(static_cast<uint32_t>(extentOffsetBytes.size()));
  }

  FileExtents view() const { return {sizeBytes, blockBytes, firstExtent, extentOffsetBytes, extentLengthBytes}; }
  uint64_t endBytes() const { return nextOffsetBytes; }
};

// Sizes around every boundary: nothing, one byte, clusters, chunks, several blocks.
inline MadePlan makeRandomPlan(uint32_t seed) {
  std::mt19937 random(seed);
  MadePlan plan;
  const uint64_t cluster = std::array{512, 4096, 65536}[random() % 3];
  const size_t count = random() % 60;
  for (size_t file = 0; file < count; file++) {
    const uint64_t scale =
        std::array<uint64_t, 5>{0, cluster, 100'000, kChunkBytes, 5 * uint64_t{kChunkBytes}}[random() % 5];
    uint64_t size = scale == 0 ? 0 : random() % 3 == 0 ? scale + random() % 3 - 1 : random() % scale;
    const uint64_t fragment = random() % 4 == 0 ? cluster * (1 + random() % 40) : UINT64_MAX;
    plan.addFile(size, cluster, fragment, kChunkBytes * uint64_t{1 + random() % 3 / 2 * 2});
  }
  return plan;
}

}  // namespace diskferry::engine
