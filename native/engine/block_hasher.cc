#include "engine/block_hasher.h"

#include <deque>

namespace diskferry::engine {

void BlockHasher::hash(std::span<const Input> run, std::vector<BlockDigest>& digests) {
  struct Pending {
    Md5Job job;
    size_t digest;  // index in `digests`, which may still move
  };
  // Round k holds the k-th piece of each block in this run: pieces of one block depend on each other, blocks do not.
  std::vector<std::vector<Pending>> rounds;
  std::deque<Md5State> states;
  Md5State* state = &open_;
  size_t round = 0;
  for (const Input& input : run) {
    for (const Piece& piece : input.chunk->pieces) {
      if (piece.dataBytes == 0) continue;
      if (piece.startsBlock) {
        round = 0;
        if (!piece.endsBlock) state = &states.emplace_back();
      }
      Pending pending{{}, digests.size()};
      pending.job.data = input.memory.subspan(piece.bufferOffsetBytes, piece.dataBytes);
      pending.job.state = piece.startsBlock && piece.endsBlock ? nullptr : state;
      pending.job.isLast = piece.endsBlock;
      if (piece.endsBlock) digests.push_back({piece.block, piece.file, {}});
      if (rounds.size() == round) rounds.emplace_back();
      rounds[round++].push_back(pending);
    }
  }
  std::vector<Md5Job> jobs;
  for (const auto& pieces : rounds) {
    jobs.clear();
    for (const Pending& pending : pieces) {
      jobs.push_back(pending.job);
      if (pending.job.isLast) jobs.back().digest = &digests[pending.digest].digest;
    }
    md5Many(jobs);
  }
  open_ = *state;
}

}  // namespace diskferry::engine
