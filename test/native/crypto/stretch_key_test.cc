#include "crypto/stretch_key.h"

#include <doctest/doctest.h>

#include "crypto/sha256.h"
#include "hex.h"

using namespace diskferry;

TEST_CASE("crypto: SHA-256 gives the digests of FIPS 180-2") {
  CHECK(toHex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(toHex(sha256(fromHex("616263"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  std::vector<std::byte> million(1'000'000, std::byte{'a'});
  CHECK(toHex(sha256(million)) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("crypto: stretching gives the keys of known volumes") {
  struct Vector {
    const char* name;
    const char* input;
    const char* salt;
    const char* stretched;
    bool isRecoveryKey;  // `input` is the 16-byte key, still to be hashed
  };
  // Windows volumes first; the last is a volume of our making that four independent readers open.
  const Vector vectors[] = {
      {"recovery password of a Windows volume", "be531d7f315abf04a0553557c67932d2", "2ba080989af9b50c203aaebd0b40d498",
       "1a39f926dab83e947fa85125b91e556e9ecc2bc5968924e03de234878d1fd4bd", true},
      {"passphrase of a Windows volume", "0d6cbf9e5d75af220d7ac3e9f35d05f56952608dd1dacb31774452c489eadc51",
       "8d7637cc5d885d5ff4f748dbc8440d2e", "37554410c6e0df5b4fe096259f4a21b847338d3e8d8d8d8c30012d1447cca957", false},
      {"recovery password of our making", "7ab9132e2862b8447e8c483e9c07408e", "27f3133791bd1fb58ea6080f254c292e",
       "9ffdab2f071ac3b493b569eba8ff6eb90ad0008f6668c5ede68a1ae6c217aadf", true},
  };
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    std::vector<std::byte> input = fromHex(vector.input);
    if (vector.isRecoveryKey) {
      Sha256Digest digest = sha256(input);
      input.assign(digest.begin(), digest.end());
    }
    CHECK(toHex(stretchKey(input, fromHex(vector.salt)).bytes()) == vector.stretched);
  }
  // SHA-256 twice of "anaconda" in UTF-16LE is the input of the second.
  auto once = sha256(fromHex("61006e00610063006f006e0064006100"));
  CHECK(toHex(sha256(once)) == vectors[1].input);
}
