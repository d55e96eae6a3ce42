// Keeps the lanes full: a lane whose message ends takes the next one, and the last bytes of a message with their
// padding are a run of blocks like any other, in a small buffer of the lane.
#include "hash/md5_lanes.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "hash/md5_blocks.h"
#include "little_endian.h"

namespace diskferry {

namespace {

struct Kernels {
  // Up to this many messages are faster one after the other than in mostly idle lanes.
  size_t serialMax;
  size_t narrowLanes;
  size_t wideLanes;
  void (*narrow)(Md5LaneWords&, const std::byte* const*, size_t);
  void (*wide)(Md5LaneWords&, const std::byte* const*, size_t);
};

bool canRun(Md5Path path) {
#if defined(__x86_64__)
  if (path == Md5Path::avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
  if (path == Md5Path::avx2) return __builtin_cpu_supports("avx2");
#endif
  return path == Md5Path::portable;
}

// Null: no lanes on this path.
const Kernels* kernelsOf(Md5Path path) {
#if defined(__x86_64__)
  static constexpr Kernels kAvx512 = {1, 16, 32, md5Avx512Lanes16, md5Avx512Lanes32};
  static constexpr Kernels kAvx2 = {2, 8, 16, md5Avx2Lanes8, md5Avx2Lanes16};
  if (path == Md5Path::avx512 && canRun(path)) return &kAvx512;
  if (path != Md5Path::portable && canRun(Md5Path::avx2)) return &kAvx2;
#else
  (void)path;
#endif
  return nullptr;
}

// What padding makes of the last bytes: one or two blocks.
struct Tail {
  std::array<std::byte, 2 * kMd5BlockBytes> bytes;
  size_t blocks = 0;
};

// One message (or part of one) on its way: first the whole blocks of its data, then, when it is the last part, the
// tail.
struct Lane {
  Md5Job* job = nullptr;
  const std::byte* data = nullptr;
  size_t blocks = 0;  // left of the current run
  bool isTailDone = false;
  Tail* tail = nullptr;
};

void begin(Lane& lane, Md5Job& job) {
  if (!job.isLast && job.data.size() % kMd5BlockBytes != 0)
    std::abort();  // the caller's bug: the digest would be wrong
  lane.job = &job;
  lane.data = job.data.data();
  lane.blocks = job.data.size() / kMd5BlockBytes;
  lane.isTailDone = !job.isLast;
}

void pad(Tail& tail, const Md5Job& job) {
  std::span<const std::byte> rest = job.data.last(job.data.size() % kMd5BlockBytes);
  uint64_t messageBytes = job.data.size() + (job.state != nullptr ? job.state->lengthBytes : 0);
  tail.bytes.fill(std::byte{0});
  if (!rest.empty()) std::memcpy(tail.bytes.data(), rest.data(), rest.size());
  tail.bytes[rest.size()] = std::byte{0x80};
  tail.blocks = rest.size() < kMd5BlockBytes - 8 ? 1 : 2;
  store64(&tail.bytes[tail.blocks * kMd5BlockBytes - 8], messageBytes * 8);
}

// After a run: goes on with the tail. False when the message is at its end.
bool nextRun(Lane& lane) {
  if (lane.isTailDone) return false;
  pad(*lane.tail, *lane.job);
  lane.data = lane.tail->bytes.data();
  lane.blocks = lane.tail->blocks;
  lane.isTailDone = true;
  return true;
}

std::array<uint32_t, 4> firstWords(const Md5Job& job) {
  return job.state != nullptr ? job.state->words : Md5State().words;
}

void finish(Md5Job& job, const std::array<uint32_t, 4>& words) {
  if (!job.isLast) {
    if (job.state == nullptr) return;
    job.state->words = words;
    job.state->lengthBytes += job.data.size();
    return;
  }
  if (job.digest != nullptr) std::memcpy(job.digest->data(), words.data(), job.digest->size());
  if (job.state != nullptr) *job.state = Md5State();
}

// The rest of a message without lanes.
void runSerially(Lane& lane, std::array<uint32_t, 4> words) {
  do {
    md5Blocks(words, lane.data, lane.blocks);
  } while (nextRun(lane));
  finish(*lane.job, words);
}

class Lanes {
 public:
  Lanes(const Kernels& kernels, std::span<Md5Job*> queue) : kernels_(kernels), queue_(queue) {
    for (size_t index = 0; index < kMd5LanesMax; index++) lanes_[index].tail = &tails_[index];
  }

  void run() {
    while (live_ < kernels_.wideLanes && !queue_.empty()) take(live_++);
    while (live_ > kernels_.serialMax) {
      size_t blocks = runKernel();
      // Backwards, because a lane that ends is replaced by the last one.
      for (size_t index = live_; index-- > 0;) advance(index, blocks);
    }
    for (size_t index = 0; index < live_; index++) runSerially(lanes_[index], wordsOf(index));
  }

 private:
  void take(size_t index) {
    Md5Job& job = *queue_.front();
    queue_ = queue_.subspan(1);
    begin(lanes_[index], job);
    // A message below one block starts with its tail: no lane may stand at 0 blocks, or nobody would advance.
    if (lanes_[index].blocks == 0) nextRun(lanes_[index]);
    setWords(index, firstWords(job));
  }

  // All lanes together, until the first of them is at the end of its run. Returns how many blocks that were.
  size_t runKernel() {
    bool isNarrow = live_ <= kernels_.narrowLanes;
    size_t blocks = SIZE_MAX;
    std::array<const std::byte*, kMd5LanesMax> data;
    for (size_t index = 0; index < live_; index++) {
      blocks = std::min(blocks, lanes_[index].blocks);
      data[index] = lanes_[index].data;
    }
    if (blocks == 0) return 0;  // an empty part of a message
    std::fill(data.begin() + live_, data.end(), data[0]);
    (isNarrow ? kernels_.narrow : kernels_.wide)(words_, data.data(), blocks);
    return blocks;
  }

  void advance(size_t index, size_t blocks) {
    Lane& lane = lanes_[index];
    lane.data += blocks * kMd5BlockBytes;
    lane.blocks -= blocks;
    if (lane.blocks > 0 || nextRun(lane)) return;
    finish(*lane.job, wordsOf(index));
    if (!queue_.empty()) {
      take(index);
    } else if (--live_ != index) {
      std::swap(lane, lanes_[live_]);
      setWords(index, wordsOf(live_));
    }
  }

  std::array<uint32_t, 4> wordsOf(size_t index) const {
    return {words_.word[0][index], words_.word[1][index], words_.word[2][index], words_.word[3][index]};
  }
  void setWords(size_t index, const std::array<uint32_t, 4>& words) {
    for (size_t word = 0; word < words.size(); word++) words_.word[word][index] = words[word];
  }

  const Kernels& kernels_;
  std::span<Md5Job*> queue_;
  size_t live_ = 0;  // lanes [0, live_) have a message
  Md5LaneWords words_{};
  std::array<Lane, kMd5LanesMax> lanes_;
  std::array<Tail, kMd5LanesMax> tails_;
};

}  // namespace

Md5Path bestMd5Path() {
  for (Md5Path path : {Md5Path::avx512, Md5Path::avx2})
    if (canRun(path)) return path;
  return Md5Path::portable;
}

void md5Many(std::span<Md5Job> jobs, Md5Path path) {
  const Kernels* kernels = kernelsOf(path);
  if (kernels == nullptr || jobs.size() <= kernels->serialMax) {
    Tail tail;
    Lane lane;
    lane.tail = &tail;
    for (Md5Job& job : jobs) {
      begin(lane, job);
      runSerially(lane, firstWords(job));
    }
    return;
  }
  std::vector<Md5Job*> queue;
  queue.reserve(jobs.size());
  for (Md5Job& job : jobs) queue.push_back(&job);
  // The longest first, or one that starts last would end alone.
  auto isLonger = [](const Md5Job* left, const Md5Job* right) { return left->data.size() > right->data.size(); };
  if (!std::is_sorted(queue.begin(), queue.end(), isLonger)) std::sort(queue.begin(), queue.end(), isLonger);
  Lanes(*kernels, queue).run();
}

}  // namespace diskferry
