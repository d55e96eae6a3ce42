#include "io/utf8.h"

namespace diskferry {

bool isValidUtf8(std::string_view text) {
  const auto* byte = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = byte + text.size();
  while (byte != end) {
    if (*byte < 0x80) {
      byte++;
      continue;
    }
    // RFC 3629, section 4: the second byte of a sequence has its own bounds.
    const unsigned char lead = *byte;
    int length = 0;
    unsigned char low = 0x80, high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
      length = 2;
    else if (lead >= 0xe0 && lead <= 0xef)
      length = 3;
    else if (lead >= 0xf0 && lead <= 0xf4)
      length = 4;
    else
      return false;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (end - byte < length || byte[1] < low || byte[1] > high) return false;
    for (int index = 2; index < length; index++)
      if ((byte[index] & 0xc0) != 0x80) return false;
    byte += length;
  }
  return true;
}

std::string printable(std::string_view name) {
  if (isValidUtf8(name)) return std::string(name);
  static const char* digits = "0123456789abcdef";
  std::string shown;
  for (char character : name) {
    auto byte = static_cast<unsigned char>(character);
    if (byte < 0x80)
      shown.push_back(character);
    else
      shown.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
  }
  return shown;
}

}  // namespace diskferry
