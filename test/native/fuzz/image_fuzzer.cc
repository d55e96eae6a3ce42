// The libFuzzer target of the image reader. A corpus to begin with comes from native-tests: set DISKFERRY_FUZZ_CORPUS
// to a folder. CMakeLists.txt beside this file says how it is built.
#include "image/fuzz_image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
  diskferry::image::fuzzImage(std::as_bytes(std::span(data, length)));
  return 0;
}
