// GUIDs in Microsoft's mixed-endian layout: the first three fields little-endian, the rest as written.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "status.h"

namespace diskferry::bitlocker {

using Guid = std::array<std::byte, 16>;

// "4967d63b-2e29-4ad8-8399-f6a339e3d001".
std::string guidText(const Guid& guid);
// Version 4, variant 1, from the kernel's random numbers.
Result<Guid> randomGuid();

}  // namespace diskferry::bitlocker
