#include "bitlocker/recovery_password.h"

#include <doctest/doctest.h>

#include <string>

#include "bitlocker/utf16.h"
#include "known_volume.h"

namespace diskferry::bitlocker {

namespace {

using test::fromHex;
using test::secret;
using test::toHex;

Result<SecureBytes> parse(std::string_view text) { return parseRecoveryPassword(secret(text).bytes()); }

}  // namespace

TEST_CASE("bitlocker: a recovery password is the 16 bytes of known volumes, both ways") {
  struct Vector {
    const char* password;
    const char* key;
  };
  for (Vector vector :
       {Vector{"235818-357951-253979-013365-241120-245575-342914-591910",  // cryptsetup bitlk-aes-xts-128
               "be531d7f315abf04a0553557c67932d2"},
        Vector{"522302-129745-276408-193512-395626-175384-021428-400576", "7ab9132e2862b8447e8c483e9c07408e"},
        Vector{"000000-000000-000000-000000-000000-000000-000000-720885", "0000000000000000000000000000ffff"}}) {
    Result<SecureBytes> key = parse(vector.password);
    REQUIRE(key.isOk());
    CHECK(toHex(key.value().bytes()) == vector.key);
    SecureBytes text = recoveryPasswordText(key.value().bytes());
    CHECK(std::string(reinterpret_cast<const char*>(text.bytes().data()), text.size()) == vector.password);
  }
}

TEST_CASE("bitlocker: blanks, typographic dashes or nothing may stand between the groups") {
  for (const char* text : {
           "235818 357951 253979 013365 241120 245575 342914 591910",
           " 235818 - 357951 - 253979 - 013365 - 241120 - 245575 - 342914 - 591910\r\n",
           "235818357951253979013365241120245575342914591910",
           "235818\xE2\x80\x93"
           "357951\xE2\x80\x93"
           "253979\xE2\x80\x91"
           "013365\xE2\x80\x94"
           "241120\xC2\xA0"
           "245575-342914-591910",
       }) {
    CAPTURE(text);
    Result<SecureBytes> key = parse(text);
    REQUIRE(key.isOk());
    CHECK(toHex(key.value().bytes()) == "be531d7f315abf04a0553557c67932d2");
  }
}

TEST_CASE("bitlocker: a mistyped recovery password is refused by the group that is wrong, without repeating it") {
  struct Wrong {
    const char* text;
    const char* says;
  };
  for (Wrong wrong : {
           Wrong{"235819-357951-253979-013365-241120-245575-342914-591910", "group 1 of 8 is mistyped (not divisible"},
           Wrong{"235818-357951-253979-013365-241120-245575-342914-591901", "group 8 of 8 is mistyped (not divisible"},
           Wrong{"235818-357951-253979-720896-241120-245575-342914-591910", "group 4 of 8 is mistyped (too large"},
           Wrong{"235818-35795-253979-013365-241120-245575-342914-591910", "group 2 of 8 has 5 characters"},
           Wrong{"235818-357951-25397O-013365-241120-245575-342914-591910", "group 3 of 8 has a character that is not"},
           Wrong{"235818-357951-253979-013365-241120-245575-342914", "8 groups of six digits are needed, 7 are there"},
           Wrong{"235818-357951-253979-013365-241120-245575-342914-591910-591910", "more than 8 groups"},
           Wrong{"23581835795125397901336524112024557534291459191", "8 groups of six digits are needed, 1 is there"},
           Wrong{"", "8 groups of six digits are needed, 0 are there"},
       }) {
    CAPTURE(wrong.text);
    Result<SecureBytes> key = parse(wrong.text);
    REQUIRE(!key.isOk());
    CHECK(key.status().code() == ErrorCode::KEY_MISTYPED);
    CHECK(key.status().message().find(wrong.says) != std::string::npos);
    CHECK(key.status().message().find("245575") == std::string::npos);
  }
}

TEST_CASE("bitlocker: passphrases cross from UTF-8 to UTF-16 and malformed ones are refused") {
  std::optional<SecureBytes> text = utf16FromUtf8(secret("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\xA2").bytes());
  REQUIRE(text);
  CHECK(toHex(text->bytes()) == "6100e400ac203dd8a2de");
  CHECK(utf8FromUtf16(text->bytes()) == "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\xA2");
  CHECK(utf8FromUtf16(fromHex("410000d84200000043")) ==
        "A\xEF\xBF\xBD"
        "B");
  for (const char* wrong : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    CAPTURE(wrong);
    CHECK(!utf16FromUtf8(secret(wrong).bytes()));
  }
}

}  // namespace diskferry::bitlocker
