#include "crypto/evp_objects.h"

namespace diskferry::evp {

const EVP_CIPHER* aes(Mode mode, size_t keyBits) {
  static const EVP_CIPHER* const xts128 = EVP_CIPHER_fetch(nullptr, "AES-128-XTS", nullptr);
  static const EVP_CIPHER* const xts256 = EVP_CIPHER_fetch(nullptr, "AES-256-XTS", nullptr);
  static const EVP_CIPHER* const cbc128 = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);
  static const EVP_CIPHER* const cbc256 = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  static const EVP_CIPHER* const ecb128 = EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr);
  static const EVP_CIPHER* const ecb256 = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  bool isShort = keyBits == 128;
  switch (mode) {
    case Mode::xts:
      return isShort ? xts128 : xts256;
    case Mode::cbc:
      return isShort ? cbc128 : cbc256;
    case Mode::ecb:
      return isShort ? ecb128 : ecb256;
  }
  return nullptr;
}

const EVP_CIPHER* aes256Ccm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CCM", nullptr);
  return cipher;
}

const EVP_MD* sha256() {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return digest;
}

}  // namespace diskferry::evp
