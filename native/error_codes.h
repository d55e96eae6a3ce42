// Every failure that a user can meet, named once. src/errors.ts has the same names with the exit code of each; a test
// compares the two lists, and docs/errors.md has a row for each.
#pragma once

#include <string_view>

namespace diskferry {

#define DISKFERRY_ERROR_CODES(X) \
  X(DEVICE_NOT_FOUND)            \
  X(DEVICE_ACCESS_DENIED)        \
  X(DEVICE_IN_USE)               \
  X(DEVICE_READ_ONLY)            \
  X(DEVICE_READ_FAILED)          \
  X(DEVICE_WRITE_FAILED)         \
  X(DEVICE_FLUSH_FAILED)         \
  X(DEVICE_FULL)                 \
  X(DEVICE_RANGE)                \
  X(DEVICE_UNSUPPORTED)          \
  X(SOURCE_READ_FAILED)          \
  X(SOURCE_CHANGED)              \
  X(SPOOL_WRITE_FAILED)          \
  X(VOLUME_NOT_BITLOCKER)        \
  X(VOLUME_UNSUPPORTED)          \
  X(VOLUME_DAMAGED)              \
  X(VOLUME_CONVERTING)           \
  X(KEY_MISTYPED)                \
  X(KEY_WRONG)                   \
  X(KEY_NOT_APPLICABLE)          \
  X(NTFS_DAMAGED)                \
  X(NTFS_UNSUPPORTED)            \
  X(NTFS_NAMES)                  \
  X(NTFS_NO_SPACE)               \
  X(FILE_NOT_FOUND)              \
  X(IMAGE_INVALID)               \
  X(IMAGE_DAMAGED)               \
  X(OUT_OF_MEMORY)               \
  X(INTERRUPTED)                 \
  X(INTERNAL)

enum class ErrorCode {
  OK,
#define DISKFERRY_DECLARE(name) name,
  DISKFERRY_ERROR_CODES(DISKFERRY_DECLARE)
#undef DISKFERRY_DECLARE
};

constexpr std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::OK:
      return "OK";
#define DISKFERRY_NAME(name) \
  case ErrorCode::name:      \
    return #name;
      DISKFERRY_ERROR_CODES(DISKFERRY_NAME)
#undef DISKFERRY_NAME
  }
  return "INTERNAL";
}

}  // namespace diskferry
