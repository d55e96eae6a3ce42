// Cuts the files of a drive into chunks of at most 4 MiB, in file order: one piece of a large file, or many small files
// (or small blocks of one file) side by side. Pure: the same columns give the same chunks with the same numbers, which
// is what resuming rests on. Chunks are made one at a time and not kept, so a drive of any size costs no memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/file_columns.h"

namespace diskferry::engine {

// The part of one file that lies in a chunk: data, then zeros up to the end of its clusters.
struct Piece {
  size_t file = 0;
  uint64_t fileOffsetBytes = 0;  // a multiple of kChunkBytes, or of a smaller block
  uint32_t dataBytes = 0;        // 0 for an empty file
  uint32_t paddedBytes = 0;      // dataBytes and the zeros after them
  uint32_t bufferOffsetBytes = 0;
  uint64_t block = 0;  // counted over all files
  bool startsBlock = false;
  bool endsBlock = false;  // both false for a piece without data
  bool endsData = false;   // of the file; zeros up to the end of its clusters may follow
  bool endsFile = false;

  bool isWholeFile() const { return fileOffsetBytes == 0 && endsFile; }
};

// A run of bytes of the chunk's buffer that is one run on the volume.
struct ChunkRange {
  uint64_t volumeOffsetBytes = 0;
  uint32_t bufferOffsetBytes = 0;
  uint32_t lengthBytes = 0;
};

// Totals over this chunk and all before it.
struct ChunkTotals {
  uint64_t bytes = 0;  // of file data
  uint64_t files = 0;
  // Where a run may start when everything up to here is done: the next chunk, or the first chunk of a block that is
  // not complete, because half a digest cannot be kept.
  uint64_t resumeChunk = 0;
  uint64_t resumeBytes = 0;
};

struct Chunk {
  uint64_t number = 0;
  std::vector<Piece> pieces;
  std::vector<ChunkRange> ranges;
  uint32_t usedBytes = 0;
  ChunkTotals totals;
};

class ChunkCursor {
 public:
  // `files` has passed checkExtents().
  explicit ChunkCursor(const FileExtents& files);

  // The next chunk; false at the end.
  bool next(Chunk& chunk);
  // Skips chunks before `number`, which is 0 or was a resumeChunk; INTERNAL when it cannot be one. Beyond the end there
  // is nothing left to do, which is no error.
  Status seek(uint64_t number);
  // Totals of what has been passed.
  const ChunkTotals& passed() const { return totals_; }

 private:
  void enterFile();
  bool takePiece(Chunk& chunk);
  void mapExtents(Chunk& chunk, uint32_t lengthBytes);

  FileExtents files_;
  uint64_t number_ = 0;
  size_t file_ = 0;
  uint64_t fileOffset_ = 0;
  uint64_t allocated_ = 0;
  uint64_t firstBlock_ = 0;  // of the file
  size_t extent_ = 0;
  uint64_t extentDone_ = 0;
  ChunkTotals totals_;
  uint64_t openBlockChunk_ = 0;  // where the block that is not complete began
  uint64_t openBlockBytes_ = 0;
};

}  // namespace diskferry::engine
