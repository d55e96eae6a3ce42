#include "engine/chunk_source.h"

#include <algorithm>

namespace diskferry::engine {

std::optional<ReadTask> ChunkSource::take() {
  std::lock_guard lock(mutex_);
  ReadTask task;
  if (!cursor_.next(task.chunk)) return std::nullopt;
  const auto& pieces = task.chunk.pieces;
  const auto part = std::find_if(pieces.begin(), pieces.end(), [](const Piece& piece) { return !piece.isWholeFile(); });
  if (part == pieces.end()) return task;
  if (current_ == nullptr || current_->source.file() != part->file)
    current_ = std::make_shared<SharedFile>(sources_, files_, part->file);
  task.shared = current_;
  std::lock_guard fileLock(current_->mutex);
  current_->takenPieces++;
  if (part->endsFile) {
    current_->isTakenWhole = true;
    current_.reset();
  }
  return task;
}

}  // namespace diskferry::engine
