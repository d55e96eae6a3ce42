#include "ntfs/record.h"

#include <algorithm>
#include <cstring>

#include "little_endian.h"
#include "ntfs/fixups.h"

namespace diskferry::ntfs {

namespace {

std::u16string loadUnits(const std::byte* from, size_t units) {
  std::u16string text(units, u'\0');
  std::memcpy(text.data(), from, 2 * units);
  return text;
}

const char* parseAttribute(std::span<const std::byte> raw, Attribute& into) {
  const std::byte* at = raw.data();
  into.raw = raw;
  into.type = load32(at);
  into.isNonResident = at[8] != std::byte{0};
  into.flags = load16(at + 0x0C);
  into.id = load16(at + 0x0E);
  size_t nameUnits = static_cast<uint8_t>(at[9]);
  size_t nameOffset = load16(at + 0x0A);
  if (nameOffset > raw.size() || 2 * nameUnits > raw.size() - nameOffset) return "an attribute's name leaves it";
  into.name = loadUnits(at + nameOffset, nameUnits);
  if (!into.isNonResident) {
    size_t valueBytes = load32(at + 0x10);
    size_t valueOffset = load16(at + 0x14);
    if (valueOffset < kResidentHeaderBytes || valueOffset > raw.size() || valueBytes > raw.size() - valueOffset)
      return "an attribute's value leaves it";
    into.value = raw.subspan(valueOffset, valueBytes);
    into.dataBytes = valueBytes;
    return nullptr;
  }
  size_t pairsOffset = raw.size() < kNonResidentHeaderBytes ? 0 : load16(at + 0x20);
  if (pairsOffset < kNonResidentHeaderBytes || pairsOffset > raw.size()) return "an attribute's runs leave it";
  into.mappingPairs = raw.subspan(pairsOffset);
  into.lowestVcn = load64(at + 0x10);
  into.highestVcn = load64(at + 0x18);
  into.compressionUnit = static_cast<uint8_t>(at[0x22]);
  into.allocatedBytes = load64(at + 0x28);
  into.dataBytes = load64(at + 0x30);
  into.initializedBytes = load64(at + 0x38);
  return nullptr;
}

}  // namespace

const Attribute* RecordView::find(uint32_t type, std::u16string_view name) const {
  for (const Attribute& attribute : attributes)
    if (attribute.type == type && attribute.name == name) return &attribute;
  return nullptr;
}

const char* parseRecord(std::span<const std::byte> record, RecordView& into) {
  const std::byte* header = record.data();
  if (std::memcmp(header, "FILE", 4) != 0) return "it does not begin with FILE";
  into.attributes.clear();
  into.sequence = load16(header + 0x10);
  into.linkCount = load16(header + 0x12);
  into.flags = load16(header + 0x16);
  into.bytesUsed = load32(header + 0x18);
  into.baseReference = load64(header + 0x20);
  into.nextId = load16(header + 0x28);
  into.number = load32(header + 0x2C);
  into.hasNumber = load16(header + 4) >= kRecordHeaderBytes;
  if (load32(header + 0x1C) != record.size()) return "its allocated length is not the record size";
  size_t at = load16(header + 0x14);
  if (at < kRecordHeaderBytes || at % 8 != 0 || into.bytesUsed > record.size() || at + 8 > into.bytesUsed)
    return "its first attribute or used length is out of range";
  while (true) {
    if (at + 8 > into.bytesUsed) return "its attributes have no end mark";
    uint32_t type = load32(header + at);
    if (type == kEndOfAttributes) break;
    size_t length = load32(header + at + 4);
    if (length < kResidentHeaderBytes || length % 8 != 0 || length > into.bytesUsed - at)
      return "an attribute's length is out of range";
    Attribute& attribute = into.attributes.emplace_back();
    if (const char* problem = parseAttribute(record.subspan(at, length), attribute)) return problem;
    at += length;
  }
  return into.bytesUsed == at + 8 ? nullptr : "its used length is not the end of its attributes";
}

void storeFileName(std::byte* into, const FileName& name) {
  std::memset(into, 0, kFileNameHeaderBytes);
  store64(into, name.parent);
  for (size_t i = 0; i < 4; i++) store64(into + 8 + 8 * i, name.times[i]);
  store64(into + 0x28, name.allocatedBytes);
  store64(into + 0x30, name.dataBytes);
  store32(into + 0x38, name.attributes);
  into[0x40] = static_cast<std::byte>(name.name.size());
  into[0x41] = static_cast<std::byte>(name.nameSpace);
  std::memcpy(into + kFileNameHeaderBytes, name.name.data(), 2 * name.name.size());
}

bool loadFileName(std::span<const std::byte> value, FileName& into, std::u16string& nameBuffer) {
  if (value.size() < kFileNameHeaderBytes) return false;
  const std::byte* at = value.data();
  size_t units = static_cast<uint8_t>(at[0x40]);
  if (units == 0 || value.size() != fileNameBytes(units)) return false;
  into.parent = load64(at);
  for (size_t i = 0; i < 4; i++) into.times[i] = load64(at + 8 + 8 * i);
  into.allocatedBytes = load64(at + 0x28);
  into.dataBytes = load64(at + 0x30);
  into.attributes = load32(at + 0x38);
  into.nameSpace = static_cast<uint8_t>(at[0x41]);
  nameBuffer.resize(units);
  std::memcpy(nameBuffer.data(), at + kFileNameHeaderBytes, 2 * units);
  into.name = nameBuffer;
  return true;
}

RecordBuilder::RecordBuilder(std::span<std::byte> record, uint32_t number, uint16_t sequence, uint16_t linkCount,
                             uint16_t flags)
    : record_(record), used_(firstAttributeOffset(record.size())) {
  std::memset(record.data(), 0, record.size());
  std::memcpy(record.data(), "FILE", 4);
  store16(record.data() + 4, kRecordHeaderBytes);
  store16(record.data() + 6, static_cast<uint16_t>(record.size() / kFixupStrideBytes + 1));
  store16(record.data() + 0x10, sequence);
  store16(record.data() + 0x12, linkCount);
  store16(record.data() + 0x14, static_cast<uint16_t>(used_));
  store16(record.data() + 0x16, flags);
  store32(record.data() + 0x1C, static_cast<uint32_t>(record.size()));
  store32(record.data() + 0x2C, number);
}

std::byte* RecordBuilder::reserve(uint32_t type, std::u16string_view name, size_t headerBytes, size_t bodyBytes,
                                  bool isNonResident) {
  size_t bodyOffset = alignUp(headerBytes + 2 * name.size(), 8);
  size_t length = alignUp(bodyOffset + bodyBytes, 8);
  if (isFull_ || length + 8 > record_.size() - used_) {
    isFull_ = true;
    return nullptr;
  }
  std::byte* at = record_.data() + used_;
  used_ += length;
  store32(at, type);
  store32(at + 4, static_cast<uint32_t>(length));
  at[8] = static_cast<std::byte>(isNonResident);
  at[9] = static_cast<std::byte>(name.size());
  store16(at + 0x0A, static_cast<uint16_t>(headerBytes));
  store16(at + 0x0E, nextId_++);
  std::memcpy(at + headerBytes, name.data(), 2 * name.size());
  return at;
}

std::span<std::byte> RecordBuilder::addResidentSpace(uint32_t type, std::u16string_view name, size_t valueBytes) {
  std::byte* at = reserve(type, name, kResidentHeaderBytes, valueBytes, false);
  if (at == nullptr) return {};
  size_t valueOffset = alignUp(kResidentHeaderBytes + 2 * name.size(), 8);
  store32(at + 0x10, static_cast<uint32_t>(valueBytes));
  store16(at + 0x14, static_cast<uint16_t>(valueOffset));
  at[0x16] = static_cast<std::byte>(type == kFileName);  // "indexed"; chkdsk insists
  return {at + valueOffset, valueBytes};
}

void RecordBuilder::addResident(uint32_t type, std::u16string_view name, std::span<const std::byte> value) {
  std::span<std::byte> space = addResidentSpace(type, name, value.size());
  if (!value.empty() && space.size() == value.size()) std::memcpy(space.data(), value.data(), value.size());
}

void RecordBuilder::addNonResident(uint32_t type, std::u16string_view name, std::span<const Run> runs,
                                   uint32_t clusterBytes, uint64_t dataBytes) {
  std::byte pairs[1024];
  size_t pairsBytes = encodeRuns(runs, pairs);
  if (pairsBytes == 0) isFull_ = true;
  std::byte* at = reserve(type, name, kNonResidentHeaderBytes, pairsBytes, true);
  if (at == nullptr) return;
  uint64_t clusters = clustersOf(runs);
  size_t pairsOffset = alignUp(kNonResidentHeaderBytes + 2 * name.size(), 8);
  store64(at + 0x18, clusters - 1);
  store16(at + 0x20, static_cast<uint16_t>(pairsOffset));
  store64(at + 0x28, clusters * clusterBytes);
  store64(at + 0x30, dataBytes);
  store64(at + 0x38, dataBytes);
  std::memcpy(at + pairsOffset, pairs, pairsBytes);
}

void RecordBuilder::copy(const Attribute& attribute) {
  if (isFull_ || attribute.raw.size() + 8 > record_.size() - used_) {
    isFull_ = true;
    return;
  }
  std::memcpy(record_.data() + used_, attribute.raw.data(), attribute.raw.size());
  used_ += attribute.raw.size();
  nextId_ = std::max<uint16_t>(nextId_, static_cast<uint16_t>(attribute.id + 1));
}

void RecordBuilder::replaceResident(const Attribute& attribute, std::span<const std::byte> value) {
  uint16_t next = std::max<uint16_t>(nextId_, static_cast<uint16_t>(attribute.id + 1));
  nextId_ = attribute.id;
  addResident(attribute.type, attribute.name, value);
  nextId_ = next;
}

void RecordBuilder::replaceNonResident(const Attribute& attribute, std::span<const Run> runs, uint32_t clusterBytes,
                                       uint64_t dataBytes) {
  uint16_t next = std::max<uint16_t>(nextId_, static_cast<uint16_t>(attribute.id + 1));
  nextId_ = attribute.id;
  addNonResident(attribute.type, attribute.name, runs, clusterBytes, dataBytes);
  nextId_ = next;
}

bool RecordBuilder::finish(uint16_t counter) {
  if (isFull_) return false;
  store32(record_.data() + used_, kEndOfAttributes);
  used_ += 8;
  store32(record_.data() + 0x18, static_cast<uint32_t>(used_));
  store16(record_.data() + 0x28, nextId_);
  applyFixups(record_, counter);
  return true;
}

void clearPadding(std::span<std::byte> record) {
  RecordView view;
  if (parseRecord(record, view) != nullptr) return;
  for (const Attribute& attribute : view.attributes) {
    std::byte* at = record.data() + (attribute.raw.data() - record.data());
    size_t headerBytes = attribute.isNonResident ? kNonResidentHeaderBytes : kResidentHeaderBytes;
    size_t nameEnd = std::max<size_t>(load16(at + 0x0A) + 2 * attribute.name.size(), headerBytes);
    size_t bodyStart = load16(at + (attribute.isNonResident ? 0x20 : 0x14));
    size_t bodyEnd = bodyStart + attribute.value.size();
    if (attribute.isNonResident) {
      while (bodyEnd < attribute.raw.size() && at[bodyEnd] != std::byte{0})
        bodyEnd += 1 + (static_cast<size_t>(at[bodyEnd]) & 15) + (static_cast<size_t>(at[bodyEnd]) >> 4);
      bodyEnd++;
    }
    if (nameEnd < bodyStart) std::memset(at + nameEnd, 0, bodyStart - nameEnd);
    if (bodyEnd < attribute.raw.size()) std::memset(at + bodyEnd, 0, attribute.raw.size() - bodyEnd);
  }
  std::memset(record.data() + view.bytesUsed, 0, record.size() - view.bytesUsed);
}

void buildUnusedRecord(std::span<std::byte> record, uint32_t number) {
  RecordBuilder builder(record, number, 1, 0, 0);
  (void)builder.finish();
}

}  // namespace diskferry::ntfs
