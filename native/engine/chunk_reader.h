// Fills chunks from source files; one for each reading thread.
#pragma once

#include <vector>

#include "engine/chunk_source.h"

namespace diskferry::engine {

// A file that cannot be copied as planned: SOURCE_CHANGED or SOURCE_READ_FAILED.
struct SourceProblem {
  size_t file;
  Status why;
};

class ChunkReader {
 public:
  ChunkReader(const SourceColumns& sources, const FileExtents& files) : sources_(sources), files_(files) {}

  // Fills the chunk's part of `memory`; clusters are zeros after the end of each file, and all zeros for a file with a
  // problem. Each file's problem is told once, before the last chunk of it that is read returns.
  void read(const ReadTask& task, std::span<std::byte> memory, std::vector<SourceProblem>& problems);

 private:
  struct Outcome {
    bool isUsable;
    Status problem;  // ok when there is none, or when another reader has told it
  };

  Outcome readWhole(const Piece& piece, std::span<std::byte> memory);
  Outcome readShared(SharedFile& shared, const Piece& piece, std::span<std::byte> memory);
  Status openShared(SharedFile& shared);

  const SourceColumns& sources_;
  const FileExtents& files_;
  SourceDirectory directory_;
};

}  // namespace diskferry::engine
