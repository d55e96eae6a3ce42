#include "image/content_hashes.h"

#include "image/zeros.h"

namespace diskferry::image {

namespace {

// Zeros are hashed from a piece that stays in the first cache: nothing has to come from memory.
void update(MessageDigest& digest, const Block& block) {
  constexpr size_t kPieceBytes = 16 << 10;
  if (!block.isZeros) return digest.update(block.content);
  const auto zeros = sharedZeros().first(kPieceBytes);
  size_t left = block.content.size();
  for (; left > kPieceBytes; left -= kPieceBytes) digest.update(zeros);
  digest.update(zeros.first(left));
}

}  // namespace

ContentHashes::ContentHashes(HashMask wanted) {
  for (size_t index = 0; index < kHashKinds.size(); index++) {
    if ((wanted & (1u << index)) == 0) continue;
    hashes_[index] = std::make_unique<One>(kHashKinds[index]);
    One* one = hashes_[index].get();
    one->thread = std::thread([one] {
      while (auto block = one->blocks.take()) update(one->digest, **block);
    });
  }
}

ContentHashes::~ContentHashes() {
  for (auto& one : hashes_) {
    if (one == nullptr || !one->thread.joinable()) continue;
    one->blocks.stop();
    one->thread.join();
  }
}

void ContentHashes::put(const BlockPtr& block) {
  for (auto& one : hashes_)
    if (one != nullptr) one->blocks.put(block);
}

std::array<std::vector<std::byte>, kHashKinds.size()> ContentHashes::finish() {
  std::array<std::vector<std::byte>, kHashKinds.size()> digests;
  for (auto& one : hashes_)
    if (one != nullptr) one->blocks.close();
  for (size_t index = 0; index < hashes_.size(); index++) {
    if (hashes_[index] == nullptr) continue;
    hashes_[index]->thread.join();
    digests[index] = hashes_[index]->digest.finish();
  }
  return digests;
}

}  // namespace diskferry::image
