// Names of files are bytes; what leaves the core is UTF-8, which has to be checked for.
#pragma once

#include <string>
#include <string_view>

namespace diskferry {

// Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
bool isValidUtf8(std::string_view text);

// The name itself, or, where it is not valid, one with its bytes from 0x80 on as \xNN.
std::string printable(std::string_view name);

}  // namespace diskferry
