// SHA-256 of one buffer.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace diskferry {

using Sha256Digest = std::array<std::byte, 32>;

Sha256Digest sha256(std::span<const std::byte> data);

}  // namespace diskferry
