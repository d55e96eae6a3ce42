// Names for the numbers of the NTFS on-disk format, little-endian throughout. Offsets are within the structure that the
// name begins with. Sources: Microsoft's published descriptions of the master file table and file attributes, and the
// volumes that mkntfs makes; docs/ntfs-layout.md tells how we use them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace diskferry::ntfs {

enum AttributeType : uint32_t {
  kStandardInformation = 0x10,
  kAttributeList = 0x20,
  kFileName = 0x30,
  kSecurityDescriptor = 0x50,
  kVolumeName = 0x60,
  kVolumeInformation = 0x70,
  kData = 0x80,
  kIndexRoot = 0x90,
  kIndexAllocation = 0xA0,
  kBitmap = 0xB0,
  kReparsePoint = 0xC0,
  kEndOfAttributes = 0xFFFFFFFF,
};

// Records of the system files.
inline constexpr uint32_t kMftRecord = 0;
inline constexpr uint32_t kMirrorRecord = 1;
inline constexpr uint32_t kLogFileRecord = 2;
inline constexpr uint32_t kVolumeRecord = 3;
inline constexpr uint32_t kRootRecord = 5;
inline constexpr uint32_t kBitmapRecord = 6;
inline constexpr uint32_t kBootRecord = 7;
inline constexpr uint32_t kBadClustersRecord = 8;
inline constexpr uint32_t kSecureRecord = 9;
inline constexpr uint32_t kUpcaseRecord = 10;
inline constexpr uint32_t kExtendRecord = 11;
inline constexpr uint32_t kFirstNamedRecord = 16;  // 12 to 15 are in use but in no directory
inline constexpr uint32_t kFirstUserRecord = 64;   // below it nothing is ours; the same rule as the common formatters

inline constexpr uint16_t kRecordInUse = 1;
inline constexpr uint16_t kRecordIsDirectory = 2;

inline constexpr uint16_t kRecordHasViews = 8;  // an index of other things than names

// The flags of an attribute.
inline constexpr uint16_t kCompressionMask = 0x00FF;
inline constexpr uint16_t kCompressionLznt1 = 1;
inline constexpr uint16_t kEncrypted = 0x4000;

inline constexpr uint32_t kAttributeHidden = 0x2;
inline constexpr uint32_t kAttributeSystem = 0x4;
inline constexpr uint32_t kAttributeArchive = 0x20;
inline constexpr uint32_t kAttributeDirectory = 0x10000000;  // only in $FILE_NAME

inline constexpr uint32_t kEveryoneSecurityId = 0x102;
inline constexpr uint8_t kNamespacePosix = 0;
inline constexpr uint8_t kNamespaceDos = 2;
inline constexpr uint32_t kCollateFileName = 1;

inline constexpr size_t kFixupStrideBytes = 512;  // whatever the sector size
inline constexpr size_t kRecordHeaderBytes = 0x30;
inline constexpr size_t kResidentHeaderBytes = 0x18;
inline constexpr size_t kNonResidentHeaderBytes = 0x40;
inline constexpr size_t kStandardInformationBytes = 72;
inline constexpr size_t kFileNameHeaderBytes = 66;
inline constexpr size_t kIndexRootHeaderBytes = 0x20;   // root header and node header
inline constexpr size_t kIndexBlockHeaderBytes = 0x28;  // then the fix-up array
inline constexpr size_t kIndexNodeHeaderOffset = 0x18;  // in an INDX block; entry offsets count from here
inline constexpr size_t kIndexEntryHeaderBytes = 0x10;
inline constexpr uint16_t kEntryHasChild = 1;
inline constexpr uint16_t kEntryIsLast = 2;
inline constexpr size_t kNameUnitsMax = 255;

inline constexpr uint64_t kReferenceRecordMask = 0xFFFFFFFFFFFFull;
constexpr uint64_t reference(uint64_t record, uint16_t sequence) {
  return record | static_cast<uint64_t>(sequence) << 48;
}
constexpr uint64_t referencedRecord(uint64_t reference) { return reference & kReferenceRecordMask; }

// 100 ns ticks between 1601-01-01 and 1970-01-01.
inline constexpr int64_t kUnixEpochTicks = 116444736000000000;

constexpr size_t alignUp(size_t value, size_t alignment) { return (value + alignment - 1) / alignment * alignment; }
constexpr uint64_t divideUp(uint64_t value, uint64_t divisor) {
  return value / divisor + (value % divisor != 0 ? 1 : 0);
}

}  // namespace diskferry::ntfs
