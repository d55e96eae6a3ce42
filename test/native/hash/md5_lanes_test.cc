// The lanes against OpenSSL's MD5, which shares no code with them: published vectors, every length around the block
// borders, mixes that refill lanes in every order, messages in parts, and several threads.
#include "hash/md5_lanes.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include "hex.h"

using namespace diskferry;

namespace {

// A path that the CPU lacks falls back to a narrower one, so all can be asked for.
constexpr Md5Path kPaths[] = {Md5Path::portable, Md5Path::avx2, Md5Path::avx512};

Md5Digest opensslMd5(std::span<const std::byte> data) {
  Md5Digest digest;
  REQUIRE(EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_md5(),
                     nullptr) == 1);
  return digest;
}

std::vector<std::byte> randomBytes(size_t length, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(length);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

std::vector<Md5Digest> hashAll(std::span<const std::span<const std::byte>> messages, Md5Path path) {
  std::vector<Md5Digest> digests(messages.size());
  std::vector<Md5Job> jobs(messages.size());
  for (size_t index = 0; index < messages.size(); index++)
    jobs[index] = {.data = messages[index], .digest = &digests[index]};
  md5Many(jobs, path);
  return digests;
}

void checkAgainstOpenssl(std::span<const std::span<const std::byte>> messages, Md5Path path) {
  auto digests = hashAll(messages, path);
  for (size_t index = 0; index < messages.size(); index++) {
    CAPTURE(static_cast<int>(path));
    CAPTURE(index);
    CAPTURE(messages[index].size());
    REQUIRE(digests[index] == opensslMd5(messages[index]));
  }
}

}  // namespace

TEST_CASE("hash: MD5 gives the digests of RFC 1321") {
  struct Vector {
    std::string_view text;
    const char* digest;
  };
  const Vector vectors[] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"},
  };
  for (Md5Path path : kPaths)
    for (size_t copies : {1, 3, 20}) {  // alone, few and many: different kernels
      std::vector<std::span<const std::byte>> messages;
      for (size_t copy = 0; copy < copies; copy++)
        for (const Vector& vector : vectors)
          messages.push_back(std::as_bytes(std::span(vector.text.data(), vector.text.size())));
      auto digests = hashAll(messages, path);
      for (size_t index = 0; index < digests.size(); index++)
        CHECK(toHex(digests[index]) == vectors[index % std::size(vectors)].digest);
    }
}

TEST_CASE("hash: MD5 of every length up to 300 bytes equals OpenSSL's, at every alignment") {
  auto bytes = randomBytes(400, 1);
  std::vector<std::span<const std::byte>> messages;
  for (size_t length = 0; length <= 300; length++) messages.push_back(std::span(bytes).subspan(length % 67, length));
  for (Md5Path path : kPaths) checkAgainstOpenssl(messages, path);
}

TEST_CASE("hash: MD5 of any number of messages of any lengths equals OpenSSL's") {
  auto bytes = randomBytes(300'000, 2);
  std::mt19937_64 random(3);
  for (Md5Path path : kPaths)
    for (size_t count : {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 64, 100, 1000}) {
      std::vector<std::span<const std::byte>> messages;
      for (size_t index = 0; index < count; index++) {
        // Mostly short with a long one now and then, so that lanes end at different times.
        size_t length = random() % (random() % 20 == 0 ? 200'000 : 2'000);
        messages.push_back(std::span(bytes).subspan(random() % 100'000, length));
      }
      checkAgainstOpenssl(messages, path);
    }
}

TEST_CASE("hash: MD5 of equal long messages equals OpenSSL's") {
  auto bytes = randomBytes(40 * 65'536 + 17, 4);
  for (Md5Path path : kPaths)
    for (size_t count : {16, 32, 40}) {
      std::vector<std::span<const std::byte>> messages;
      for (size_t index = 0; index < count; index++)
        messages.push_back(std::span(bytes).subspan(index * 65'536, 65'536));
      messages.push_back(std::span(bytes).subspan(3));
      checkAgainstOpenssl(messages, path);
    }
}

TEST_CASE("hash: a message in parts over several calls has the digest of the whole") {
  constexpr size_t kMessages = 40;
  auto bytes = randomBytes(kMessages * 10'000, 5);
  std::mt19937_64 random(6);
  for (Md5Path path : kPaths) {
    std::vector<std::span<const std::byte>> messages, rest;
    for (size_t index = 0; index < kMessages; index++)
      messages.push_back(std::span(bytes).subspan(index * 10'000, random() % 10'000));
    rest = messages;
    std::vector<Md5State> states(kMessages);
    std::vector<Md5Digest> digests(kMessages);
    std::vector<bool> isDone(kMessages);
    while (std::ranges::find(isDone, false) != isDone.end()) {
      std::vector<Md5Job> jobs;
      for (size_t index = 0; index < kMessages; index++) {
        if (isDone[index] || random() % 4 == 0) continue;
        size_t part = random() % 40 * 64;
        bool isLast = part >= rest[index].size();
        jobs.push_back({.data = rest[index].first(isLast ? rest[index].size() : part),
                        .state = &states[index],
                        .isLast = isLast,
                        .digest = &digests[index]});
        isDone[index] = isLast;
        rest[index] = rest[index].subspan(jobs.back().data.size());
      }
      md5Many(jobs, path);
    }
    for (size_t index = 0; index < kMessages; index++) {
      CHECK(digests[index] == opensslMd5(messages[index]));
      CHECK(states[index].lengthBytes == 0);  // ready for the next message
    }
  }
}

TEST_CASE("hash: a message of more than 2^32 bits has the digest that md5sum prints") {
  std::vector<std::byte> zeros(4 << 20);
  Md5State state;
  Md5Digest digest;
  for (int part = 0; part < 129; part++) {
    Md5Job job = {.data = zeros, .state = &state, .isLast = part == 128, .digest = &digest};
    md5Many({&job, 1});
  }
  CHECK(toHex(digest) == "2b665fd604cfd34100cfb23662ae3465");
}

TEST_CASE("hash: four threads hash at once without disturbing each other") {
  auto bytes = randomBytes(200'000, 7);
  for (Md5Path path : kPaths) {
    std::vector<int> differences(4);
    std::vector<std::thread> threads;
    for (size_t thread = 0; thread < differences.size(); thread++)
      threads.emplace_back([&, thread] {
        std::mt19937_64 random(thread);
        for (int round = 0; round < 5; round++) {
          std::vector<std::span<const std::byte>> messages;
          for (int index = 0; index < 50; index++)
            messages.push_back(std::span(bytes).subspan(random() % 100'000, random() % 5'000));
          auto digests = hashAll(messages, path);
          for (size_t index = 0; index < messages.size(); index++)
            if (digests[index] != opensslMd5(messages[index])) differences[thread]++;
        }
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(differences == std::vector<int>(4));
  }
}
