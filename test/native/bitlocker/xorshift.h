// Random numbers that are the same in every run: a failing mutation can be found again by its number.
#pragma once

#include <cstdint>

namespace diskferry::bitlocker::test {

class Xorshift {
 public:
  explicit Xorshift(uint64_t seed) : state_(seed) {}
  uint64_t below(uint64_t limit) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % limit;
  }

 private:
  uint64_t state_;
};

}  // namespace diskferry::bitlocker::test
