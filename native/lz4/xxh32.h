// XXH32, the checksum of LZ4 frames. liblz4 has it too, but under a name that no header of it promises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace diskferry::lz4 {

uint32_t xxh32(std::span<const std::byte> data, uint32_t seed = 0);

}  // namespace diskferry::lz4
