// File names: UTF-8 in our columns, UTF-16 on the volume, equal for NTFS when equal after $UpCase. Names that Windows
// refuses are refused here too, because chkdsk takes them for corruption.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace diskferry::ntfs {

enum class NameReason { invalidCharacter, trailingDotOrSpace, deviceName, tooLong, invalidUtf8, duplicate, reserved };

// "invalid-character", "trailing-dot-or-space", …: the words of the TypeScript interface.
const char* nameOf(NameReason reason);

// Replaces `into`. False for anything that is not well-formed UTF-8, encoded surrogates included.
bool decodeUtf8(std::span<const std::byte> from, std::u16string& into);
// Lone surrogates, legal on NTFS, become three bytes each, as in WTF-8.
void appendUtf8(std::u16string_view from, std::string& into);

// What Win32 does not allow in a name that stands alone; nothing about its neighbours.
std::optional<NameReason> refuse(std::u16string_view name);

// The volume's own upper-case table. Surrogates are plain units to it.
class Upcase {
 public:
  Upcase() = default;
  // `table` has 65,536 entries of two bytes.
  explicit Upcase(std::span<const std::byte> table);
  char16_t operator()(char16_t unit) const { return table_[unit]; }
  // The order of names in a directory: upper-cased units as numbers, the shorter first.
  int compare(std::u16string_view a, std::u16string_view b) const;

 private:
  std::vector<char16_t> table_;
};

}  // namespace diskferry::ntfs
