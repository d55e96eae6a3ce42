// Whether the $LogFile of NTFS was closed: from its first pages, which tell where a recovery would begin.
#pragma once

#include <cstddef>
#include <span>

namespace diskferry::filesystems {

inline constexpr size_t kNtfsRestartBytes = 64 * 1024;

// `pages` are the first kNtfsRestartBytes of $LogFile. False also when they cannot be understood.
bool isNtfsLogClean(std::span<std::byte> pages);

}  // namespace diskferry::filesystems
