#include "crypto/message_digest.h"

#include <cstdlib>

#include "crypto/evp_objects.h"

namespace diskferry {

namespace {

const EVP_MD* algorithm(DigestKind kind) {
  switch (kind) {
    case DigestKind::md5:
      return EVP_md5();
    case DigestKind::sha1:
      return EVP_sha1();
    case DigestKind::sha256:
      return evp::sha256();
  }
  return nullptr;
}

}  // namespace

void MessageDigest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

// None of these fails except without memory, or in an OpenSSL without the algorithm: nothing that a caller could
// handle.
MessageDigest::MessageDigest(DigestKind kind) : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), algorithm(kind), nullptr) != 1) std::abort();
}

void MessageDigest::update(std::span<const std::byte> data) {
  if (EVP_DigestUpdate(context_.get(), data.data(), data.size()) != 1) std::abort();
}

std::vector<std::byte> MessageDigest::finish() {
  std::vector<std::byte> digest(EVP_MAX_MD_SIZE);
  unsigned length = 0;
  if (EVP_DigestFinal_ex(context_.get(), evp::raw(digest.data()), &length) != 1) std::abort();
  digest.resize(length);
  return digest;
}

}  // namespace diskferry
