// What a check of a volume found: one stable code, how bad it is, and a sentence with the place and the numbers.
#pragma once

#include <string>

namespace diskferry {

enum class Severity {
  note,     // worth knowing, nothing to do
  warning,  // readable, but not fit for a new shipment without a thought
  damage,   // something on the drive is wrong
};

struct Finding {
  std::string code;  // for example "BITLOCKER_COPY_CRC"; stable, listed in docs/
  Severity severity;
  std::string structure;  // for example "metadata copy 2", "MFT record 1042", "index of \\data\\in"
  std::string message;    // a sentence
};

}  // namespace diskferry
