// One file that is copied: opened below its directory, compared with the plan before and after it is read, read past
// the page cache where the file system allows it. A file that is not what the plan says is told with what changed.
#pragma once

#include <span>

#include "engine/file_columns.h"
#include "io/file_descriptor.h"

namespace diskferry::engine {

// The directory that a reader opened last. Files come directory by directory, so that most are opened by name alone.
class SourceDirectory {
 public:
  // A descriptor to open names in, or the error number as a negative value.
  int open(const SourceColumns& sources, uint32_t directory);

 private:
  bool isOpen_ = false;
  uint32_t directory_ = 0;
  FileDescriptor descriptor_;
};

class SourceFile {
 public:
  SourceFile(const SourceColumns& sources, const FileExtents& files, size_t file)
      : sources_(&sources), file_(file), sizeBytes_(files.size(file)) {}

  // SOURCE_CHANGED (gone, replaced, other size or time), SOURCE_READ_FAILED.
  Status open(SourceDirectory& directory);
  // Fills `data`, from `offsetBytes` on. `scratchBytes` is the length of the writable memory that starts where `data`
  // does: a direct read may overrun into it up to the next 4 KiB. May be called by several threads. SOURCE_CHANGED when
  // the file is shorter.
  Status read(uint64_t offsetBytes, std::span<std::byte> data, size_t scratchBytes) const;
  // After the last read: whether it still is what the plan says.
  Status recheck() const;

  size_t file() const { return file_; }
  // O_DIRECT, where the file system took it.
  int descriptor() const { return descriptor_.number(); }

 private:
  Status failure(const char* what, int systemError) const;
  Status changed(const std::string& what) const;

  const SourceColumns* sources_;
  size_t file_;
  uint64_t sizeBytes_;
  FileDescriptor descriptor_;
};

// What a direct read of `length` bytes asks for: whole blocks of 4 KiB.
size_t directLength(size_t length);

}  // namespace diskferry::engine
