// What swap space uses: nothing that outlives the system that runs on it, but its header is needed to use it again.
#include <string>

#include "filesystems/readers.h"
#include "little_endian.h"

namespace diskferry::filesystems {

Status readSwap(PartitionSectors& partition, uint32_t pageBytes, UsedRanges& found, RangeCollector& used) {
  constexpr uint64_t kHeaderOffset = 1024;
  found.fileSystem = "swap";
  found.unitBytes = pageBytes;
  std::byte header[44];
  DISKFERRY_TRY(partition.read(kHeaderOffset, header));
  uint64_t pages = uint64_t{load32(header + 4)} + 1;
  if (load32(header) != 1 || pages < 2 || pages > partition.sizeBytes() / pageBytes)
    return distrust("It is of version " + std::to_string(load32(header)) + " and claims " + std::to_string(pages) +
                    " pages on " + std::to_string(partition.sizeBytes()) + " bytes.");
  std::string label(reinterpret_cast<const char*>(header + 28), 16);
  found.label = label.substr(0, label.find('\0'));
  used.add(0, pageBytes);
  used.add(pages * pageBytes, ~uint64_t{0} - pages * pageBytes);
  return Status::ok();
}

}  // namespace diskferry::filesystems
