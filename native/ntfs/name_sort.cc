#include "ntfs/name_sort.h"

#include <algorithm>

namespace diskferry::ntfs {

void sortNames(std::span<SortedName> names, std::span<const char16_t> keys, size_t common, bool isNarrow) {
  if (names.size() < 2) return;
  size_t shortest = std::ranges::min_element(names, {}, &SortedName::units)->units;
  size_t longest = std::ranges::max_element(names, {}, &SortedName::units)->units;
  std::u16string_view first = keyOf(keys, names[0]);
  size_t shared = shortest;
  for (const SortedName& name : names) {
    std::u16string_view key = keyOf(keys, name);
    size_t at = common;
    while (at < shared && key[at] == first[at]) at++;
    shared = at;
  }
  if (shared == longest) {
    std::ranges::sort(names, {}, &SortedName::node);
    return;
  }
  for (SortedName& name : names) {
    std::u16string_view rest = keyOf(keys, name).substr(shared);
    name.prefix = 0;
    for (size_t i = 0; i < (isNarrow ? 8u : 4u); i++)
      name.prefix = name.prefix << (isNarrow ? 8 : 16) | (i < rest.size() ? rest[i] : 0);
  }
  std::ranges::sort(names, {}, &SortedName::prefix);
  for (size_t at = 0; at < names.size();) {
    size_t end = at + 1;
    while (end < names.size() && names[end].prefix == names[at].prefix) end++;
    sortNames(names.subspan(at, end - at), keys, shared, isNarrow);
    at = end;
  }
}

}  // namespace diskferry::ntfs
