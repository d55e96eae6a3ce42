#include "engine/chunk_cursor.h"

#include <algorithm>

namespace diskferry::engine {

namespace {

// More pieces than this make one reader's turn too long (each is an open and a read), more ranges too many writes.
constexpr size_t kPiecesMax = 1024;
constexpr size_t kRangesMax = 64;

}  // namespace

ChunkCursor::ChunkCursor(const FileExtents& files) : files_(files) { enterFile(); }

void ChunkCursor::enterFile() {
  fileOffset_ = 0;
  allocated_ = 0;
  if (file_ == files_.fileCount()) return;
  extent_ = files_.firstExtent[file_];
  extentDone_ = 0;
  for (size_t extent = extent_; extent < files_.firstExtent[file_ + 1]; extent++)
    allocated_ += static_cast<uint64_t>(files_.extentLengthBytes[extent]);
}

bool ChunkCursor::next(Chunk& chunk) {
  chunk.pieces.clear();
  chunk.ranges.clear();
  chunk.usedBytes = 0;
  chunk.number = number_;
  while (takePiece(chunk)) {
  }
  if (chunk.pieces.empty()) return false;
  number_++;
  const Piece& last = chunk.pieces.back();
  const bool blockIsOpen = last.dataBytes > 0 && !last.endsBlock;
  totals_.resumeChunk = blockIsOpen ? openBlockChunk_ : number_;
  totals_.resumeBytes = blockIsOpen ? openBlockBytes_ : totals_.bytes;
  chunk.totals = totals_;
  return true;
}

// Adds the next piece if there is one and it fits.
bool ChunkCursor::takePiece(Chunk& chunk) {
  if (file_ == files_.fileCount() || chunk.pieces.size() == kPiecesMax || chunk.ranges.size() >= kRangesMax)
    return false;
  const uint64_t size = files_.size(file_);
  const uint64_t blockBytes = files_.block(file_);
  const uint64_t most = std::min<uint64_t>(blockBytes, kChunkBytes);  // a piece has no more than one block in it
  const auto length = static_cast<uint32_t>(std::min<uint64_t>(allocated_ - fileOffset_, most));
  if (length > kChunkBytes - chunk.usedBytes) return false;
  Piece piece;
  piece.file = file_;
  piece.fileOffsetBytes = fileOffset_;
  piece.dataBytes = static_cast<uint32_t>(std::min<uint64_t>(size - std::min(size, fileOffset_), length));
  piece.paddedBytes = length;
  piece.bufferOffsetBytes = chunk.usedBytes;
  if (piece.dataBytes > 0) {
    const uint64_t dataEnd = fileOffset_ + piece.dataBytes;
    piece.block = firstBlock_ + fileOffset_ / blockBytes;
    piece.startsBlock = fileOffset_ % blockBytes == 0;
    piece.endsData = dataEnd == size;
    piece.endsBlock = piece.endsData || dataEnd % blockBytes == 0;
    if (piece.startsBlock && !piece.endsBlock) {
      openBlockChunk_ = number_;
      openBlockBytes_ = totals_.bytes;
    }
  }
  mapExtents(chunk, length);
  chunk.usedBytes += length;
  fileOffset_ += length;
  totals_.bytes += piece.dataBytes;
  piece.endsFile = fileOffset_ == allocated_;
  chunk.pieces.push_back(piece);
  if (piece.endsFile) {
    totals_.files++;
    firstBlock_ += files_.blockCount(file_);
    file_++;
    enterFile();
  }
  return true;
}

void ChunkCursor::mapExtents(Chunk& chunk, uint32_t lengthBytes) {
  for (uint32_t mapped = 0; mapped < lengthBytes;) {
    const auto start = static_cast<uint64_t>(files_.extentOffsetBytes[extent_]) + extentDone_;
    const uint64_t left = static_cast<uint64_t>(files_.extentLengthBytes[extent_]) - extentDone_;
    const auto length = static_cast<uint32_t>(std::min<uint64_t>(left, lengthBytes - mapped));
    if (!chunk.ranges.empty() && chunk.ranges.back().volumeOffsetBytes + chunk.ranges.back().lengthBytes == start)
      chunk.ranges.back().lengthBytes += length;
    else
      chunk.ranges.push_back({start, chunk.usedBytes + mapped, length});
    mapped += length;
    extentDone_ += length;
    if (length == left) {
      extent_++;
      extentDone_ = 0;
    }
  }
}

Status ChunkCursor::seek(uint64_t number) {
  Chunk passedBy;
  while (number_ < number && next(passedBy)) {
  }
  if (number_ == number && totals_.resumeChunk != number && number != 0)
    return Status(ErrorCode::INTERNAL, "copying cannot start at chunk " + std::to_string(number) +
                                           ": it lies inside a block that begins at chunk " +
                                           std::to_string(totals_.resumeChunk));
  return Status::ok();
}

}  // namespace diskferry::engine
