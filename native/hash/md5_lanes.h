// MD5 of many independent messages at once, one message a SIMD lane. A single MD5 is a serial chain of additions (about
// 0.7 GB/s a core whatever the core); sixteen side by side fill the vector unit and reach several times that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace diskferry {

using Md5Digest = std::array<std::byte, 16>;

// A message whose parts come in several calls. Zero lengthBytes = fresh; the last part makes it fresh again.
struct Md5State {
  std::array<uint32_t, 4> words{0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};
  uint64_t lengthBytes = 0;
};

struct Md5Job {
  std::span<const std::byte> data;  // a multiple of 64 bytes unless isLast (else the process ends); need not be aligned
  Md5State* state = nullptr;        // null: the whole message is `data`. Two jobs of one call must not share a state.
  bool isLast = true;               // pad and write the digest
  Md5Digest* digest = nullptr;      // written when isLast and not null
};

enum class Md5Path { portable, avx2, avx512 };

// The widest path this CPU can run.
Md5Path bestMd5Path();
// Hashes all jobs; they may have any mix of lengths (lanes are refilled as messages end). Thread-safe. A path that the
// CPU does not have falls back to the next lower one. Most is gained with 32 jobs or more a call, little with one or
// two.
void md5Many(std::span<Md5Job> jobs, Md5Path path = bestMd5Path());

}  // namespace diskferry
