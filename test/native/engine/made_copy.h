// A copy in miniature: source files in a temporary folder, a volume in memory, and everything a run needs, kept alive.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>

#include "engine/copy_run.h"
#include "engine/made_plan.h"
#include "io/faulty_sectors.h"
#include "io/file_time.h"
#include "io/memory_sectors.h"
#include "temporary_folder.h"

namespace diskferry::engine {

inline std::vector<std::byte> randomBytes(size_t length, uint32_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(length + 8);
  for (size_t at = 0; at < length; at += 8) {
    const uint64_t value = random();
    std::memcpy(bytes.data() + at, &value, 8);
  }
  bytes.resize(length);
  return bytes;
}

inline Md5Digest md5Of(std::span<const std::byte> data) {
  Md5Digest digest;
  unsigned length = 0;
  REQUIRE(EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), &length, EVP_md5(),
                     nullptr) == 1);
  return digest;
}

inline std::shared_ptr<bitlocker::Volume> makeVolume(std::shared_ptr<Sectors> device, uint64_t volumeOffsetBytes) {
  std::vector<std::byte> key(32);
  for (size_t index = 0; index < key.size(); index++) key[index] = static_cast<std::byte>(index * 7 + 1);
  auto cipher = makeSectorCipher(CipherMethod::xts128, key, device->sectorBytes());
  REQUIRE(cipher.isOk());
  bitlocker::RegionOffsets regions{};
  regions.metadata = {1 << 20, 2 << 20, 3 << 20};
  regions.header = 4 << 20;
  const uint64_t size = device->sizeBytes() - volumeOffsetBytes;
  const uint32_t sector = device->sectorBytes();
  return std::make_shared<bitlocker::Volume>(std::move(device), volumeOffsetBytes, size, sector, regions,
                                             CipherMethod::xts128, cipher.take());
}

// What a run told.
struct Told {
  Status status;
  CopySummary summary;
  std::vector<std::pair<uint64_t, uint64_t>> marks;  // chunk, bytes
  std::vector<std::pair<size_t, Status>> dropped;
};

class MadeCopy {
 public:
  static constexpr uint64_t kVolumeOffsetBytes = 1 << 20;

  // Files of these sizes, written into two source folders in turn. `device` null: memory of the right size.
  MadeCopy(std::vector<uint64_t> sizes, uint32_t sectorBytes = 512, uint64_t fragmentBytes = UINT64_MAX,
           uint64_t blockBytes = kChunkBytes) {
    for (const char* folder : {"/one", "/two"}) {
      std::filesystem::create_directory(folder_.path() + folder);
      push(directoryBytes_, directoryEnds_, folder_.path() + folder);
    }
    for (size_t file = 0; file < sizes.size(); file++) {
      content.push_back(randomBytes(sizes[file], static_cast<uint32_t>(file) + 1));
      push(nameBytes_, nameEnds_, "file-" + std::to_string(file));
      fileDirectory_.push_back(static_cast<uint32_t>(file % 2));
      modifiedNs_.push_back(0);
      writeSource(file, content.back());
      plan.addFile(sizes[file], 4096, fragmentBytes, blockBytes);
    }
    memory =
        std::make_shared<MemorySectors>((kVolumeOffsetBytes + plan.endBytes() + (1 << 20)) / 4096 * 4096, sectorBytes);
    faulty = std::make_shared<FaultySectors>(memory);
    volume = makeVolume(faulty, kVolumeOffsetBytes);
    spoolPath_ = folder_.path() + "/spool";
  }

  std::string sourcePath(size_t file) const {
    return folder_.path() + (file % 2 == 0 ? "/one" : "/two") + "/file-" + std::to_string(file);
  }

