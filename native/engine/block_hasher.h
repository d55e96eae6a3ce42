// MD5 of the blocks in a run of chunks, side by side in SIMD lanes. A block is usually one piece; one that spans chunks
// is carried from run to run.
#pragma once

#include <vector>

#include "engine/chunk_cursor.h"
#include "hash/md5_lanes.h"

namespace diskferry::engine {

struct BlockDigest {
  uint64_t block;
  size_t file;
  Md5Digest digest;
};

class BlockHasher {
 public:
  struct Input {
    const Chunk* chunk;
    std::span<const std::byte> memory;
  };

  // Appends the digests of all blocks that end in `run`, in order. Runs come in order too.
  void hash(std::span<const Input> run, std::vector<BlockDigest>& digests);

 private:
  Md5State open_;  // of the block that the last run left open
};

}  // namespace diskferry::engine
