#include "crypto/secure_memory.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace diskferry {

void wipe(std::span<std::byte> memory) {
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

bool equalConstantTime(std::span<const std::byte> left, std::span<const std::byte> right) {
  if (left.size() != right.size()) return false;
  return left.empty() || CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

Status fillRandom(std::span<std::byte> into) {
  while (!into.empty()) {
    ssize_t got = getrandom(into.data(), into.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Status::fromErrno(ErrorCode::INTERNAL, "the kernel gave no random bytes (getrandom)", errno);
    into = into.subspan(static_cast<size_t>(got));
  }
  return Status::ok();
}

SecureBytes::SecureBytes(size_t lengthBytes) : length_(lengthBytes) {
  if (lengthBytes == 0) return;
  // Whole pages of its own: mlock and DONTDUMP work by the page, and munlock of a page shared with another key would
  // unlock both.
  size_t pageBytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  mappedBytes_ = (lengthBytes + pageBytes - 1) / pageBytes * pageBytes;
  void* memory = mmap(nullptr, mappedBytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  // Both may be refused (RLIMIT_MEMLOCK, an old kernel); the key is then only wiped.
  (void)mlock(memory, mappedBytes_);
  (void)madvise(memory, mappedBytes_, MADV_DONTDUMP);
  data_ = static_cast<std::byte*>(memory);
}

SecureBytes::SecureBytes(std::span<const std::byte> copyOf) : SecureBytes(copyOf.size()) {
  if (!copyOf.empty()) std::memcpy(data_, copyOf.data(), copyOf.size());
}

SecureBytes::~SecureBytes() {
  if (data_ == nullptr) return;
  wipe({data_, mappedBytes_});
  munmap(data_, mappedBytes_);  // unlocks too
}

SecureBytes::SecureBytes(SecureBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      length_(std::exchange(other.length_, 0)),
      mappedBytes_(std::exchange(other.mappedBytes_, 0)) {}

SecureBytes& SecureBytes::operator=(SecureBytes&& other) noexcept {
  if (this == &other) return *this;
  SecureBytes moved(std::move(other));
  std::swap(data_, moved.data_);
  std::swap(length_, moved.length_);
  std::swap(mappedBytes_, moved.mappedBytes_);
  return *this;
}

}  // namespace diskferry
