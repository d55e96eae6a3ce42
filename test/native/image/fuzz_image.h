// One input for everything of the image reader that takes bytes from outside. Shared by the libFuzzer target and by the
// bounded fuzzing of the native tests. It must return; whatever it finds must be an error or content, never more.
//
// Input: byte 0 what to do, bytes 1 to 8 a content size, then the bytes of an index and of an image, the first in the
// length that bytes 9 and 10 tell.
#pragma once

#include <sys/mman.h>

#include <cstdlib>
#include <span>
#include <string>

#include "image/image_source.h"
#include "image/stored_reader.h"
#include "io/file_descriptor.h"
#include "little_endian.h"

namespace diskferry::image {

inline constexpr size_t kFuzzHeadBytes = 11;

class FuzzedFile {
 public:
  explicit FuzzedFile(std::span<const std::byte> bytes) : file_(::memfd_create("fuzzed", MFD_CLOEXEC)) {
    if (::pwrite(file_.number(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_.number()); }

 private:
  FileDescriptor file_;
};

// Every block that is emitted must have the length that its number has.
inline void drain(ContentReader& reader, uint64_t contentBytes) {
  uint64_t bytes = 0;
  const Status status = reader.run([&](const BlockPtr& block) {
    if (block->content.size() > kBlockBytes) std::abort();
    bytes += block->content.size();
    return bytes < (uint64_t{64} << 20);  // enough was seen
  });
  if (status.isOk() && contentBytes != UINT64_MAX && bytes > contentBytes) std::abort();
}

inline void fuzzImage(std::span<const std::byte> input) {
  if (input.size() < kFuzzHeadBytes) return;
  const auto what = std::to_integer<unsigned>(input[0]) % 4;
  const uint64_t contentBytes = load64(input.data() + 1);
  const size_t indexBytes = std::min<size_t>(load16(input.data() + 9), input.size() - kFuzzHeadBytes);
  const auto index = input.subspan(kFuzzHeadBytes, indexBytes), image = input.subspan(kFuzzHeadBytes + indexBytes);
  const auto pool = std::make_shared<BufferPool>(6, kBlockBytes);
  if (what == 0) {
    (void)ImageIndex::parse(index, contentBytes, contentBytes % 2 == 1);
    return;
  }
  const FuzzedFile file(image);
  if (what == 1) {
    auto opened = ImageFile::open(file.path());
    auto told = lz4::parseFrameHeader(image);
    if (!opened.isOk() || !told.isOk()) return;
    StoredReader reader({opened.take(), told.value(), nullptr, {}, UINT64_MAX, pool, 0});
    return drain(reader, told.value());
  }
  const bool isForeign = what == 3;
  auto source =
      ImageSource::open({file.path(), isForeign ? SourceKind::foreign : SourceKind::indexed, index, 0, contentBytes});
  if (!source.isOk()) return;
  auto reader = source.value()->stream({{}, pool, 0, IoEngine::threads});
  if (!reader.isOk()) std::abort();
  drain(*reader.value(), isForeign ? UINT64_MAX : contentBytes);
  std::vector<std::byte> part(std::min<uint64_t>(contentBytes, 10'000));
  (void)source.value()->read(contentBytes - std::min<uint64_t>(contentBytes, part.size()), part);
}

}  // namespace diskferry::image
