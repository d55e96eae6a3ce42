// Known answers for every method, then all paths against the OpenSSL one over random places, lengths and alignments.
#include "crypto/sector_cipher.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "crypto/sha256.h"
#include "hex.h"

using namespace diskferry;

namespace {

constexpr CipherMethod kMethods[] = {CipherMethod::cbc128Diffuser, CipherMethod::cbc256Diffuser, CipherMethod::cbc128,
                                     CipherMethod::cbc256,         CipherMethod::xts128,         CipherMethod::xts256};
constexpr CipherPath kPaths[] = {CipherPath::evp, CipherPath::aesNi, CipherPath::vaes};
constexpr uint64_t k2TiB = uint64_t{1} << 41;

std::vector<std::byte> countingBytes(size_t length) {
  std::vector<std::byte> bytes(length);
  for (size_t index = 0; index < length; index++) bytes[index] = static_cast<std::byte>(index);
  return bytes;
}

std::unique_ptr<SectorCipher> cipherFor(CipherMethod method, uint32_t sectorBytes, CipherPath path) {
  auto key = countingBytes(volumeKeyBytes(static_cast<uint16_t>(method)).value());
  auto cipher = makeSectorCipher(method, key, sectorBytes, path);
  REQUIRE(cipher.isOk());
  return cipher.take();
}

}  // namespace

TEST_CASE("crypto: every method encrypts known sectors to known bytes, on every path") {
  struct Vector {
    CipherMethod method;
    uint32_t sectorBytes;
    uint64_t offsetBytes;
    const char* first32;
    const char* sha256;
  };
  // Key 00 01 02 ..., plaintext byte i = i mod 256; checked against volumes that Windows and the kernel read.
  const Vector vectors[] = {
      {CipherMethod::xts128, 512, 51200, "3643a2530fe7875025113cf53122004aefef0fe66194bddcd2662c51bd2f8ac3",
       "7d748af7ea8138a80afc634d1b8fba7deec883f831a88c4ba913862f70586c0d"},
      {CipherMethod::xts256, 512, 51200, "e33fe457f405264849c3d42770946ab05fbac46afda327c8957ed3f5820df37c",
       "f27c90f0384baefa5d465f333dfaf067515c3ad4cd3c4f8ac53bd8887672ee6c"},
      {CipherMethod::cbc128, 512, 51200, "21bb37475d6bdbbd26d7087b97aa9ce23c38384e368254d69295b73132765018",
       "3759a2e99070cd83950bec7ae5ad718e91afc4135ccbf0a36be1dcb023d2cf47"},
      {CipherMethod::cbc256, 512, 51200, "3e0dfb32cfa5d0d2b22bb7b00588bd91b668719aeac260f34fc58a24bc6852b8",
       "2d0a43443ea0d4878e465bf3178a6d9c728785cb9ff4388ec4aa349c40276ee2"},
      {CipherMethod::cbc128Diffuser, 512, 51200, "a5430cc4e48220d6c4b796f4723a6d86769ba0027a71af8f49d9b51ef830fb8f",
       "45d61fefb9c32cc3d5034f31b5ccb11f9e00de269147de844ac0c49b3c5e68e3"},
      {CipherMethod::cbc256Diffuser, 512, 51200, "ce67398be3ac9d242e0bf2a56c5c121fcf55dbd9d5fa81675ba32a048b448255",
       "9b5b09ebf63ac53dd9da312205fab12720abf6795d009826900942f0367b480e"},
      {CipherMethod::xts128, 4096, 409600, "3643a2530fe7875025113cf53122004aefef0fe66194bddcd2662c51bd2f8ac3",
       "b483459dcd0a84d4f92004ffc96edab453e7fe13248e1fe4e01746afcbc7730f"},
      {CipherMethod::cbc128, 4096, 409600, "200a25455b387a3ad4cf93d50d1a7ce6f029d23b22741874c15f4af9959f7c60",
       "7ed6073e6a1a0889075cc53ecfc4cf66577519bf06476351e0187daf1177e13e"},
      {CipherMethod::xts128, 512, k2TiB + 51200, "3493d93890fa19d314d868f0d87c0f1a83f581c66630dd05cbf9e4dda0da242e",
       "955e1461fc325c017a87d153453fe042fc9a536933b8052d9d1417dd4677b97c"},
      {CipherMethod::cbc128, 512, k2TiB + 51200, "ed2fe76be87d9953fe2afd2ef1ed76856ee299f43bfb5ea811ffcb4198b50ab7",
       "e0e89f9c6e0d0b3292d9d540119ce093984fe845f621652cc9df893620521537"},
  };
  for (const Vector& vector : vectors)
    for (CipherPath path : kPaths) {
      CAPTURE(methodName(vector.method));
      CAPTURE(vector.offsetBytes);
      CAPTURE(static_cast<int>(path));
      auto cipher = cipherFor(vector.method, vector.sectorBytes, path);
      auto plaintext = countingBytes(vector.sectorBytes);
      auto sector = plaintext;
      cipher->encrypt(vector.offsetBytes, sector);
      CHECK(toHex(std::span(sector).first(32)) == vector.first32);
      CHECK(toHex(sha256(sector)) == vector.sha256);
      cipher->decrypt(vector.offsetBytes, sector);
      CHECK(sector == plaintext);
    }
}

