#include "ntfs/windowed_reader.h"

#include <algorithm>
#include <cstring>

namespace diskferry::ntfs {

namespace {

constexpr uint64_t kWindowBytes = 1 << 20;

}  // namespace

Status WindowedReader::read(uint64_t offsetBytes, std::span<std::byte> into) {
  while (!into.empty()) {
    uint64_t start = offsetBytes / kWindowBytes * kWindowBytes;
    Window* window = std::ranges::find(windows_, start, &Window::offsetBytes);
    if (window == std::end(windows_)) {
      window = std::ranges::min_element(windows_, {}, &Window::lastUse);
      if (window->bytes.size() == 0) window->bytes = AlignedBuffer(kWindowBytes);
      uint64_t end =
          std::min(start + kWindowBytes, volume_.sizeBytes() / volume_.sectorBytes() * volume_.sectorBytes());
      if (end <= offsetBytes) return Status(ErrorCode::DEVICE_RANGE, "reading beyond the end of the volume");
      window->offsetBytes = ~0ull;
      window->lengthBytes = end - start;
      DISKFERRY_TRY(volume_.read(start, window->bytes.bytes().first(window->lengthBytes)));
      window->offsetBytes = start;
    }
    window->lastUse = ++uses_;
    if (offsetBytes - start >= window->lengthBytes)
      return Status(ErrorCode::DEVICE_RANGE, "reading beyond the end of the volume");
    size_t length = static_cast<size_t>(std::min<uint64_t>(into.size(), window->lengthBytes - (offsetBytes - start)));
    std::memcpy(into.data(), window->bytes.data() + (offsetBytes - start), length);
    into = into.subspan(length);
    offsetBytes += length;
  }
  return Status::ok();
}

Status WindowedReader::write(uint64_t, std::span<const std::byte>) {
  return Status(ErrorCode::INTERNAL, "a windowed reader cannot write");
}

}  // namespace diskferry::ntfs
