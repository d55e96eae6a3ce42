// Times of files as nanoseconds since 1970 in 64 bits, the form in which scanning and copying compare them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace diskferry {

// Clamped: some file systems hold years that 64 bits of nanoseconds (1677 to 2262) do not.
inline int64_t nanosecondsSince1970(int64_t seconds, int64_t nanoseconds) {
  constexpr int64_t perSecond = 1'000'000'000;
  if (seconds >= std::numeric_limits<int64_t>::max() / perSecond) return std::numeric_limits<int64_t>::max();
  if (seconds <= std::numeric_limits<int64_t>::min() / perSecond) return std::numeric_limits<int64_t>::min();
  return seconds * perSecond + nanoseconds;
}

}  // namespace diskferry
