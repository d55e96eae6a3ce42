// FILE records: a checked view for reading, and a builder for writing. Both sides know the same rules, so that what the
// builder makes can be compared byte for byte with what is found on a volume.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ntfs/disk_format.h"
#include "ntfs/run_list.h"

namespace diskferry::ntfs {

// Points into the record it was parsed from.
struct Attribute {
  uint32_t type = 0;
  bool isNonResident = false;
  uint16_t flags = 0;  // compressed, encrypted, sparse
  uint16_t id = 0;
  std::u16string name;
  std::span<const std::byte> raw;           // header included
  std::span<const std::byte> value;         // resident only
  std::span<const std::byte> mappingPairs;  // non-resident only, and the sizes below
  uint64_t lowestVcn = 0;
  uint64_t highestVcn = 0;
  uint8_t compressionUnit = 0;  // compressed in units of two to this power of clusters
  uint64_t allocatedBytes = 0;
  uint64_t dataBytes = 0;
  uint64_t initializedBytes = 0;
};

struct RecordView {
  uint16_t sequence = 0;
  uint16_t linkCount = 0;
  uint16_t flags = 0;
  uint32_t bytesUsed = 0;
  uint64_t baseReference = 0;
  uint16_t nextId = 0;
  uint32_t number = 0;
  std::vector<Attribute> attributes;

  // NTFS before version 3.1 did not number its records.
  bool hasNumber = true;

  bool isInUse() const { return (flags & kRecordInUse) != 0; }
  bool isDirectory() const { return (flags & kRecordIsDirectory) != 0; }
  const Attribute* find(uint32_t type, std::u16string_view name = {}) const;
};

// Parses a record whose fix-ups are removed; every length is checked. Returns null, or a phrase that says what is
// wrong.
const char* parseRecord(std::span<const std::byte> record, RecordView& into);

// $FILE_NAME's value, as in a record and in an index entry.
struct FileName {
  uint64_t parent = 0;
  uint64_t times[4] = {};  // created, modified, record changed, accessed
  uint64_t allocatedBytes = 0;
  uint64_t dataBytes = 0;
  uint32_t attributes = 0;
  uint8_t nameSpace = kNamespacePosix;
  std::u16string_view name;
};

constexpr size_t fileNameBytes(size_t units) { return kFileNameHeaderBytes + 2 * units; }
// `into` has fileNameBytes(name.size()) bytes.
void storeFileName(std::byte* into, const FileName& name);
// False when the value's length does not suit its name. The name is copied into `nameBuffer`.
bool loadFileName(std::span<const std::byte> value, FileName& into, std::u16string& nameBuffer);

// Builds one record in place. Attributes come in ascending type; each takes the next id unless copied.
class RecordBuilder {
 public:
  // Clears `record` and writes its header.
  RecordBuilder(std::span<std::byte> record, uint32_t number, uint16_t sequence, uint16_t linkCount, uint16_t flags);

  void addResident(uint32_t type, std::u16string_view name, std::span<const std::byte> value);
  // Room for a value that the caller fills; empty when the record is full.
  std::span<std::byte> addResidentSpace(uint32_t type, std::u16string_view name, size_t valueBytes);
  void addNonResident(uint32_t type, std::u16string_view name, std::span<const Run> runs, uint32_t clusterBytes,
                      uint64_t dataBytes);
  // An attribute of another record, id included.
  void copy(const Attribute& attribute);
  // The same with another value or other runs; type, name and id stay.
  void replaceResident(const Attribute& attribute, std::span<const std::byte> value);
  void replaceNonResident(const Attribute& attribute, std::span<const Run> runs, uint32_t clusterBytes,
                          uint64_t dataBytes);
  // Closes the record and applies the fix-ups. False when something did not fit.
  bool finish(uint16_t counter = 1);

 private:
  std::byte* reserve(uint32_t type, std::u16string_view name, size_t headerBytes, size_t bodyBytes, bool isNonResident);

  std::span<std::byte> record_;
  size_t used_ = 0;
  uint16_t nextId_ = 0;
  bool isFull_ = false;
};

// Bytes that a resident attribute takes in a record.
constexpr size_t residentAttributeBytes(size_t nameUnits, size_t valueBytes) {
  return alignUp(alignUp(kResidentHeaderBytes + 2 * nameUnits, 8) + valueBytes, 8);
}
// Where the first attribute of a record begins.
constexpr size_t firstAttributeOffset(size_t recordBytes) {
  return alignUp(kRecordHeaderBytes + 2 * (recordBytes / kFixupStrideBytes + 1), 8);
}

// Clears what lies between and behind the parts of a record's attributes (fix-ups removed, parsed before). mkntfs
// leaves whatever its memory held there.
void clearPadding(std::span<std::byte> record);

// A record that is in no use, as we leave it.
void buildUnusedRecord(std::span<std::byte> record, uint32_t number);

}  // namespace diskferry::ntfs
