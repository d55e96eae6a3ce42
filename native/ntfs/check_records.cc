// Every record of $MFT: it parses, it is numbered, $MFT's bitmap agrees, and it is byte for byte what its own fields
// make. That last comparison leaves no byte unlooked at: padding, unused tails and reserved fields are all predicted.
#include <algorithm>
#include <cstring>

#include "little_endian.h"
#include "ntfs/bitmap_bits.h"
#include "ntfs/check_state.h"
#include "ntfs/fixups.h"

namespace diskferry::ntfs {

namespace {

Status readMftBitmap(CheckState& state, std::vector<std::byte>& bits) {
  AlignedBuffer record(state.geometry.recordBytes);
  RecordView view;
  DISKFERRY_TRY(state.volume.mft().readRecord(state.volume.sectors(), kMftRecord, record.bytes(), view));
  const Attribute* bitmap = view.find(kBitmap);
  if (bitmap == nullptr) {
    state.damage("NTFS_MFT_BITMAP", "$MFT bitmap", "MFT record 0 has none.");
    return Status::ok();
  }
  std::vector<Run> runs;
  if (bitmap->isNonResident) {
    // As long as its clusters: what lies behind its end must be zero too.
    if (!attributeRuns(state.geometry, *bitmap, runs).isOk() ||
        clustersOf(runs) * state.geometry.clusterBytes > (state.volume.mft().recordCount() / 8 + 8) + (4u << 20)) {
      state.damage("NTFS_MFT_BITMAP", "$MFT bitmap", "Its clusters cannot be found.");
      return Status::ok();
    }
    AlignedBuffer buffer(clustersOf(runs) * state.geometry.clusterBytes);
    DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, runs, 0, buffer.bytes()));
    bits.assign(buffer.data(), buffer.data() + buffer.size());
  } else {
    bits.assign(bitmap->value.begin(), bitmap->value.end());
  }
  if (bitmap->dataBytes < state.volume.mft().recordCount() / 8)
    state.damage("NTFS_MFT_BITMAP", "$MFT bitmap", "It is shorter than the table.");
  return Status::ok();
}

class RecordChecker {
 public:
  RecordChecker(CheckState& state, std::span<const std::byte> bits)
      : state_(state), bits_(bits), raw_(state.geometry.recordBytes), unused_(state.geometry.recordBytes) {}

  void check(uint32_t number, std::span<std::byte> record) {
    std::memcpy(raw_.data(), record.data(), record.size());
    const char* problem =
        removeFixups(record) ? parseRecord(record, view_) : "its fix-ups differ: it was written in part";
    if (problem != nullptr) {
      state_.damage("NTFS_RECORD", recordName(number), std::string("It is damaged: ") + problem + ".");
      if (isBitSet(bits_, number)) state_.recordFlags[number] |= CheckState::kInUse;
      return;
    }
    if (isBitSet(bits_, number) != view_.isInUse())
      state_.damage("NTFS_MFT_BITMAP", "$MFT bitmap",
                    "It says the opposite of " + recordName(number) + " about its being in use.");
    if (!view_.isInUse()) return checkUnused(number);
    state_.recordFlags[number] =
        static_cast<uint8_t>(CheckState::kInUse | (view_.isDirectory() ? CheckState::kDirectory : 0));
    if (view_.number != number)
      state_.damage("NTFS_RECORD", recordName(number), "It says it is record " + std::to_string(view_.number) + ".");
    if (view_.baseReference != 0 || view_.find(kAttributeList) != nullptr) {
      state_.add("NTFS_UNSUPPORTED", Severity::warning, recordName(number),
                 "It uses an attribute list, which cannot be checked.");
      return;
    }
    takeName(number);
    takeAllRuns(number);
    if (number < kFirstUserRecord)
      checkSystemRecord(state_, number, raw_, view_);
    else
      checkUserRecord(state_, number, raw_, view_);
  }

 private:
  // mkntfs leaves a time stamp in records 16 to 23 and does not number them; all others are as we make them.
  void checkUnused(uint32_t number) {
    const Attribute* information = view_.find(kStandardInformation);
    if (number >= kFirstUserRecord || information == nullptr) {
      buildUnusedRecord(unused_, number);
      return compareRecord(state_, number, raw_, unused_);
    }
    checkSystemRecord(state_, number, raw_, view_);
  }

  void takeName(uint32_t number) {
    const Attribute* found = nullptr;
    for (const Attribute& attribute : view_.attributes) {
      if (attribute.type != kFileName) continue;
      if (found != nullptr && state_.isPristine)
        state_.damage("NTFS_NAME", recordName(number), "It has more than one name.");
      found = &attribute;
    }
    if (found == nullptr) {
      bool isNameless = number >= 12 && number < kFirstNamedRecord;
      if (!isNameless) state_.damage("NTFS_NAME", recordName(number), "It has no name.");
      return;
    }
    state_.nameHashes[number] ^= hashBytes(found->value, reference(number, view_.sequence));
  }

  void takeAllRuns(uint32_t number) {
    for (const Attribute& attribute : view_.attributes) {
      if (!attribute.isNonResident || !state_.takeRuns(attribute, number, runs_)) continue;
      uint64_t clusters = clustersOf(runs_);
      if (attribute.allocatedBytes != clusters * state_.geometry.clusterBytes || attribute.highestVcn + 1 != clusters)
        state_.damage("NTFS_RUN_LIST", recordName(number),
                      "Its sizes do not agree with its " + std::to_string(clusters) + " clusters.");
      if (number == kBitmapRecord && attribute.type == kData) {
        state_.bitmapRuns = runs_;
        state_.bitmapBytes = attribute.dataBytes;
      }
    }
  }

