#include "image/block_digests.h"

#include <algorithm>
#include <vector>

#include "image/zeros.h"

namespace diskferry::image {

namespace {

// As many blocks as the widest MD5 has lanes; it takes twice as many a little more quickly.
constexpr size_t kLanes = 16;
constexpr size_t kRunMax = 2 * kLanes;
constexpr std::chrono::milliseconds kRunPatience{50};

}  // namespace

Md5Digest digestOfZeros(uint32_t lengthBytes) {
  const auto compute = [](uint32_t length) {
    Md5Digest digest;
    Md5Job job;
    job.data = sharedZeros().first(length);
    job.digest = &digest;
    md5Many({&job, 1});
    return digest;
  };
  static const Md5Digest whole = compute(kBlockBytes);
  return lengthBytes == kBlockBytes ? whole : compute(lengthBytes);
}

BlockDigests::BlockDigests(size_t bufferCount, std::function<void(const Block&, const Md5Digest&)> done)
    : done_(std::move(done)) {
  size_t most = std::clamp(bufferCount * 2 / 5, size_t{1}, kRunMax);
  if (most > kLanes) most = most / kLanes * kLanes;
  const size_t least = std::min(most, kLanes);
  thread_ = std::thread([this, least, most] { work(least, most); });
}

BlockDigests::~BlockDigests() {
  blocks_.stop();
  if (thread_.joinable()) thread_.join();
}

void BlockDigests::put(BlockPtr block) {
  if (!block->isZeros) {
    blocks_.put(std::move(block));
    return;
  }
  done_(*block, digestOfZeros(static_cast<uint32_t>(block->content.size())));
}

void BlockDigests::finish() {
  blocks_.close();
  if (thread_.joinable()) thread_.join();
}

void BlockDigests::work(size_t least, size_t most) {
  std::vector<BlockPtr> run;
  std::vector<Md5Digest> digests;
  std::vector<Md5Job> jobs;
  while (blocks_.takeRun(run, least, most, kRunPatience)) {
    digests.resize(run.size());
    jobs.clear();
    for (size_t index = 0; index < run.size(); index++) {
      Md5Job& job = jobs.emplace_back();
      job.data = run[index]->content;
      job.digest = &digests[index];
    }
    md5Many(jobs);
    for (size_t index = 0; index < run.size(); index++) done_(*run[index], digests[index]);
    run.clear();
  }
}

}  // namespace diskferry::image
