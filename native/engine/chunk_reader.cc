#include "engine/chunk_reader.h"

#include <algorithm>
#include <cerrno>

namespace diskferry::engine {

namespace {

// Larger files gain nothing from being read together.
constexpr uint32_t kSmallBytesMax = 1 << 20;

}  // namespace

void ChunkReader::read(const ReadTask& task, std::span<std::byte> memory, std::vector<SourceProblem>& problems) {
  for (const Piece& piece : task.chunk.pieces) {
    auto place = memory.subspan(piece.bufferOffsetBytes, piece.paddedBytes);
    if (!piece.isWholeFile()) {
      finish(piece, readShared(*task.shared, piece, place), memory, problems);
    } else if (piece.dataBytes == 0 || piece.dataBytes > kSmallBytesMax) {
      finish(piece, readWhole(piece, place), memory, problems);
    } else {
      SourceFile source(sources_, files_, piece.file);
      Status opened = openSmall(source, memory, problems);
      if (opened.isOk())
        small_.push_back({&piece, std::move(source)});
      else
        finish(piece, {false, std::move(opened)}, memory, problems);
    }
    if (small_.size() == ReadBatch::kReadsMax) readSmall(memory, problems);
  }
  readSmall(memory, problems);
}

void ChunkReader::finish(const Piece& piece, Outcome outcome, std::span<std::byte> memory,
                         std::vector<SourceProblem>& problems) {
  auto place = memory.subspan(piece.bufferOffsetBytes, piece.paddedBytes);
  // After reading, because a direct read may have overrun.
  const size_t clearFrom = outcome.isUsable ? piece.dataBytes : 0;
  std::fill(place.begin() + static_cast<ptrdiff_t>(clearFrom), place.end(), std::byte{0});
  if (!outcome.problem.isOk()) problems.push_back({piece.file, std::move(outcome.problem)});
}

// The readers of several drives may together want more descriptors than the process may have; those of this batch are
// given back first.
Status ChunkReader::openSmall(SourceFile& source, std::span<std::byte> memory, std::vector<SourceProblem>& problems) {
  Status opened = source.open(directory_);
  const bool isShort = opened.systemError() == EMFILE || opened.systemError() == ENFILE;
  if (!isShort || small_.empty()) return opened;
  readSmall(memory, problems);
  return source.open(directory_);
}

void ChunkReader::readSmall(std::span<std::byte> memory, std::vector<SourceProblem>& problems) {
  for (const Small& small : small_) {
    const size_t length = std::min<size_t>(directLength(small.piece->dataBytes), small.piece->paddedBytes);
    batch_.add(small.source.descriptor(), memory.subspan(small.piece->bufferOffsetBytes, length));
  }
  const std::vector<int64_t>& results = batch_.run();
  for (size_t index = 0; index < small_.size(); index++) {
    const auto& [piece, source] = small_[index];
    auto place = memory.subspan(piece->bufferOffsetBytes, piece->paddedBytes);
    // Whatever went wrong, reading it alone finds out what.
    Status status = results[index] >= static_cast<int64_t>(piece->dataBytes)
                        ? Status::ok()
                        : source.read(0, place.first(piece->dataBytes), place.size());
    if (status.isOk()) status = source.recheck();
    finish(*piece, {status.isOk(), status}, memory, problems);
  }
  small_.clear();
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
