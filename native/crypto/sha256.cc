#include "crypto/sha256.h"

#include <cstdlib>

#include "crypto/evp_objects.h"

namespace diskferry {

Sha256Digest sha256(std::span<const std::byte> data) {
  Sha256Digest digest;
  // Fails only without memory, or in an OpenSSL without SHA-256: nothing that a caller could handle.
  if (EVP_Digest(data.data(), data.size(), evp::raw(digest.data()), nullptr, evp::sha256(), nullptr) != 1) std::abort();
  return digest;
}

}  // namespace diskferry