  // Replaces a source and makes the plan know it.
  void writeSource(size_t file, std::span<const std::byte> data) {
    std::ofstream(sourcePath(file), std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
    struct stat written;
    REQUIRE(::stat(sourcePath(file).c_str(), &written) == 0);
    modifiedNs_[file] = nanosecondsSince1970(written.st_mtim.tv_sec, written.st_mtim.tv_nsec);
  }

  CopyOptions options() const {
    CopyOptions options;
    options.volume = volume;
    options.files = plan.view();
    options.sources = {{directoryBytes_, directoryEnds_}, fileDirectory_, {nameBytes_, nameEnds_}, modifiedNs_};
    options.hashSpool = FileDescriptor(::open(spoolPath_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    options.memoryBytes = 8 * kChunkBytes;
    return options;
  }

  // Runs to the end; `during` is called with the run on every mark.
  Told run(CopyOptions options, std::function<void(CopyRun&)> during = nullptr) {
    Told told;
    std::promise<void> finished;
    CopyRun* current = nullptr;
    CopyEvents events;
    events.mark = [&](uint64_t chunk, uint64_t bytes) {
      told.marks.emplace_back(chunk, bytes);
      if (during) during(*current);
    };
    events.dropped = [&](size_t file, const Status& why) { told.dropped.emplace_back(file, why); };
    events.finished = [&](const Status& status, const CopySummary& summary) {
      told.status = status;
      told.summary = summary;
      finished.set_value();
    };
    CopyRun copy(std::move(options), std::move(events));
    current = &copy;
    copy.start();
    finished.get_future().wait();
    copy.join();
    return told;
  }

  // What lies in the extents of a file, decrypted.
  std::vector<std::byte> stored(size_t file) const {
    std::vector<std::byte> bytes;
    for (size_t extent = plan.firstExtent[file]; extent < plan.firstExtent[file + 1]; extent++) {
      std::vector<std::byte> part(static_cast<size_t>(plan.extentLengthBytes[extent]));
      const Status status = volume->read(static_cast<uint64_t>(plan.extentOffsetBytes[extent]), part);
      REQUIRE_MESSAGE(status.isOk(), status.message());
      bytes.insert(bytes.end(), part.begin(), part.end());
    }
    return bytes;
  }

  // The file's bytes, then zeros to the end of its clusters.
  bool isStored(size_t file) const {
    auto bytes = stored(file);
    return std::equal(content[file].begin(), content[file].end(), bytes.begin()) &&
           std::all_of(bytes.begin() + static_cast<ptrdiff_t>(content[file].size()), bytes.end(),
                       [](std::byte byte) { return byte == std::byte{0}; });
  }

  std::vector<Md5Digest> wantedDigests() const {
    std::vector<Md5Digest> digests;
    for (size_t file = 0; file < content.size(); file++) {
      const auto block = static_cast<size_t>(plan.blockBytes[file]);
      for (size_t at = 0; at < content[file].size(); at += block)
        digests.push_back(md5Of(std::span(content[file]).subspan(at, std::min(block, content[file].size() - at))));
    }
    return digests;
  }

  std::vector<Md5Digest> spooledDigests() const {
    std::ifstream spool(spoolPath_, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(spool), {}};
    std::vector<Md5Digest> digests(bytes.size() / sizeof(Md5Digest));
    std::memcpy(digests.data(), bytes.data(), digests.size() * sizeof(Md5Digest));
    return digests;
  }

  uint64_t totalBytes() const {
    uint64_t total = 0;
    for (const auto& bytes : content) total += bytes.size();
    return total;
  }

  std::vector<std::vector<std::byte>> content;
  MadePlan plan;
  std::shared_ptr<MemorySectors> memory;
  std::shared_ptr<FaultySectors> faulty;
  std::shared_ptr<bitlocker::Volume> volume;

 private:
  static void push(std::vector<char>& bytes, std::vector<uint32_t>& ends, const std::string& name) {
    bytes.insert(bytes.end(), name.begin(), name.end());
    ends.push_back(static_cast<uint32_t>(bytes.size()));
  }

  TemporaryFolder folder_;
  std::string spoolPath_;
  std::vector<char> directoryBytes_, nameBytes_;
  std::vector<uint32_t> directoryEnds_, nameEnds_;
  std::vector<uint32_t> fileDirectory_;
  std::vector<int64_t> modifiedNs_;
};

}  // namespace diskferry::engine
