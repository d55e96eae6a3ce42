#include "engine/chunk_reader.h"

#include <algorithm>

namespace diskferry::engine {

void ChunkReader::read(const ReadTask& task, std::span<std::byte> memory, std::vector<SourceProblem>& problems) {
  for (const Piece& piece : task.chunk.pieces) {
    auto place = memory.subspan(piece.bufferOffsetBytes, piece.paddedBytes);
    Outcome outcome = piece.isWholeFile() ? readWhole(piece, place) : readShared(*task.shared, piece, place);
    // After reading, because a direct read may have overrun.
    const size_t clearFrom = outcome.isUsable ? piece.dataBytes : 0;
    std::fill(place.begin() + static_cast<ptrdiff_t>(clearFrom), place.end(), std::byte{0});
    if (!outcome.problem.isOk()) problems.push_back({piece.file, std::move(outcome.problem)});
  }
}

ChunkReader::Outcome ChunkReader::readWhole(const Piece& piece, std::span<std::byte> memory) {
  SourceFile source(sources_, files_, piece.file);
  Status status = source.open(directory_);
  if (status.isOk() && piece.dataBytes > 0) {
    status = source.read(0, memory.first(piece.dataBytes), memory.size());
    if (status.isOk()) status = source.recheck();
  }
  return {status.isOk(), status};
}

Status ChunkReader::openShared(SharedFile& shared) {
  std::lock_guard lock(shared.mutex);
  if (shared.isOpened) return Status::ok();
  shared.isOpened = true;
  shared.problem = shared.source.open(directory_);
  return shared.problem;
}

ChunkReader::Outcome ChunkReader::readShared(SharedFile& shared, const Piece& piece, std::span<std::byte> memory) {
  Status status = openShared(shared);
  const bool isNews = !status.isOk();
  if (!isNews) status = shared.source.read(piece.fileOffsetBytes, memory.first(piece.dataBytes), memory.size());
  std::lock_guard lock(shared.mutex);
  shared.finishedPieces++;
  if (isNews) return {false, status};
  if (!shared.problem.isOk()) return {false, Status::ok()};  // another reader has told it
  const bool isLast = shared.isTakenWhole && shared.finishedPieces == shared.takenPieces;
  if (status.isOk() && isLast) status = shared.source.recheck();
  shared.problem = status;
  return {status.isOk(), status};
}

}  // namespace diskferry::engine