  CheckState& state_;
  std::span<const std::byte> bits_;
  std::vector<std::byte> raw_;
  std::vector<std::byte> unused_;
  RecordView view_;
  std::vector<Run> runs_;
};

}  // namespace

void compareRecord(CheckState& state, uint32_t number, std::span<const std::byte> found,
                   std::span<const std::byte> expected) {
  if (!state.isPristine || std::memcmp(found.data(), expected.data(), found.size()) == 0) return;
  auto at = std::ranges::mismatch(found, expected).in1 - found.begin();
  state.damage("NTFS_RECORD_CONTENT", recordName(number),
               "Byte " + std::to_string(at) +
                   " is not what the record's own fields make it: it is damaged, or another "
                   "program has changed it.");
}

void checkUserRecord(CheckState& state, uint32_t number, std::span<const std::byte> raw, const RecordView& view) {
  const Attribute* nameAttribute = view.find(kFileName);
  FileName name;
  std::u16string text;
  if (nameAttribute == nullptr) return;
  if (nameAttribute->isNonResident || !loadFileName(nameAttribute->value, name, text)) {
    state.damage("NTFS_NAME", recordName(number), "Its name cannot be read.");
    return;
  }
  if (!state.isPristine) return;
  std::vector<std::byte> expected(raw.size());
  uint16_t flags = kRecordInUse | (view.isDirectory() ? kRecordIsDirectory : 0);
  uint32_t clusterBytes = state.geometry.clusterBytes;
  RecordBuilder builder(expected, number, 1, 1, flags);
  std::byte* information = builder.addResidentSpace(kStandardInformation, u"", kStandardInformationBytes).data();
  for (size_t i = 0; i < 4; i++) store64(information + 8 * i, name.times[0]);
  store32(information + 0x20, name.attributes & ~kAttributeDirectory);
  store32(information + 0x34, kEveryoneSecurityId);
  std::ranges::fill(name.times, name.times[0]);
  name.nameSpace = kNamespacePosix;
  bool isOurs = view.isDirectory() == ((name.attributes & kAttributeDirectory) != 0);
  isOurs = isOurs &&
           (name.attributes & ~(kAttributeDirectory | kAttributeArchive | kAttributeHidden | kAttributeSystem)) == 0;
  storeFileName(builder.addResidentSpace(kFileName, u"", fileNameBytes(text.size())).data(), name);
  std::vector<Run> runs;
  for (const Attribute& attribute : view.attributes) {
    if (attribute.type == kStandardInformation || attribute.type == kFileName) continue;
    bool isIndexPart = attribute.type == kIndexRoot || attribute.type == kIndexAllocation || attribute.type == kBitmap;
    isOurs = isOurs && attribute.flags == 0 && (view.isDirectory() ? isIndexPart : attribute.type == kData);
    // The name in a file's record tells its size too, and its own copy in the index.
    bool isFileData = attribute.type == kData;
    uint64_t dataBytes = isFileData ? name.dataBytes : attribute.dataBytes;
    if (!attribute.isNonResident) {
      builder.addResident(attribute.type, attribute.name, attribute.value);
      isOurs = isOurs && (!isFileData || (dataBytes == 0 && attribute.value.empty() && name.allocatedBytes == 0));
      continue;
    }
    if (!attributeRuns(state.geometry, attribute, runs).isOk() || runs.empty()) return;  // reported with the runs
    builder.addNonResident(attribute.type, attribute.name, runs, clusterBytes, dataBytes);
    uint64_t allocated = clustersOf(runs) * clusterBytes;
    isOurs = isOurs && divideUp(dataBytes, clusterBytes) * clusterBytes == allocated;
    isOurs = isOurs && (!isFileData || name.allocatedBytes == allocated);
  }
  isOurs = isOurs && builder.finish();
  if (isOurs) return compareRecord(state, number, raw, expected);
  state.damage("NTFS_RECORD_CONTENT", recordName(number),
               "Its attributes do not agree with each other: it is damaged, or another program has changed it.");
}

Status checkRecords(CheckState& state) {
  std::vector<std::byte> bits;
  DISKFERRY_TRY(readMftBitmap(state, bits));
  uint32_t recordBytes = state.geometry.recordBytes;
  uint64_t count = state.volume.mft().recordCount();
  uint64_t step = (1u << 20) / recordBytes;
  AlignedBuffer buffer(step * recordBytes);
  RecordChecker checker(state, bits);
  for (uint64_t first = 0; first < count; first += step) {
    auto part = buffer.bytes().first(static_cast<size_t>(std::min(step, count - first)) * recordBytes);
    DISKFERRY_TRY(state.volume.mft().readRaw(state.volume.sectors(), first, part));
    for (size_t i = 0; i * recordBytes < part.size(); i++)
      checker.check(static_cast<uint32_t>(first + i), part.subspan(i * recordBytes, recordBytes));
  }
  for (uint64_t record = count; record < bits.size() * 8; record++)
    if (isBitSet(bits, record)) {
      state.damage("NTFS_MFT_BITMAP", "$MFT bitmap", "It has bits behind the last record.");
      break;
    }
  return Status::ok();
}

}  // namespace diskferry::ntfs
