// What a partition says it is, by the marks at its start and its end. Several marks are possible: what was there before
// may have been overwritten only in part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "filesystems/partition_sectors.h"

namespace diskferry::filesystems {

enum class SignatureKind { ext, ntfs, fat, exfat, xfs, swap, other };

struct Signature {
  SignatureKind kind = SignatureKind::other;
  std::string name;
  uint32_t pageBytes = 0;  // of swap
};

Status findSignatures(PartitionSectors& partition, std::vector<Signature>& into);

}  // namespace diskferry::filesystems
