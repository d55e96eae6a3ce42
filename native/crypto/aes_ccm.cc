#include "crypto/aes_ccm.h"

#include <string>
#include <utility>

#include "crypto/evp_objects.h"

namespace diskferry {

namespace {

// A 12-byte nonce leaves 3 bytes of length (RFC 3610).
constexpr size_t kMessageBytesMax = 0xffffff;

Status checkSizes(std::span<const std::byte> key32, size_t messageBytes) {
  if (key32.size() != 32)
    return Status(ErrorCode::INTERNAL, "AES-256-CCM needs 32 key bytes but received " + std::to_string(key32.size()));
  if (messageBytes > kMessageBytesMax)
    return Status(ErrorCode::INTERNAL, "AES-CCM with a 12-byte nonce seals at most 16777215 bytes but received " +
                                           std::to_string(messageBytes));
  return Status::ok();
}

Status opensslFailed() { return Status(ErrorCode::INTERNAL, "OpenSSL refused an AES-256-CCM operation"); }

// CCM's odd order: tag length (and, to open, the tag) before the key, then the message length, then the message at
// once.
bool begin(EVP_CIPHER_CTX* context, bool seal, std::span<const std::byte> key32, const CcmNonce& nonce,
           const CcmTag& tag, size_t messageBytes) {
  int encrypt = seal ? 1 : 0;
  void* expectedTag = seal ? nullptr : const_cast<std::byte*>(tag.data());
  int ignored = 0;
  return context != nullptr && EVP_CipherInit_ex2(context, evp::aes256Ccm(), nullptr, nullptr, encrypt, nullptr) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(nonce.size()), nullptr) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), expectedTag) == 1 &&
         EVP_CipherInit_ex2(context, nullptr, evp::raw(key32.data()), evp::raw(nonce.data()), encrypt, nullptr) == 1 &&
         EVP_CipherUpdate(context, nullptr, &ignored, nullptr, static_cast<int>(messageBytes)) == 1;
}

// OpenSSL takes a null pointer for "no message yet", so an empty message needs some address.
const unsigned char* messageAddress(std::span<const std::byte> message) {
  static const unsigned char nothing = 0;
  return message.empty() ? &nothing : evp::raw(message.data());
}

}  // namespace

Status aesCcmSeal(std::span<const std::byte> key32, const CcmNonce& nonce, std::span<const std::byte> plaintext,
                  std::span<std::byte> ciphertext, CcmTag& tag) {
  DISKFERRY_TRY(checkSizes(key32, plaintext.size()));
  if (ciphertext.size() != plaintext.size())
    return Status(ErrorCode::INTERNAL, "AES-CCM: plaintext and ciphertext differ in length");
  evp::CipherContext context = evp::newCipherContext();
  unsigned char nowhere[16];
  unsigned char* into = ciphertext.empty() ? nowhere : evp::raw(ciphertext.data());
  int written = 0;
  if (!begin(context.get(), true, key32, nonce, tag, plaintext.size()) ||
      EVP_EncryptUpdate(context.get(), into, &written, messageAddress(plaintext), static_cast<int>(plaintext.size())) !=
          1 ||
      EVP_EncryptFinal_ex(context.get(), nowhere, &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) != 1)
    return opensslFailed();
  return Status::ok();
}

Result<SecureBytes> aesCcmOpen(std::span<const std::byte> key32, const CcmNonce& nonce,
                               std::span<const std::byte> ciphertext, const CcmTag& tag) {
  DISKFERRY_TRY(checkSizes(key32, ciphertext.size()));
  evp::CipherContext context = evp::newCipherContext();
  if (!begin(context.get(), false, key32, nonce, tag, ciphertext.size())) return opensslFailed();
  SecureBytes plaintext(ciphertext.size());
  unsigned char nowhere[16];
  unsigned char* into = ciphertext.empty() ? nowhere : evp::raw(plaintext.bytes().data());
  int written = 0;
  // For CCM this is the call that compares the tag.
  if (EVP_DecryptUpdate(context.get(), into, &written, messageAddress(ciphertext),
                        static_cast<int>(ciphertext.size())) != 1)
    return Status(ErrorCode::KEY_WRONG, "the key does not open this data: the authentication tag differs");
  return Result<SecureBytes>(std::move(plaintext));
}

}  // namespace diskferry
