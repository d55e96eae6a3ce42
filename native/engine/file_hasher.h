// MD5 of whole files, from the blocks of a run in order: what a blob's Content-MD5 is. The digest of a file of one
// block is known already; a longer one is a serial chain, about 0.7 GB/s.
#pragma once

#include <optional>

#include "engine/chunk_cursor.h"
#include "hash/md5_lanes.h"

namespace diskferry::engine {

class FileHasher {
 public:
  // The next piece; the file's digest when it ends in it. `blockDigest` is that of the block that ends here, if any.
  // A file with a piece that was not read has none.
  std::optional<Md5Digest> add(const Piece& piece, std::span<const std::byte> data, const Md5Digest* blockDigest);

 private:
  Md5State state_;
  size_t file_ = ~size_t{0};  // that is open
  uint64_t hashedBytes_ = 0;  // of it
};

}  // namespace diskferry::engine
