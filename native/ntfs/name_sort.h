// Sorting the names of one directory, a million if need be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace diskferry::ntfs {

// A child while its directory is sorted: by the four upper-cased units (eight when all fit a byte) that follow what all
// names of the group share, then each group of equals again by the next ones.
struct SortedName {
  uint64_t prefix;  // set by sortNames
  uint64_t start;   // of its upper-cased units in `keys`, none of which is zero
  uint32_t node;
  uint16_t units;
};

inline std::u16string_view keyOf(std::span<const char16_t> keys, const SortedName& name) {
  return {keys.data() + name.start, name.units};
}

// By units, the shorter first, equal names by node. The first `common` units are known to be equal. `isNarrow`: every
// unit is below 256.
void sortNames(std::span<SortedName> names, std::span<const char16_t> keys, size_t common, bool isNarrow);

}  // namespace diskferry::ntfs
