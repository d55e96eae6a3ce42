// The libFuzzer target of the image reader: `npm run fuzz` builds and runs it. What it begins with lies in corpus/; an
// input that it found something with belongs there too, because the native tests read all of them.
#include "image/fuzz_image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
  diskferry::image::fuzzImage(std::as_bytes(std::span(data, length)));
  return 0;
}