TEST_CASE("crypto: sectors of a real volume decrypt to their plaintext") {
  auto cipher = makeSectorCipher(CipherMethod::xts128,
                                 fromHex("de94fc84b57569d2623c9806b3cd2ee05bd66fe17e324843a4b034e65abe5fbe"), 512);
  REQUIRE(cipher.isOk());
  auto sector = countingBytes(512);
  cipher.value()->encrypt(51200, sector);
  CHECK(toHex(std::span(sector).first(32)) == "32ee34482a26b2c5b6615932c659e1a43c847f07ffa46dbcdd438de97fdb936d");
}

TEST_CASE("crypto: a run of sectors is what its sectors are one by one through OpenSSL, wherever it starts") {
  std::mt19937_64 random(1);
  for (CipherMethod method : kMethods)
    for (uint32_t sectorBytes : {512u, 4096u}) {
      auto reference = cipherFor(method, sectorBytes, CipherPath::evp);
      for (CipherPath path : kPaths) {
        auto cipher = cipherFor(method, sectorBytes, path);
        for (size_t sectors : {0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 70}) {
          CAPTURE(methodName(method));
          CAPTURE(sectorBytes);
          CAPTURE(static_cast<int>(path));
          CAPTURE(sectors);
          uint64_t offsetBytes = random() % (uint64_t{1} << 52) / sectorBytes * sectorBytes;
          std::vector<std::byte> memory(sectors * sectorBytes + 64);
          std::span<std::byte> run(memory.data() + random() % 64, sectors * sectorBytes);
          for (std::byte& byte : run) byte = static_cast<std::byte>(random());
          std::vector<std::byte> plaintext(run.begin(), run.end());
          std::vector<std::byte> expected = plaintext;
          for (size_t index = 0; index < sectors; index++)
            reference->encrypt(offsetBytes + index * sectorBytes,
                               std::span(expected).subspan(index * sectorBytes, sectorBytes));
          cipher->encrypt(offsetBytes, run);
          REQUIRE(std::ranges::equal(run, expected));
          cipher->decrypt(offsetBytes, run);
          REQUIRE(std::ranges::equal(run, plaintext));
        }
      }
    }
}

TEST_CASE("crypto: one cipher serves four threads at once") {
  for (CipherMethod method : kMethods)
    for (CipherPath path : kPaths) {
      auto cipher = cipherFor(method, 512, path);
      auto plaintext = countingBytes(64 * 512);
      auto expected = plaintext;
      cipher->encrypt(k2TiB, expected);
      std::vector<int> differences(4);
      std::vector<std::thread> threads;
      for (int& count : differences)
        threads.emplace_back([&] {
          for (int round = 0; round < 50; round++) {
            auto sectors = plaintext;
            cipher->encrypt(k2TiB, sectors);
            if (sectors != expected) count++;
            cipher->decrypt(k2TiB, sectors);
            if (sectors != plaintext) count++;
          }
        });
      for (std::thread& thread : threads) thread.join();
      CHECK(differences == std::vector<int>(4));
    }
}

TEST_CASE("crypto: unknown methods and keys that fit no method are refused") {
  CHECK(volumeKeyBytes(0x8004) == 32);
  CHECK_FALSE(volumeKeyBytes(0x8006).has_value());
  CHECK_FALSE(volumeKeyBytes(0).has_value());
  CHECK(methodName(CipherMethod::xts128) == "xts-128");
  CHECK(methodName(CipherMethod::cbc256Diffuser) == "cbc-256-diffuser");
  for (CipherMethod method : kMethods) CHECK(methodNamed(methodName(method)) == method);
  CHECK_FALSE(methodNamed("xts-512").has_value());
  auto code = [](CipherMethod method, size_t keyBytes, uint32_t sectorBytes) {
    return makeSectorCipher(method, countingBytes(keyBytes), sectorBytes).status().code();
  };
  CHECK(code(static_cast<CipherMethod>(0x8006), 32, 512) == ErrorCode::VOLUME_UNSUPPORTED);
  CHECK(code(CipherMethod::xts128, 16, 512) == ErrorCode::VOLUME_DAMAGED);
  CHECK(code(CipherMethod::cbc128, 32, 512) == ErrorCode::VOLUME_DAMAGED);
  CHECK(code(CipherMethod::xts256, 32, 512) == ErrorCode::VOLUME_DAMAGED);
  CHECK(code(CipherMethod::xts128, 32, 1024) == ErrorCode::VOLUME_UNSUPPORTED);
  CHECK(code(CipherMethod::xts128, 32, 0) == ErrorCode::VOLUME_UNSUPPORTED);
}

TEST_CASE("crypto: an XTS key of two equal halves is refused on every path") {
  std::vector<std::byte> key(64, std::byte{3});
  for (CipherPath path : kPaths) {
    CHECK(makeSectorCipher(CipherMethod::xts256, key, 512, path).status().code() == ErrorCode::VOLUME_DAMAGED);
    CHECK(makeSectorCipher(CipherMethod::xts128, std::span(key).first(32), 512, path).status().code() ==
          ErrorCode::VOLUME_DAMAGED);
  }
}
