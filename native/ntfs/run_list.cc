#include "ntfs/run_list.h"

namespace diskferry::ntfs {

namespace {

// Bytes of the shortest two's complement form.
size_t signedLength(int64_t value) {
  size_t length = 1;
  while (length < 8 && value >> (8 * length - 1) != (value < 0 ? -1 : 0)) length++;
  return length;
}

int64_t loadSigned(const std::byte* from, size_t length) {
  uint64_t value = 0;
  for (size_t i = 0; i < length; i++) value |= static_cast<uint64_t>(from[i]) << (8 * i);
  unsigned shift = static_cast<unsigned>(64 - 8 * length);
  return static_cast<int64_t>(value << shift) >> shift;
}

}  // namespace

size_t encodeRuns(std::span<const Run> runs, std::span<std::byte> into) {
  size_t used = 0;
  uint64_t previous = 0;
  for (const Run& run : runs) {
    auto count = static_cast<int64_t>(run.count);
    auto distance = static_cast<int64_t>(run.lcn - previous);
    size_t countBytes = signedLength(count);
    size_t distanceBytes = run.isSparse() ? 0 : signedLength(distance);
    if (used + 1 + countBytes + distanceBytes >= into.size()) return 0;
    into[used++] = static_cast<std::byte>(distanceBytes << 4 | countBytes);
    for (size_t i = 0; i < countBytes; i++) into[used++] = static_cast<std::byte>(count >> (8 * i));
    for (size_t i = 0; i < distanceBytes; i++) into[used++] = static_cast<std::byte>(distance >> (8 * i));
    if (!run.isSparse()) previous = run.lcn;
  }
  if (used >= into.size()) return 0;
  into[used++] = std::byte{0};
  return used;
}

bool decodeRuns(std::span<const std::byte> pairs, uint64_t clusterCount, std::vector<Run>& runs, uint64_t vcnLimit) {
  size_t at = 0;
  uint64_t previous = 0;
  uint64_t total = 0;
  while (true) {
    if (at >= pairs.size()) return false;
    auto header = static_cast<uint8_t>(pairs[at]);
    if (header == 0) return true;
    size_t countBytes = header & 15;
    size_t distanceBytes = header >> 4;
    if (countBytes == 0 || countBytes > 8 || distanceBytes > 8 || countBytes + distanceBytes >= pairs.size() - at)
      return false;
    int64_t count = loadSigned(pairs.data() + at + 1, countBytes);
    if (count <= 0 || static_cast<uint64_t>(count) > vcnLimit - total) return false;
    Run run{Run::kSparse, static_cast<uint64_t>(count)};
    if (distanceBytes != 0) {
      // The sum is made in unsigned arithmetic: a hostile distance wraps and then fails the range check.
      run.lcn = previous + static_cast<uint64_t>(loadSigned(pairs.data() + at + 1 + countBytes, distanceBytes));
      if (run.lcn >= clusterCount || run.count > clusterCount - run.lcn) return false;
      previous = run.lcn;
    }
    total += run.count;
    runs.push_back(run);
    at += 1 + countBytes + distanceBytes;
  }
}

uint64_t clustersOf(std::span<const Run> runs) {
  uint64_t total = 0;
  for (const Run& run : runs) total += run.count;
  return total;
}

}  // namespace diskferry::ntfs
