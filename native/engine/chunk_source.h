// Where the readers of a run get their work: chunks in order, and the files that several chunks share. A large file is
// opened once and read by several threads; whoever finishes its last outstanding piece looks whether it changed.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/chunk_cursor.h"
#include "engine/source_file.h"

namespace diskferry::engine {

// A file that is cut into several pieces.
struct SharedFile {
  SharedFile(const SourceColumns& sources, const FileExtents& files, size_t file) : source(sources, files, file) {}

  std::mutex mutex;  // guards what follows, and the opening of `source`
  SourceFile source;
  bool isOpened = false;
  size_t takenPieces = 0;
  size_t finishedPieces = 0;
  bool isTakenWhole = false;  // no more pieces will be taken
  Status problem;             // the first one; it stays
};

struct ReadTask {
  Chunk chunk;
  // The file of the one piece that is not a whole file. There is at most one: the beginning of a large file fills a
  // chunk, so its end never shares one with the beginning of the next.
  std::shared_ptr<SharedFile> shared;
};

class ChunkSource {
 public:
  ChunkSource(const SourceColumns& sources, const FileExtents& files, ChunkCursor cursor)
      : sources_(sources), files_(files), cursor_(std::move(cursor)) {}

  // The next chunk to read. Each reader takes it only after it has a buffer, so that the lowest chunk that is not
  // done always has one and the pipeline cannot run dry.
  std::optional<ReadTask> take();

 private:
  const SourceColumns& sources_;
  const FileExtents& files_;
  std::mutex mutex_;
  ChunkCursor cursor_;
  std::shared_ptr<SharedFile> current_;
};

}  // namespace diskferry::engine
