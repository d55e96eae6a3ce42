#include "engine/file_hasher.h"

namespace diskferry::engine {

std::optional<Md5Digest> FileHasher::add(const Piece& piece, std::span<const std::byte> data,
                                         const Md5Digest* blockDigest) {
  const bool isLast = piece.endsBlock && piece.endsData;
  if (piece.fileOffsetBytes == 0) {
    state_ = {};
    file_ = piece.file;
    hashedBytes_ = 0;
    if (isLast && piece.startsBlock && blockDigest != nullptr) return *blockDigest;
  }
  if (piece.file != file_ || hashedBytes_ != piece.fileOffsetBytes) return std::nullopt;  // a gap
  Md5Digest digest;
  Md5Job job{data, &state_, isLast, &digest};
  md5Many({&job, 1});
  hashedBytes_ += data.size();
  if (!isLast) return std::nullopt;
  return digest;
}

}  // namespace diskferry::engine
