// The one result type of the core. No exception leaves a core function; native/addon turns a failed Status into the
// project's error class.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "error_codes.h"

namespace diskferry {

// What went wrong: a stable code, the errno where a system call failed (else 0), and a sentence with the numbers in it.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(ErrorCode code, std::string message, int systemError = 0)
      : code_(code), systemError_(systemError), message_(std::move(message)) {}

  static Status ok() { return Status(); }
  // For a failed system call: "what: strerror(errno)".
  static Status fromErrno(ErrorCode code, const std::string& what, int systemError) {
    return Status(code, what + ": " + std::strerror(systemError), systemError);
  }

  bool isOk() const { return code_ == ErrorCode::OK; }
  ErrorCode code() const { return code_; }
  int systemError() const { return systemError_; }
  const std::string& message() const { return message_; }

 private:
  ErrorCode code_ = ErrorCode::OK;
  int systemError_ = 0;
  std::string message_;
};

// A value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) {}

  bool isOk() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  // Only after isOk().
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T take() { return std::move(*value_); }

 private:
  Status status_;
  std::optional<T> value_;
};

#define DISKFERRY_TRY(expression)                                                    \
  do {                                                                               \
    if (::diskferry::Status status_ = (expression); !status_.isOk()) return status_; \
  } while (false)

}  // namespace diskferry
