#include "ntfs/names.h"

#include <algorithm>

#include "little_endian.h"

namespace diskferry::ntfs {

const char* nameOf(NameReason reason) {
  switch (reason) {
    case NameReason::invalidCharacter:
      return "invalid-character";
    case NameReason::trailingDotOrSpace:
      return "trailing-dot-or-space";
    case NameReason::deviceName:
      return "device-name";
    case NameReason::tooLong:
      return "too-long";
    case NameReason::invalidUtf8:
      return "invalid-utf8";
    case NameReason::duplicate:
      return "duplicate";
    case NameReason::reserved:
      return "reserved";
  }
  return "";
}

bool decodeUtf8(std::span<const std::byte> from, std::u16string& into) {
  into.clear();
  for (size_t i = 0; i < from.size();) {
    auto lead = static_cast<uint8_t>(from[i]);
    size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0 || length > from.size() - i) return false;
    char32_t point = length == 1 ? lead : lead & (0x7Fu >> length);
    for (size_t k = 1; k < length; k++) {
      auto next = static_cast<uint8_t>(from[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      point = point << 6 | (next & 0x3Fu);
    }
    bool isOverlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (isOverlong || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    if (point < 0x10000) {
      into.push_back(static_cast<char16_t>(point));
    } else {
      into.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
      into.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
    }
    i += length;
  }
  return true;
}

void appendUtf8(std::u16string_view from, std::string& into) {
  auto push = [&](char32_t value) { into.push_back(static_cast<char>(static_cast<uint8_t>(value))); };
  for (size_t i = 0; i < from.size(); i++) {
    char32_t point = from[i];
    bool isPair =
        point >= 0xD800 && point < 0xDC00 && i + 1 < from.size() && from[i + 1] >= 0xDC00 && from[i + 1] < 0xE000;
    if (isPair) point = 0x10000 + ((point - 0xD800) << 10) + (from[++i] - 0xDC00u);
    if (point < 0x80) {
      push(point);
    } else if (point < 0x800) {
      push(0xC0 | point >> 6), push(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
      push(0xE0 | point >> 12), push(0x80 | (point >> 6 & 0x3F)), push(0x80 | (point & 0x3F));
    } else {
      push(0xF0 | point >> 18), push(0x80 | (point >> 12 & 0x3F)), push(0x80 | (point >> 6 & 0x3F)),
          push(0x80 | (point & 0x3F));
    }
  }
}

namespace {

// CON, NUL.txt, "com1 .log": reserved whatever follows the first dot. The superscript digits count as digits.
bool isDeviceName(std::u16string_view name) {
  std::u16string_view stem = name.substr(0, name.find(u'.'));
  while (!stem.empty() && stem.back() == u' ') stem.remove_suffix(1);
  std::u16string upper(stem);
  for (char16_t& unit : upper)
    if (unit >= u'a' && unit <= u'z') unit = static_cast<char16_t>(unit - 32);
  static constexpr std::u16string_view whole[] = {u"CON", u"PRN", u"AUX", u"NUL", u"CONIN$", u"CONOUT$"};
  if (std::ranges::find(whole, std::u16string_view(upper)) != std::end(whole)) return true;
  if (upper.size() != 4 || (!upper.starts_with(u"COM") && !upper.starts_with(u"LPT"))) return false;
  char16_t digit = upper[3];
  return (digit >= u'1' && digit <= u'9') || digit == 0xB9 || digit == 0xB2 || digit == 0xB3;
}

}  // namespace

std::optional<NameReason> refuse(std::u16string_view name) {
  if (name.empty()) return NameReason::invalidCharacter;
  if (name.size() > 255) return NameReason::tooLong;
  for (char16_t unit : name)
    if (unit < 0x20 || std::u16string_view(u"<>:\"/\\|?*").find(unit) != std::u16string_view::npos)
      return NameReason::invalidCharacter;
  if (name.back() == u'.' || name.back() == u' ') return NameReason::trailingDotOrSpace;
  if (isDeviceName(name)) return NameReason::deviceName;
  return std::nullopt;
}

Upcase::Upcase(std::span<const std::byte> table) : table_(65536) {
  for (size_t i = 0; i < table_.size(); i++) table_[i] = static_cast<char16_t>(load16(table.data() + 2 * i));
}

int Upcase::compare(std::u16string_view a, std::u16string_view b) const {
  size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; i++) {
    char16_t left = table_[a[i]];
    char16_t right = table_[b[i]];
    if (left != right) return left < right ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

}  // namespace diskferry::ntfs
