#include "hash/md5_lanes.h"

#include <cstdlib>
#include <cstring>

#include "hash/md5_blocks.h"
#include "little_endian.h"

namespace diskferry {

namespace {

// What padding makes of the last bytes: one or two blocks.
struct Md5Tail {
  std::array<std::byte, 2 * kMd5BlockBytes> bytes;
  size_t blocks;
};

void pad(Md5Tail& tail, std::span<const std::byte> rest, uint64_t messageBytes) {
  tail.bytes.fill(std::byte{0});
  if (!rest.empty()) std::memcpy(tail.bytes.data(), rest.data(), rest.size());
  tail.bytes[rest.size()] = std::byte{0x80};
  tail.blocks = rest.size() < kMd5BlockBytes - 8 ? 1 : 2;
  store64(&tail.bytes[tail.blocks * kMd5BlockBytes - 8], messageBytes * 8);
}

void hashOne(Md5Job& job) {
  Md5State fresh;
  Md5State& state = job.state != nullptr ? *job.state : fresh;
  size_t wholeBlocks = job.data.size() / kMd5BlockBytes;
  size_t restBytes = job.data.size() % kMd5BlockBytes;
  if (!job.isLast && restBytes != 0) std::abort();
  md5Blocks(state.words, job.data.data(), wholeBlocks);
  state.lengthBytes += job.data.size();
  if (!job.isLast) return;
  Md5Tail tail;
  pad(tail, job.data.last(restBytes), state.lengthBytes);
  md5Blocks(state.words, tail.bytes.data(), tail.blocks);
  std::memcpy(job.digest->data(), state.words.data(), job.digest->size());
  state = Md5State();
}

}  // namespace

Md5Path bestMd5Path() { return Md5Path::portable; }

void md5Many(std::span<Md5Job> jobs, Md5Path) {
  for (Md5Job& job : jobs) hashOne(job);
}

}  // namespace diskferry
