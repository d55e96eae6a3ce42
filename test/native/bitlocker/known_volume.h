// A small volume with known keys: 64 MiB, sectors of 512 bytes, AES-XTS-128, as an independent prototype made it. Its
// metadata was opened by cryptsetup (which checked the seal), libbde, dislocker and dissect.fve.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bitlocker/create.h"

namespace diskferry::bitlocker::test {

inline std::vector<std::byte> fromHex(std::string_view hex) {
  std::vector<std::byte> bytes;
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t index = 0; index + 1 < hex.size(); index += 2)
    bytes.push_back(static_cast<std::byte>(digit(hex[index]) * 16 + digit(hex[index + 1])));
  return bytes;
}

inline std::string toHex(std::span<const std::byte> bytes) {
  std::string hex;
  for (std::byte byte : bytes) {
    constexpr const char* digits = "0123456789abcdef";
    hex += digits[std::to_integer<unsigned>(byte) >> 4];
    hex += digits[std::to_integer<unsigned>(byte) & 15];
  }
  return hex;
}

inline SecureBytes secret(std::string_view text) { return SecureBytes(std::as_bytes(std::span(text))); }

inline constexpr uint64_t kKnownBytes = 64 << 20;
inline constexpr std::string_view kKnownPassword = "522302-129745-276408-193512-395626-175384-021428-400576";

inline constexpr std::string_view kKnownInformation =
    "2d4656452d46532d2a000200040004000000000400000000000000001000000000001002000000000000c00200000000"
    "000070030000000000001102000000005a02000001000000300000005a020000984bfa09542d59459f81a8c5100c9230"
    "07000000048000008796a06e725ddb0134000700020001004500580041004d0050004c00450020004400410054004100"
    "200031002f0032002f00320030003200350000004201020008000100b6fec0bc231e8148a4a1960cfc5ee79eb084a06e"
    "725ddb010000000822000000020001004400690073006b00500061007300730077006f00720064000000ac0000000300"
    "01000010000027f3133791bd1fb58ea6080f254c292e4000120005000100b084a06e725ddb0102000000c81c371809f7"
    "edb27d80428282e3f36ca8a44648ec7f49268955b65af28c161422c3db0d701a5d434f3018645000130005000100b084"
    "a06e725ddb01030000007004e90b3549fea84639cbd38455dd05eae87fd18ae59f00610b98c033e34535d36535722018"
    "109a71e56f8b13ab9c15f0c6c161e55ce45ac6b294265000000005000100b084a06e725ddb01040000000520dca29f66"
    "3aaa8a6d587c90516b69ad3d7089d4c09708a11b380dedabe3ec4b4826d8166e4a209301e0b8dc47d92dbbe56c98d37d"
    "9eff81eaf3b05000030005000100b084a06e725ddb0105000000e09a120f83240bb9976b5c8b97a1c5fb90f783ebcce3"
    "9318eb9b90e92159990b569ebf483c6f9a18f575dba8fd2ef8199d0c0b54b18decee30c106a564000f000f0001000000"
    "110200000000002000000000000005004c00000000000a00000000000000000000000000000000000000000200000002"
    "00000a00000000000000614a000002000000000000001001010200201102000000000000010000000000000000000000";
inline constexpr std::string_view kKnownValidation =
    "60fd02004f57fc8e50000000050001000e6db36e725ddb01060000005a0a918787063fa11fe48958863878b8495dd423"
    "76b5322fe57860a2af229515e146b549fbd76556948bc8346e753b3e8b04440e25294d995bce591f";

// The whole copy: information, validation, zeros.
inline std::vector<std::byte> knownCopy() {
  std::vector<std::byte> copy = fromHex(std::string(kKnownInformation) + std::string(kKnownValidation));
  copy.resize(kMetadataBytes);
  return copy;
}

inline RegionOffsets knownRegions() { return {{0x2100000, 0x2C00000, 0x3700000}, 0x2110000, 0x2112000}; }

inline CreateOptions knownOptions() {
  CreateOptions options;
  options.volumeBytes = kKnownBytes;
  options.regions = knownRegions();
  options.description = "EXAMPLE DATA 1/2/2025";
  options.createdTime = 0x01db5d726ea09687;
  return options;
}

inline KeyMaterial knownKeys() {
  KeyMaterial keys;
  auto copyInto = [](auto& into, std::string_view hex) {
    std::vector<std::byte> bytes = fromHex(hex);
    std::copy(bytes.begin(), bytes.end(), into.begin());
  };
  copyInto(keys.volumeGuid, "984bfa09542d59459f81a8c5100c9230");
  copyInto(keys.recoveryGuid, "b6fec0bc231e8148a4a1960cfc5ee79e");
  copyInto(keys.recoverySalt, "27f3133791bd1fb58ea6080f254c292e");
  keys.recoveryKey = SecureBytes(std::span<const std::byte>(fromHex("7ab9132e2862b8447e8c483e9c07408e")));
  keys.masterKey = SecureBytes(
      std::span<const std::byte>(fromHex("fc301fe27be723d08fa94515e0f2de410eaae51c601d8d251d245a533810b3a0")));
  keys.volumeKey = SecureBytes(
      std::span<const std::byte>(fromHex("de94fc84b57569d2623c9806b3cd2ee05bd66fe17e324843a4b034e65abe5fbe")));
  keys.keyTime = 0x01db5d726ea084b0;
  keys.sealTime = 0x01db5d726eb36d0e;
  return keys;
}

}  // namespace diskferry::bitlocker::test
