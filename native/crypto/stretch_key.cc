#include "crypto/stretch_key.h"

#include <cstdlib>
#include <cstring>

#include "crypto/evp_objects.h"
#include "little_endian.h"

namespace diskferry {

namespace {

// What is hashed in every round: the last digest, the input, the salt, and the number of the round as u64.
constexpr size_t kInputAt = 32;
constexpr size_t kSaltAt = 64;
constexpr size_t kCounterAt = 80;
constexpr size_t kStateBytes = 88;

}  // namespace

SecureBytes stretchKey(std::span<const std::byte> input32, std::span<const std::byte> salt16) {
  if (input32.size() != 32 || salt16.size() != 16) std::abort();
  SecureBytes state(kStateBytes);
  std::byte* bytes = state.bytes().data();
  std::memcpy(bytes + kInputAt, input32.data(), input32.size());
  std::memcpy(bytes + kSaltAt, salt16.data(), salt16.size());
  // One context and a digest fetched once: four times as fast as a one-shot call a round.
  evp::DigestContext context = evp::newDigestContext();
  for (uint64_t round = 0; round < kStretchRounds; round++) {
    store64(bytes + kCounterAt, round);
    if (EVP_DigestInit_ex2(context.get(), evp::sha256(), nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), bytes, kStateBytes) != 1 ||
        EVP_DigestFinal_ex(context.get(), evp::raw(bytes), nullptr) != 1)
      std::abort();  // no memory, or an OpenSSL without SHA-256
  }
  return SecureBytes(state.bytes().first(32));
}

}  // namespace diskferry
