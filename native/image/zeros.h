// Zeros: whether a block is nothing else, and memory that all of them share.
#pragma once

#include <cstddef>
#include <span>

namespace diskferry::image {

// 4 MiB, aligned for direct I/O, never written to.
std::span<const std::byte> sharedZeros();

bool isZeros(std::span<const std::byte> data);

}  // namespace diskferry::image
