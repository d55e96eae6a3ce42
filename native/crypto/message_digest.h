// A digest of a message that comes in parts: MD5, SHA-1 or SHA-256 as OpenSSL computes them.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

struct evp_md_ctx_st;

namespace diskferry {

enum class DigestKind { md5, sha1, sha256 };

class MessageDigest {
 public:
  explicit MessageDigest(DigestKind kind);
  void update(std::span<const std::byte> data);
  // Once, last.
  std::vector<std::byte> finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace diskferry
