#include "image/zeros.h"

#include <algorithm>
#include <cstring>

#include "io/aligned_buffer.h"
#include "lz4/frame.h"

namespace diskferry::image {

std::span<const std::byte> sharedZeros() {
  static const auto* const zeros = [] {
    auto* made = new AlignedBuffer(lz4::kBlockBytes);
    std::memset(made->data(), 0, made->size());
    return made;
  }();
  return zeros->bytes();
}

bool isZeros(std::span<const std::byte> data) {
  // Compared with a piece that stays in the first cache.
  constexpr size_t kPieceBytes = 16 << 10;
  const std::byte* const zeros = sharedZeros().data();
  for (size_t at = 0; at < data.size(); at += kPieceBytes)
    if (std::memcmp(data.data() + at, zeros, std::min(kPieceBytes, data.size() - at)) != 0) return false;
  return true;
}

}  // namespace diskferry::image
