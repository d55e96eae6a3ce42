#include "io/tree_scan.h"

#include <doctest/doctest.h>

#include "io/utf8.h"

namespace diskferry {

TEST_CASE("UTF-8 is judged as RFC 3629 does") {
  struct Vector {
    std::string_view bytes;
    bool valid;
  };
  const Vector vectors[] = {
      {"", true},
      {"plain", true},
      {"\xc3\xa9", true},
      {"\xe2\x82\xac", true},
      {"\xf0\x9f\x92\xbe", true},
      {"\xf4\x8f\xbf\xbf", true},   // U+10FFFF
      {"\xef\xbf\xbf", true},       // U+FFFF
      {"\xc0\x80", false},          // overlong zero
      {"\xc1\xbf", false},          // overlong
      {"\xe0\x9f\xbf", false},      // overlong
      {"\xf0\x8f\xbf\xbf", false},  // overlong
      {"\xed\xa0\x80", false},      // U+D800
      {"\xed\xbf\xbf", false},      // U+DFFF
      {"\xf4\x90\x80\x80", false},  // above U+10FFFF
      {"\xf5\x80\x80\x80", false},
      {"\xe2\x82", false},  // cut
      {"\xc3", false},
      {"a\x80", false},  // a follower alone
      {"\xe2\x28\xa1", false},
      {"\xff", false},
  };
  for (const Vector& vector : vectors) CHECK_MESSAGE(isValidUtf8(vector.bytes) == vector.valid, vector.bytes.size());
}

TEST_CASE("a root that is missing or no directory is an error") {
  CHECK(scanTree("/tmp/diskferry-there-is-no-such-directory", false).status().code() == ErrorCode::FILE_NOT_FOUND);
  CHECK(scanTree("/dev/null", false).status().code() == ErrorCode::SOURCE_READ_FAILED);
}

}  // namespace diskferry
