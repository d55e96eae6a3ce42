#include "io/read_batch.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "io/aligned_buffer.h"
#include "io/file_descriptor.h"

namespace diskferry {

namespace {

FileDescriptor temporaryFile(size_t length, std::byte fill) {
  char name[] = "/tmp/diskferry-batch-XXXXXX";
  FileDescriptor file(::mkstemp(name));
  ::unlink(name);
  const std::vector<std::byte> content(length, fill);
  REQUIRE(::pwrite(file.number(), content.data(), length, 0) == static_cast<ssize_t>(length));
  return file;
}

}  // namespace

TEST_CASE("a batch reads each file from its start, tells what came of each, and can be used again") {
  for (bool useUring : {true, false}) {
    CAPTURE(useUring);
    ReadBatch batch(useUring);
    for (size_t count : {size_t{0}, size_t{1}, size_t{2}, ReadBatch::kReadsMax}) {
      std::vector<FileDescriptor> files;
      AlignedBuffer memory(4096 * ReadBatch::kReadsMax);
      std::memset(memory.data(), 0xff, memory.size());
      for (size_t index = 0; index < count; index++) {
        files.push_back(temporaryFile(index * 97 % 5000, static_cast<std::byte>(index)));
        batch.add(files.back().number(), memory.bytes().subspan(index * 4096, 4096));
      }
      const std::vector<int64_t>& results = batch.run();
      REQUIRE(results.size() == count);
      for (size_t index = 0; index < count; index++) {
        const size_t wanted = std::min<size_t>(index * 97 % 5000, 4096);
        CHECK(results[index] == static_cast<int64_t>(wanted));
        for (size_t at : {size_t{0}, wanted / 2, wanted - 1})
          if (wanted > 0) CHECK(memory.data()[index * 4096 + at] == static_cast<std::byte>(index));
      }
    }
  }
}

TEST_CASE("a read that fails leaves the others of its batch alone") {
  for (bool useUring : {true, false}) {
    ReadBatch batch(useUring);
    FileDescriptor good = temporaryFile(100, std::byte{7});
    FileDescriptor folder(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    AlignedBuffer memory(4096 * 3);
    batch.add(good.number(), memory.bytes().first(4096));
    batch.add(folder.number(), memory.bytes().subspan(4096, 4096));
    batch.add(good.number(), memory.bytes().subspan(8192, 4096));
    const std::vector<int64_t>& results = batch.run();
    CHECK(results[0] == 100);
    CHECK(results[1] == -EISDIR);
    CHECK(results[2] == 100);
  }
}

}  // namespace diskferry
