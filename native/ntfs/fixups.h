// Fix-ups: the last two bytes of every 512 of a record or index block hold a counter, and the true bytes stand in an
// array in its header. A block that was written only in part has unequal counters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace diskferry::ntfs {

// Puts `counter` at the end of each 512 bytes. `block` names its array at offset 4 (offset) and 6 (count), as our own
// builders have filled it.
void applyFixups(std::span<std::byte> block, uint16_t counter);
// Restores the true bytes; false (block unchanged) when the array does not fit or a counter differs.
bool removeFixups(std::span<std::byte> block);

}  // namespace diskferry::ntfs
