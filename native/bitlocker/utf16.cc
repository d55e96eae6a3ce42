#include "bitlocker/utf16.h"

#include <cstring>

#include "little_endian.h"

namespace diskferry::bitlocker {

namespace {

bool isSurrogate(uint32_t point) { return point >= 0xD800 && point <= 0xDFFF; }

// Length of the sequence that a lead byte starts; 0 when it starts none.
size_t sequenceBytes(unsigned lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// The next code point; removes it from `utf8`. Nothing when it is malformed, overlong or a surrogate.
std::optional<uint32_t> takePoint(std::span<const std::byte>& utf8) {
  auto lead = std::to_integer<unsigned>(utf8[0]);
  size_t length = sequenceBytes(lead);
  if (length == 0 || length > utf8.size()) return std::nullopt;
  uint32_t point = length == 1 ? lead : lead & (0x7Fu >> length);
  for (size_t index = 1; index < length; index++) {
    auto next = std::to_integer<unsigned>(utf8[index]);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    point = point << 6 | (next & 0x3F);
  }
  constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < smallest[length] || point > 0x10FFFF || isSurrogate(point)) return std::nullopt;
  utf8 = utf8.subspan(length);
  return point;
}

void appendUtf8(std::string& text, uint32_t point) {
  auto add = [&](uint32_t value) { text += static_cast<char>(value); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xC0 | point >> 6);
    add(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    add(0xE0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3F));
    add(0x80 | (point & 0x3F));
  } else {
    add(0xF0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3F));
    add(0x80 | (point >> 6 & 0x3F));
    add(0x80 | (point & 0x3F));
  }
}

}  // namespace

std::optional<SecureBytes> utf16FromUtf8(std::span<const std::byte> utf8) {
  SecureBytes units(utf8.size() * 2);
  size_t length = 0;
  auto add = [&](uint32_t unit) {
    store16(units.bytes().data() + length, static_cast<uint16_t>(unit));
    length += 2;
  };
  while (!utf8.empty()) {
    std::optional<uint32_t> point = takePoint(utf8);
    if (!point) return std::nullopt;
    if (*point < 0x10000) {
      add(*point);
    } else {
      add(0xD800 + ((*point - 0x10000) >> 10));
      add(0xDC00 + ((*point - 0x10000) & 0x3FF));
    }
  }
  return SecureBytes(units.bytes().first(length));
}

std::string utf8FromUtf16(std::span<const std::byte> utf16) {
  std::string text;
  for (size_t index = 0; index + 2 <= utf16.size(); index += 2) {
    uint32_t point = load16(utf16.data() + index);
    if (point == 0) break;
    if (isSurrogate(point)) {
      uint32_t low = index + 4 <= utf16.size() ? load16(utf16.data() + index + 2) : 0;
      bool isPair = point < 0xDC00 && low >= 0xDC00 && low <= 0xDFFF;
      point = isPair ? 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
      if (isPair) index += 2;
    }
    appendUtf8(text, point);
  }
  return text;
}

}  // namespace diskferry::bitlocker
