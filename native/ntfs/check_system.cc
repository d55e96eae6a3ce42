// The records that mkntfs made. Their attributes are of few kinds, each with strict rules, so that damage shows
// although nothing else on the volume repeats their content.
#include <algorithm>
#include <cstring>

#include "little_endian.h"
#include "ntfs/check_state.h"

namespace diskferry::ntfs {

namespace {

constexpr uint32_t kQuotaRecord = 24;
constexpr uint32_t kFirstExtendedRecord = 24;  // $Quota, $ObjId, $Reparse
constexpr uint16_t kRecordIsExtended = 4;

// The file attributes are those of the name, or of a system file without one. Only the root's differ.
uint32_t expectedAttributes(uint32_t number, const RecordView& view) {
  if (number == kRootRecord) return kAttributeHidden | kAttributeSystem | kAttributeArchive;
  const Attribute* name = view.find(kFileName);
  if (name == nullptr || name->value.size() < kFileNameHeaderBytes) return kAttributeHidden | kAttributeSystem;
  return load32(name->value.data() + 0x38) & ~kAttributeDirectory;
}

const char* checkInformation(const CheckState& state, uint32_t number, const RecordView& view,
                             std::span<const std::byte> value) {
  if (value.size() != 48 && value.size() != kStandardInformationBytes)
    return "its standard information has a wrong length";
  for (size_t i = 0; i < 4; i++)
    if (load64(value.data() + 8 * i) != state.createdTime) return "its times are not those of the volume's making";
  if (load32(value.data() + 0x20) != expectedAttributes(number, view) || !isZero(value.subspan(0x24, 12)))
    return "its file attributes are damaged";
  if (value.size() == 48) return nullptr;
  return load32(value.data() + 0x30) == 0 && isZero(value.subspan(0x38)) ? nullptr
                                                                         : "its standard information is damaged";
}

// Its times are repeated nowhere but in the index; sizes stand in the data too.
const char* checkName(const CheckState& state, const RecordView& view, std::span<const std::byte> value) {
  if (value.size() < kFileNameHeaderBytes) return "its name is too short";
  for (size_t i = 0; i < 4; i++)
    if (load64(value.data() + 8 + 8 * i) != state.createdTime) return "its times are not those of the volume's making";
  const Attribute* data = view.find(kData);
  uint64_t dataBytes = data == nullptr ? 0 : data->dataBytes;
  uint64_t allocatedBytes = data == nullptr ? 0 : data->isNonResident ? data->allocatedBytes : dataBytes;
  if (load64(value.data() + 0x28) != allocatedBytes || load64(value.data() + 0x30) != dataBytes)
    return "its sizes and those of its data differ";
  return nullptr;
}

// mkntfs gives its files one of two descriptors: the system and the administrators may write, or only read.
const char* checkOwnDescriptor(std::span<const std::byte> descriptor) {
  constexpr uint32_t writeMask = 0x12019F;
  constexpr uint32_t readMask = 0x120089;
  constexpr size_t firstMaskOffset = 32;
  constexpr size_t secondMaskOffset = 52;
  static constexpr uint8_t kForm[100] = {
      1, 0, 4,  0x80, 72, 0, 0, 0, 84, 0, 0, 0, 0,    0, 0, 0, 20, 0, 0, 0,                 // owner, group, list
      2, 0, 52, 0,    2,  0, 0, 0,                                                          // two entries
      0, 0, 20, 0,    0,  0, 0, 0, 1,  1, 0, 0, 0,    0, 0, 5, 18, 0, 0, 0,                 // the system
      0, 0, 24, 0,    0,  0, 0, 0, 1,  2, 0, 0, 0,    0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0,  // administrators
      1, 1, 0,  0,    0,  0, 0, 5, 18, 0, 0, 0,                                             // owner: the system
      1, 2, 0,  0,    0,  0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};                             // group: administrators
  std::byte expected[sizeof kForm];
  std::memcpy(expected, kForm, sizeof kForm);
  uint32_t mask = descriptor.size() == sizeof kForm ? load32(descriptor.data() + firstMaskOffset) : 0;
  store32(expected + firstMaskOffset, mask);
  store32(expected + secondMaskOffset, mask);
  bool isGood = (mask == writeMask || mask == readMask) && std::ranges::equal(descriptor, std::span(expected));
  return isGood ? nullptr : "its security descriptor is not one that mkntfs writes";
}

// All of the volume as one sparse run: none of its clusters is bad.
const char* checkBadClusters(const CheckState& state, const Attribute& attribute) {
  std::vector<Run> runs;
  uint64_t bytes = state.geometry.clusterCount * state.geometry.clusterBytes;
  bool isGood = decodeRuns(attribute.mappingPairs, state.geometry.clusterCount, runs) && runs.size() == 1 &&
                runs[0].isSparse() && runs[0].count == state.geometry.clusterCount &&
                attribute.allocatedBytes == bytes && attribute.dataBytes == bytes && attribute.initializedBytes == 0;
  return isGood ? nullptr : "its list of bad clusters is damaged";
}

const char* checkVolumeInformation(std::span<const std::byte> value) {
  if (value.size() != 12 || !isZero(value.first(8)) || load16(value.data() + 8) != 0x0103)
    return "its volume information is damaged";
  return load16(value.data() + 10) == 0 ? nullptr : "the volume is marked dirty, or to be changed at the next mount";
}

// The names that attributes have in the files of NTFS; none in all others.
bool hasExpectedName(uint32_t number, const Attribute& attribute) {
  std::u16string_view name = attribute.name;
  switch (attribute.type) {
    case kData:
      return name.empty() || name == (number == kBadClustersRecord ? u"$Bad"
                                      : number == kSecureRecord    ? u"$SDS"
                                      : number == kUpcaseRecord    ? u"$Info"
                                                                   : u"");
    case kIndexRoot:
      if (number == kSecureRecord) return name == u"$SDH" || name == u"$SII";
      if (number == kQuotaRecord) return name == u"$O" || name == u"$Q";
      return name == (number == kQuotaRecord + 1 ? u"$O" : number == kQuotaRecord + 2 ? u"$R" : u"$I30");
    case kIndexAllocation:
      return name == u"$I30";
    case kBitmap:
      return name == (number == kMftRecord ? u"" : u"$I30");
    default:
      return name.empty();
  }
}

const char* checkAttribute(const CheckState& state, uint32_t number, const RecordView& view,
                           const Attribute& attribute) {
  if (!hasExpectedName(number, attribute)) return "an attribute has another name than mkntfs gives it";
  switch (attribute.type) {
    case kStandardInformation:
      return checkInformation(state, number, view, attribute.value);
    case kFileName:
      return checkName(state, view, attribute.value);
    case kSecurityDescriptor:
      return attribute.isNonResident ? nullptr : checkOwnDescriptor(attribute.value);
    case kVolumeInformation:
      return checkVolumeInformation(attribute.value);
    case kData:
      return attribute.name == u"$Bad" ? checkBadClusters(state, attribute) : nullptr;
    case kIndexRoot:
      // The directories' and $Secure's are checked elsewhere.
      return attribute.name == u"$I30" || number == kSecureRecord ? nullptr : checkView(state, number, attribute);
    case kVolumeName:
    case kIndexAllocation:
    case kBitmap:
      return nullptr;
    default:
      return "it has an attribute that mkntfs does not write";
  }
}

uint16_t expectedFlags(uint32_t number, const RecordView& view) {
  if (!view.isInUse()) return 0;
  bool hasViews = number == kSecureRecord || number >= kFirstExtendedRecord;
  return static_cast<uint16_t>(kRecordInUse | (view.find(kIndexRoot, u"$I30") != nullptr ? kRecordIsDirectory : 0) |
                               (hasViews ? kRecordHasViews : 0) |
                               (number >= kFirstExtendedRecord ? kRecordIsExtended : 0));
}

// Records that are in no use are numbered by their sequence.
uint16_t expectedSequence(uint32_t number, const RecordView& view) {
  bool isFirst = number == kMftRecord || (number >= kFirstExtendedRecord && view.isInUse());
  return isFirst ? 1 : static_cast<uint16_t>(number);
}

// Of the one sparse run of $BadClus nothing is initialized; the builder knows no such attribute.
void clearInitialized(uint32_t number, const RecordView& view, std::span<std::byte> into) {
  const Attribute* clusters = number == kBadClustersRecord ? view.find(kData, u"$Bad") : nullptr;
  if (clusters == nullptr) return;
  size_t start =
      firstAttributeOffset(into.size()) + static_cast<size_t>(clusters->raw.data() - view.attributes[0].raw.data());
  if (start + clusters->raw.size() <= into.size()) store64(into.data() + start + 0x38, 0);
}

}  // namespace

void checkSystemRecord(CheckState& state, uint32_t number, std::span<const std::byte> raw, const RecordView& view) {
  if (!state.isExact(number)) {
    const Attribute* information = number == kVolumeRecord ? view.find(kVolumeInformation) : nullptr;
    if (information != nullptr && information->value.size() == 12 && (load16(information->value.data() + 10) & 1) != 0)
      state.add("NTFS_DIRTY", Severity::warning, "$Volume", "The volume is marked dirty.");
    return;
  }
  const Attribute* first = view.find(kStandardInformation);
  if (state.createdTime == 0 && first != nullptr && first->value.size() >= 8)
    state.createdTime = load64(first->value.data());
  std::vector<std::byte> expected(raw.size());
  std::vector<Run> runs;
  uint16_t links = view.find(kFileName) == nullptr ? 0 : 1;
  RecordBuilder builder(expected, view.isInUse() ? number : 0, expectedSequence(number, view), links,
                        expectedFlags(number, view));
  for (const Attribute& attribute : view.attributes) {
    if (const char* problem = checkAttribute(state, number, view, attribute))
      state.damageRecord("NTFS_SYSTEM_RECORD", number, std::string("It is damaged: ") + problem + ".");
    runs.clear();
    if (!attribute.isNonResident)
      builder.replaceResident(attribute, attribute.value);
    else if (decodeRuns(attribute.mappingPairs, state.geometry.clusterCount, runs) && !runs.empty())
      builder.replaceNonResident(attribute, runs, state.geometry.clusterBytes, attribute.dataBytes);
  }
  bool isBuilt = builder.finish(fixupCounter(raw));
  if (!isBuilt) return state.damageRecord("NTFS_SYSTEM_RECORD", number, "Its attributes do not fit into it.");
  clearInitialized(number, view, expected);
  compareRecord(state, number, raw, expected);
}

}  // namespace diskferry::ntfs
