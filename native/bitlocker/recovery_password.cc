#include "bitlocker/recovery_password.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

constexpr size_t kGroups = 8;
constexpr size_t kDigits = 6;

using Groups = std::array<std::string_view, kGroups>;

// Length of the separator at the start of `text`; 0 when there is none. Passwords get pasted out of mails and
// documents, which turn dashes and blanks into their typographic relatives.
size_t separatorBytes(std::string_view text) {
  constexpr std::array<std::string_view, 12> separators = {"-",
                                                           " ",
                                                           "\t",
                                                           "\r",
                                                           "\n",
                                                           "\xC2\xA0",
                                                           "\xE2\x80\x90",
                                                           "\xE2\x80\x91",
                                                           "\xE2\x80\x92",
                                                           "\xE2\x80\x93",
                                                           "\xE2\x80\x94",
                                                           "\xE2\x88\x92"};
  for (std::string_view separator : separators)
    if (text.starts_with(separator)) return separator.size();
  return 0;
}

Status mistyped(const std::string& why) { return Status(ErrorCode::KEY_MISTYPED, "recovery password: " + why); }
Status mistypedGroup(size_t group, const std::string& why) {
  return mistyped("group " + std::to_string(group + 1) + " of 8 " + why);
}

// Cuts the text at its separators, or every six characters when it has none and is long enough to be all of them.
Result<Groups> splitGroups(std::string_view text) {
  Groups groups;
  size_t count = 0;
  while (!text.empty()) {
    if (size_t skip = separatorBytes(text); skip != 0) {
      text.remove_prefix(skip);
      continue;
    }
    size_t length = 0;
    while (length < text.size() && separatorBytes(text.substr(length)) == 0) length++;
    if (count == kGroups) return mistyped("more than 8 groups of six digits");
    groups[count++] = text.substr(0, length);
    text.remove_prefix(length);
  }
  if (count == 1 && groups[0].size() == kGroups * kDigits) {
    std::string_view all = groups[0];
    for (size_t group = 0; group < kGroups; group++) groups[group] = all.substr(group * kDigits, kDigits);
    return groups;
  }
  // A group that is wrong in itself says more than the number of groups does.
  for (size_t group = 0; group < count; group++)
    if (count > 1 && groups[group].size() != kDigits)
      return mistypedGroup(group, "has " + std::to_string(groups[group].size()) + " characters instead of six digits");
  if (count != kGroups)
    return mistyped("8 groups of six digits are needed, " + std::to_string(count) + (count == 1 ? " is" : " are") +
                    " there");
  return groups;
}

}  // namespace

SecureBytes recoveryPasswordText(std::span<const std::byte> key16) {
  SecureBytes text(kRecoveryPasswordBytes);
  std::span<std::byte> into = text.bytes();
  for (size_t group = 0; group < kGroups; group++) {
    uint32_t value = load16(key16.data() + group * 2) * 11u;
    size_t start = group * (kDigits + 1);
    if (group > 0) into[start - 1] = std::byte{'-'};
    for (size_t digit = kDigits; digit-- > 0; value /= 10)
      into[start + digit] = static_cast<std::byte>('0' + value % 10);
  }
  return text;
}

Result<SecureBytes> parseRecoveryPassword(std::span<const std::byte> text) {
  Result<Groups> groups = splitGroups({reinterpret_cast<const char*>(text.data()), text.size()});
  if (!groups.isOk()) return groups.status();
  SecureBytes key(kRecoveryKeyBytes);
  for (size_t group = 0; group < kGroups; group++) {
    uint32_t value = 0;
    for (char digit : groups.value()[group]) {
      if (digit < '0' || digit > '9') return mistypedGroup(group, "has a character that is not a digit");
      value = value * 10 + static_cast<uint32_t>(digit - '0');
    }
    if (value % 11 != 0) return mistypedGroup(group, "is mistyped (not divisible by 11)");
    if (value / 11 > 0xFFFF) return mistypedGroup(group, "is mistyped (too large: 720885 is the largest)");
    store16(key.bytes().data() + group * 2, static_cast<uint16_t>(value / 11));
  }
  return key;
}

}  // namespace diskferry::bitlocker
