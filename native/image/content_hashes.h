// Digests of the whole content, each on its own thread, because one alone is as slow as everything else together.
#pragma once

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "crypto/message_digest.h"
#include "image/block.h"
#include "image/channel.h"

namespace diskferry::image {

// Bit 0 MD5, 1 SHA-1, 2 SHA-256.
using HashMask = unsigned;
inline constexpr std::array kHashKinds = {DigestKind::md5, DigestKind::sha1, DigestKind::sha256};

class ContentHashes {
 public:
  explicit ContentHashes(HashMask wanted);
  ~ContentHashes();

  // Blocks come in order. Waits when a digest is far behind.
  void put(const BlockPtr& block);
  // When all blocks were put. In the order of kHashKinds; empty where not wanted.
  std::array<std::vector<std::byte>, kHashKinds.size()> finish();

 private:
  struct One {
    explicit One(DigestKind kind) : digest(kind) {}
    MessageDigest digest;
    Channel<BlockPtr> blocks{64};
    std::thread thread;
  };
  std::array<std::unique_ptr<One>, kHashKinds.size()> hashes_;
};

}  // namespace diskferry::image
