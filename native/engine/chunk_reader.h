// Fills chunks from source files; one for each reading thread.
#pragma once

#include <vector>

#include "engine/chunk_source.h"
#include "io/read_batch.h"

namespace diskferry::engine {

// A file that cannot be copied as planned: SOURCE_CHANGED or SOURCE_READ_FAILED.
struct SourceProblem {
  size_t file;
  Status why;
};

class ChunkReader {
 public:
  ChunkReader(const SourceColumns& sources, const FileExtents& files, bool useUring)
      : sources_(sources), files_(files), batch_(useUring) {}

  // Fills the chunk's part of `memory`; clusters are zeros after the end of each file, and all zeros for a file with a
  // problem. Each file's problem is told once, before the last chunk of it that is read returns.
  void read(const ReadTask& task, std::span<std::byte> memory, std::vector<SourceProblem>& problems);

 private:
  struct Outcome {
    bool isUsable;
    Status problem;  // ok when there is none, or when another reader has told it
  };

  // A whole file that is open and waits for its read.
  struct Small {
    const Piece* piece;
    SourceFile source;
  };

  void finish(const Piece& piece, Outcome outcome, std::span<std::byte> memory, std::vector<SourceProblem>& problems);
  Status openSmall(SourceFile& source, std::span<std::byte> memory, std::vector<SourceProblem>& problems);
  void readSmall(std::span<std::byte> memory, std::vector<SourceProblem>& problems);
  Outcome readWhole(const Piece& piece, std::span<std::byte> memory);
  Outcome readShared(SharedFile& shared, const Piece& piece, std::span<std::byte> memory);
  Status openShared(SharedFile& shared);

  const SourceColumns& sources_;
  const FileExtents& files_;
  SourceDirectory directory_;
  ReadBatch batch_;
  std::vector<Small> small_;
};

}  // namespace diskferry::engine
