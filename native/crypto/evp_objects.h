// Owners for OpenSSL's contexts, and algorithms that are fetched once: a fetch costs more than a sector. The header is
// internal to native/crypto. A context is not thread-safe, so contexts live within one call; fetched algorithms are.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <memory>

namespace diskferry::evp {

struct FreeCipherContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }  // wipes the key schedule
};
struct FreeDigestContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigestContext>;

inline CipherContext newCipherContext() { return CipherContext(EVP_CIPHER_CTX_new()); }
inline DigestContext newDigestContext() { return DigestContext(EVP_MD_CTX_new()); }

enum class Mode { xts, cbc, ecb };

// Never freed. `keyBits` is that of the AES key: 128 or 256. Null when this OpenSSL has no such cipher.
const EVP_CIPHER* aes(Mode mode, size_t keyBits);
const EVP_CIPHER* aes256Ccm();
const EVP_MD* sha256();

inline const unsigned char* raw(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }
inline unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

}  // namespace diskferry::evp
