// The libFuzzer target (built where clang is: cmake -DDISKFERRY_FUZZ=ON with CXX=clang++). A corpus to begin with comes
// from native-tests: set DISKFERRY_FUZZ_CORPUS to a folder.
#include "image/fuzz_image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
  diskferry::image::fuzzImage(std::as_bytes(std::span(data, length)));
  return 0;
}
