// Images that real formatters made, and Sectors over them that can be damaged without touching the file.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sectors.h"

namespace diskferry::filesystems::testing {

// A sparse file, gone with its owner. `isMade` is false where the formatter is not installed.
class MadeImage {
 public:
  MadeImage(uint64_t sizeBytes, const std::string& format) : sizeBytes_(sizeBytes) {
    char name[] = "/tmp/diskferry-native-XXXXXX";
    descriptor_ = mkstemp(name);
    path_ = name;
    std::string program = format.substr(0, format.find(' '));
    bool hasProgram = runShell("PATH=$PATH:/usr/sbin:/sbin command -v " + program) == 0;
    isMade_ = hasProgram && descriptor_ >= 0 && ftruncate(descriptor_, static_cast<off_t>(sizeBytes)) == 0 &&
              runShell("PATH=$PATH:/usr/sbin:/sbin " + format + " " + path_) == 0;
    isWanted_ = hasProgram;
  }
  MadeImage(const MadeImage&) = delete;
  MadeImage& operator=(const MadeImage&) = delete;
  ~MadeImage() {
    close(descriptor_);
    unlink(path_.c_str());
  }

  bool isMade() const { return isMade_; }
  // Made, or its formatter is absent.
  bool isFine() const { return isMade_ || !isWanted_; }
  uint64_t sizeBytes() const { return sizeBytes_; }
  bool read(uint64_t offsetBytes, std::span<std::byte> into) const {
    return pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offsetBytes)) ==
           static_cast<ssize_t>(into.size());
  }

  // Offsets of the pieces of 512 bytes that are not all zeros: what a formatter wrote.
  std::vector<uint64_t> writtenPieces() const {
    std::vector<uint64_t> pieces;
    std::vector<std::byte> buffer(1 << 20);
    off_t at = 0;
    while ((at = lseek(descriptor_, at, SEEK_DATA)) >= 0) {
      uint64_t start = static_cast<uint64_t>(at) / buffer.size() * buffer.size();
      auto part = std::span(buffer).first(std::min<uint64_t>(buffer.size(), sizeBytes_ - start));
      if (!read(start, part)) break;
      for (size_t piece = 0; piece + 512 <= part.size(); piece += 512)
        if (std::ranges::any_of(part.subspan(piece, 512), [](std::byte byte) { return byte != std::byte{0}; }))
          pieces.push_back(start + piece);
      at = static_cast<off_t>(start + part.size());
    }
    return pieces;
  }

 private:
  static int runShell(const std::string& command) {
    int status = std::system((command + " >/dev/null 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  uint64_t sizeBytes_;
  int descriptor_ = -1;
  std::string path_;
  bool isMade_ = false;
  bool isWanted_ = false;
};

class DamagedSectors final : public Sectors {
 public:
  explicit DamagedSectors(const MadeImage& image) : image_(image) {}

  void replace(uint64_t offsetBytes, std::byte value) { changed_[offsetBytes] = value; }
  void restore() { changed_.clear(); }
  uint64_t readCalls() const { return reads_; }

  uint64_t sizeBytes() const override { return image_.sizeBytes(); }
  uint32_t sectorBytes() const override { return 512; }
  Status read(uint64_t offsetBytes, std::span<std::byte> into) override {
    reads_++;
    if (offsetBytes % 512 != 0 || into.size() % 512 != 0 || offsetBytes > sizeBytes() ||
        into.size() > sizeBytes() - offsetBytes || !image_.read(offsetBytes, into))
      return Status(ErrorCode::DEVICE_RANGE, "outside");
    auto first = changed_.lower_bound(offsetBytes);
    for (; first != changed_.end() && first->first < offsetBytes + into.size(); ++first)
      into[first->first - offsetBytes] = first->second;
    return Status::ok();
  }
  Status write(uint64_t, std::span<const std::byte>) override { return Status(ErrorCode::INTERNAL, "read only"); }
  Status flush() override { return Status::ok(); }

 private:
  const MadeImage& image_;
  std::map<uint64_t, std::byte> changed_;
  uint64_t reads_ = 0;
};

}  // namespace diskferry::filesystems::testing
