// The Elephant diffuser of Windows Vista and 7 volumes: mixes a whole sector, so that a change of one ciphertext bit
// spreads over all of it. Without a key; the cipher around it adds one (evp_ciphers.h).
#pragma once

#include <cstddef>
#include <span>

namespace diskferry {

// In place over one sector of 512 or 4096 bytes; each undoes the other.
void diffuse(std::span<std::byte> sector);
void undiffuse(std::span<std::byte> sector);

}  // namespace diskferry
