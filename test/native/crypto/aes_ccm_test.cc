#include "crypto/aes_ccm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hex.h"

using namespace diskferry;

namespace {

struct Vector {
  const char* name;
  const char* key;
  const char* nonce;
  const char* tag;
  const char* ciphertext;
  const char* plaintext;  // a key datum: 12 bytes of header, then the key
};

// The first two: blobs of a volume that Windows encrypted. The others: of one that four independent readers open.
const Vector kVectors[] = {
    {"VMK of a Windows volume", "1a39f926dab83e947fa85125b91e556e9ecc2bc5968924e03de234878d1fd4bd",
     "c049ba6f3632d50106000000", "0cf85869dd1a2a024c48d0f6aa00b997",
     "005e2014c039b7de88e6906efdbe83055dcb5c097dbe3fe86860ef7bae367a13178587cd8cd11af5713d0bb7",
     "e5862465920b1190605ae29547623fb9c0dbafab073c85634bfb0f8a4b8cf46b"},
    {"FVEK of a Windows volume", "e5862465920b1190605ae29547623fb9c0dbafab073c85634bfb0f8a4b8cf46b",
     "c049ba6f3632d50108000000", "c83ef7a71e23b0b146ffd20691856484",
     "bf886e2f056985d40b004f3b46d5929a1f1a09b20d2778fa3ca2d803f29ea3395c6b4723dd601b34997ae75e",
     "cc493ad40376cf719d3725073d5c1a6ca5759fc4ad179c95572f16c01a260d66"},
    {"VMK of a volume of our making", "9ffdab2f071ac3b493b569eba8ff6eb90ad0008f6668c5ede68a1ae6c217aadf",
     "b084a06e725ddb0104000000", "0520dca29f663aaa8a6d587c90516b69",
     "ad3d7089d4c09708a11b380dedabe3ec4b4826d8166e4a209301e0b8dc47d92dbbe56c98d37d9eff81eaf3b0",
     "2c0000000100000003200000fc301fe27be723d08fa94515e0f2de410eaae51c601d8d251d245a533810b3a0"},
    {"FVEK of a volume of our making", "fc301fe27be723d08fa94515e0f2de410eaae51c601d8d251d245a533810b3a0",
     "b084a06e725ddb0105000000", "e09a120f83240bb9976b5c8b97a1c5fb",
     "90f783ebcce39318eb9b90e92159990b569ebf483c6f9a18f575dba8fd2ef8199d0c0b54b18decee30c106a5",
     "2c0000000100000004800000de94fc84b57569d2623c9806b3cd2ee05bd66fe17e324843a4b034e65abe5fbe"},
};

template <typename Array>
Array arrayOf(const char* hex) {
  Array array;
  std::vector<std::byte> bytes = fromHex(hex);
  REQUIRE(bytes.size() == array.size());
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

}  // namespace

TEST_CASE("crypto: AES-CCM opens and seals BitLocker's key blobs") {
  for (const Vector& vector : kVectors) {
    CAPTURE(vector.name);
    auto key = fromHex(vector.key);
    auto ciphertext = fromHex(vector.ciphertext);
    auto nonce = arrayOf<CcmNonce>(vector.nonce);
    auto tag = arrayOf<CcmTag>(vector.tag);
    auto opened = aesCcmOpen(key, nonce, ciphertext, tag);
    REQUIRE(opened.isOk());
    std::string plaintext = toHex(opened.value().bytes());
    CHECK(plaintext.ends_with(vector.plaintext));

    std::vector<std::byte> sealed(ciphertext.size());
    CcmTag sealedTag;
    REQUIRE(aesCcmSeal(key, nonce, opened.value().bytes(), sealed, sealedTag).isOk());
    CHECK(sealed == ciphertext);
    CHECK(sealedTag == tag);
  }
}

TEST_CASE("crypto: AES-CCM refuses a blob in which any bit of key, nonce, tag or ciphertext changed") {
  const Vector& vector = kVectors[0];
  auto key = fromHex(vector.key);
  auto nonce = arrayOf<CcmNonce>(vector.nonce);
  auto tag = arrayOf<CcmTag>(vector.tag);
  auto ciphertext = fromHex(vector.ciphertext);
  for (std::span<std::byte> part : {std::span<std::byte>(key), std::span<std::byte>(nonce), std::span<std::byte>(tag),
                                    std::span<std::byte>(ciphertext)})
    for (size_t bit = 0; bit < part.size() * 8; bit++) {
      std::byte flip = std::byte{1} << (bit % 8);
      part[bit / 8] ^= flip;
      auto opened = aesCcmOpen(key, nonce, ciphertext, tag);
      REQUIRE_FALSE(opened.isOk());
      REQUIRE(opened.status().code() == ErrorCode::KEY_WRONG);
      part[bit / 8] ^= flip;
    }
  CHECK(aesCcmOpen(key, nonce, ciphertext, tag).isOk());
}

TEST_CASE("crypto: AES-CCM seals and opens messages of every small length, the empty one too") {
  auto key = fromHex(kVectors[0].key);
  CcmNonce nonce{};
  for (size_t length = 0; length <= 100; length++) {
    std::vector<std::byte> plaintext(length, std::byte{0x5a});
    std::vector<std::byte> ciphertext(length);
    CcmTag tag;
    REQUIRE(aesCcmSeal(key, nonce, plaintext, ciphertext, tag).isOk());
    auto opened = aesCcmOpen(key, nonce, ciphertext, tag);
    REQUIRE(opened.isOk());
    CHECK(std::ranges::equal(opened.value().bytes(), plaintext));
    tag[0] ^= std::byte{1};
    auto refused = aesCcmOpen(key, nonce, ciphertext, tag);
    REQUIRE_FALSE(refused.isOk());
    CHECK(refused.status().code() == ErrorCode::KEY_WRONG);
  }
}

TEST_CASE("crypto: AES-CCM refuses keys and messages of the wrong length") {
  std::vector<std::byte> key(16), plaintext(44), ciphertext(43);
  CcmTag tag;
  CHECK(aesCcmSeal(key, CcmNonce{}, plaintext, plaintext, tag).code() == ErrorCode::INTERNAL);
  CHECK(aesCcmOpen(key, CcmNonce{}, plaintext, CcmTag{}).status().code() == ErrorCode::INTERNAL);
  key.resize(32);
  CHECK(aesCcmSeal(key, CcmNonce{}, plaintext, ciphertext, tag).code() == ErrorCode::INTERNAL);
  std::vector<std::byte> tooLong(0x1000000);
  CHECK(aesCcmSeal(key, CcmNonce{}, tooLong, tooLong, tag).code() == ErrorCode::INTERNAL);
}
