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
  FileAttributes attributes;
  DISKFERRY_TRY(attributes.collect(state.volume.sectors(), state.geometry, state.volume.mft(), kMftRecord, view));
  const Attribute* bitmap = attributes.find(kBitmap);
  if (bitmap == nullptr) {
    state.damage("NTFS_MFT_BITMAP", "$MFT bitmap", "MFT record 0 has none.");
    return Status::ok();
  }
  std::vector<Run> runs;
  if (bitmap->isNonResident) {
    // As long as its clusters: what lies behind its end must be zero too.
    if (!joinWholeRuns(state.geometry, attributes.parts(kBitmap), runs).isOk() ||
        clustersOf(runs) * state.geometry.clusterBytes > (state.volume.mft().recordCount() / 8 + 8) + (4u << 20)) {
      state.damage("NTFS_MFT_BITMAP", "$MFT bitmap", "Its clusters cannot be found.");
      return Status::ok();
    }
    AlignedBuffer buffer(clustersOf(runs) * state.geometry.clusterBytes);
    DISKFERRY_TRY(readRuns(state.volume.sectors(), state.geometry, runs, 0, buffer.bytes()));
    size_t used = state.isPristine ? buffer.size() : static_cast<size_t>(bitmap->dataBytes);
    bits.assign(buffer.data(), buffer.data() + used);
  } else {
    bits.assign(bitmap->value.begin(), bitmap->value.end());
  }
  if (bitmap->dataBytes < state.volume.mft().recordCount() / 8)
    state.damage("NTFS_MFT_BITMAP", "$MFT bitmap", "It is shorter than the table.");
  return Status::ok();
}

constexpr size_t kRunsMax = 1u << 25;  // 400 MB; a drive of ours has about one a file
constexpr uint32_t kFirstReservedRecord = 12;
constexpr uint32_t kEndOfReservedRecords = 24;

// Whether a record is as first written: mkntfs leaves a fix-up counter of 2, diskferry, which makes records 0, 5 and 9
// anew, 1. Unused records come from either.
bool isFirstWritten(uint32_t number, bool isInUse, uint16_t counter) {
  if (number >= kFirstUserRecord || number == kMftRecord || number == kRootRecord || number == kSecureRecord)
    return counter == 1;
  return counter == 2 || (counter == 1 && !isInUse && number >= kEndOfReservedRecords);
}

class RecordChecker {
 public:
  RecordChecker(CheckState& state, std::span<const std::byte> bits)
      : state_(state),
        bits_(bits),
        reader_(state.volume.sectors()),
        raw_(state.geometry.recordBytes),
        unused_(state.geometry.recordBytes) {}

  void check(uint32_t number, std::span<std::byte> record) {
    std::memcpy(raw_.data(), record.data(), record.size());
    const char* problem =
        removeFixups(record) ? parseRecord(record, view_) : "its fix-ups differ: it was written in part";
    if (problem != nullptr) return reportUnreadable(number, std::string("It is damaged: ") + problem + ".");
    bool isExact = state_.isPristine && isFirstWritten(number, view_.isInUse(), fixupCounter(raw_));
    if (isExact)
      state_.recordFlags[number] |= CheckState::kExact;
    else if (state_.isPristine)
      state_.rewrittenRecords++;
    // On volumes of others some of the reserved records are marked used and are not.
    bool isReserved = number >= kFirstReservedRecord && number < kEndOfReservedRecords && !state_.isPristine;
    if (isBitSet(bits_, number) != view_.isInUse() && !isReserved)
      state_.damageRecord("NTFS_MFT_BITMAP", number, "$MFT's bitmap says the opposite about its being in use.");
    if (!view_.isInUse()) return checkUnused(number);
    state_.recordFlags[number] |= CheckState::kInUse;
    if (view_.hasNumber && view_.number != number)
      state_.damageRecord("NTFS_RECORD", number, "It says it is record " + std::to_string(view_.number) + ".");
    takeAllRuns(number);
    if (state_.isExact(number) && (view_.baseReference != 0 || view_.find(kAttributeList) != nullptr))
      state_.damageRecord("NTFS_RECORD", number, "It uses an attribute list, which diskferry does not make.");
    if (view_.baseReference != 0) {
      state_.recordFlags[number] |= CheckState::kNoNames;
      return checkAttributes(number);
    }
    if (!followList(number)) return;
    if (view_.isDirectory()) state_.recordFlags[number] |= CheckState::kDirectory;
    takeNames(number);
    checkAttributes(number);
    checkRules(number);
    if (number < kFirstUserRecord)
      checkSystemRecord(state_, number, raw_, view_);
    else
      checkUserRecord(state_, number, raw_, view_);
  }

  // After all records: extension records of which no base record knows.
  void reportOrphans() {
    constexpr uint8_t asked = CheckState::kInUse | CheckState::kNoNames | CheckState::kListed;
    for (uint32_t number = 0; number < state_.recordFlags.size() && !isAnyListDamaged_; number++)
      if ((state_.recordFlags[number] & asked) == (CheckState::kInUse | CheckState::kNoNames))
        state_.addRecord("NTFS_ATTRIBUTE_LIST", Severity::warning, number,
                         "It holds attributes of a file whose list does not name it.");
  }

  // Neither fix-ups nor fields can be trusted. On a volume of ours all records are well-formed, used or not.
  void reportUnreadable(uint32_t number, const std::string& message) {
    bool isUsed = isBitSet(bits_, number);
    state_.recordFlags[number] |= CheckState::kReported | (isUsed ? CheckState::kInUse : 0);
    if (isUsed || state_.isPristine) state_.damageRecord("NTFS_RECORD", number, message);
  }

 private:
  void checkUnused(uint32_t number) {
    if (!state_.isExact(number)) return;
    if (fixupCounter(raw_) != 1) return checkSystemRecord(state_, number, raw_, view_);
    buildUnusedRecord(unused_, number);
    compareRecord(state_, number, raw_, unused_);
  }

  // False when the file's other attributes cannot be found.
  bool followList(uint32_t number) {
    Status status = attributes_.collect(reader_, state_.geometry, state_.volume.mft(), number, view_);
    if (!status.isOk()) {
      state_.recordFlags[number] |= CheckState::kNoNames;
      // Nothing else tells that its extension records belong to it.
      state_.damageRecord("NTFS_ATTRIBUTE_LIST", number, "Its attributes cannot be found: " + status.message() + ".");
      isAnyListDamaged_ = true;
      return false;
    }
    for (uint32_t record : attributes_.extensionRecords()) state_.recordFlags[record] |= CheckState::kListed;
    if (attributes_.unlistedCount() > 0)
      state_.addRecord("NTFS_ATTRIBUTE_LIST", Severity::warning, number,
                       std::to_string(attributes_.unlistedCount()) + " of its attributes are not in its list.");
    if (attributes_.hasList()) checkJoined(number);
    return true;
  }

  // Attributes whose parts stand in several records.
  void checkJoined(uint32_t number) {
    std::span<const Attribute* const> all = attributes_.all();
    for (size_t at = 0; at < all.size(); at++) {
      bool isFirst = at == 0 || all[at]->type != all[at - 1]->type || all[at]->name != all[at - 1]->name;
      if (!isFirst || !all[at]->isNonResident) continue;
      std::span<const Attribute* const> parts = attributes_.parts(all[at]->type, all[at]->name);
      Status status = joinRuns(state_.geometry, parts, kVcnMax, runs_);
      if (!status.isOk())
        state_.damageRecord("NTFS_RUN_LIST", number, "Its runs cannot be put together: " + status.message() + ".");
      else
        compareSizes(number, *parts.front(), *parts.back());
      if (status.isOk() && number == kBitmapRecord && all[at]->type == kData && all[at]->name.empty())
        takeBitmap(*parts.front());
    }
  }

  void takeNames(uint32_t number) {
    unsigned names = 0;
    for (const Attribute* attribute : attributes_.parts(kFileName)) {
      FileName name;
      if (attribute->isNonResident || !loadFileName(attribute->value, name, text_))
        state_.damageRecord("NTFS_NAME", number, "Its name cannot be read.");
      else if (number >= kFirstUserRecord && !isPathPart(name.name))
        state_.damageRecord("NTFS_NAME", number, "Its name cannot be part of a path.");
      names++;
      state_.nameHashes[number] ^=
          nameHash(attribute->value, reference(number, view_.sequence), state_.isExact(number));
    }
    bool isNameless = number >= kFirstReservedRecord && number < kFirstNamedRecord;
    if (names == 0 && !isNameless) state_.damageRecord("NTFS_NAME", number, "It has no name.");
  }

  // What holds for every record, whoever wrote it.
  void checkAttributes(uint32_t number) {
    uint32_t previous = 0;
    ids_.clear();
    for (const Attribute& attribute : view_.attributes) {
      if (attribute.type < previous) state_.damageRecord("NTFS_ATTRIBUTE", number, "Its attributes are out of order.");
      previous = attribute.type;
      ids_.push_back(attribute.id);
      if (attribute.lowestVcn == 0 && attribute.initializedBytes > attribute.dataBytes)
        state_.damageRecord("NTFS_SIZE", number, "More of its data is initialized than there is.");
    }
    std::ranges::sort(ids_);
    if (std::ranges::adjacent_find(ids_) != ids_.end())
      state_.damageRecord("NTFS_ATTRIBUTE", number, "Two of its attributes have the same id.");
  }

  // What holds for every file, whoever wrote it.
  void checkRules(uint32_t number) {
    unsigned unnamedData = 0;
    for (const Attribute* part : attributes_.parts(kData)) unnamedData += part->lowestVcn == 0;
    bool hasIndex = attributes_.find(kIndexRoot, u"$I30") != nullptr;
    if (hasIndex != view_.isDirectory() || unnamedData > (view_.isDirectory() ? 0u : 1u))
      state_.damageRecord("NTFS_ATTRIBUTE", number, "It is neither a proper file nor a proper directory.");
    const Attribute* information = attributes_.find(kStandardInformation);
    if (information == nullptr || information->value.size() < 48)
      state_.damageRecord("NTFS_ATTRIBUTE", number, "It has no standard information.");
    else if (information->value.size() >= kStandardInformationBytes && state_.areSecurityIdsComplete)
      checkSecurityId(number, load32(information->value.data() + 0x34));
  }

  void checkSecurityId(uint32_t number, uint32_t id) {
    bool isKnown = id == 0 || std::ranges::find(state_.securityIds, id) != state_.securityIds.end();
    if (!isKnown)
      state_.damageRecord("NTFS_SECURITY", number, "$Secure does not have its security id " + std::to_string(id) + ".");
  }

  void takeAllRuns(uint32_t number) {
    for (const Attribute& attribute : view_.attributes) {
      if (!attribute.isNonResident) continue;
      runs_.clear();
      // A stream with holes may be longer than the volume.
      uint64_t vcnLimit = state_.isExact(number) ? state_.geometry.clusterCount : kVcnMax;
      if (!decodeRuns(attribute.mappingPairs, state_.geometry.clusterCount, runs_, vcnLimit)) {
        state_.hasUnknownOwners = true;
        state_.damageRecord(
            "NTFS_RUN_LIST", number,
            "The run list of its attribute of type " + std::to_string(attribute.type) + " cannot be read.");
        continue;
      }
      for (const Run& run : runs_) {
        state_.hasTooManyRuns = state_.hasTooManyRuns || state_.runs.size() >= kRunsMax;
        if (!run.isSparse() && !state_.hasTooManyRuns)
          state_.runs.push_back({static_cast<uint32_t>(run.lcn), static_cast<uint32_t>(run.count), number});
      }
      // Sizes stand in the first part of an attribute that is split over records.
      if (view_.baseReference != 0 || view_.find(kAttributeList) != nullptr) continue;
      compareSizes(number, attribute, attribute);
      if (number == kBitmapRecord && attribute.type == kData && attribute.name.empty()) takeBitmap(attribute);
    }
  }

  void takeBitmap(const Attribute& attribute) {
    state_.bitmapRuns = runs_;
    state_.bitmapBytes = attribute.dataBytes;
  }

  // Of compressed and sparse streams only what cannot be otherwise.
  void compareSizes(uint32_t number, const Attribute& first, const Attribute& last) {
    uint64_t clusters = clustersOf(runs_);
    uint64_t bytes = clusters * state_.geometry.clusterBytes;
    bool isGood = last.highestVcn + 1 == clusters && first.dataBytes <= bytes;
    if (first.flags == 0) isGood = isGood && first.allocatedBytes == bytes;
    if (first.lowestVcn != 0 || !isGood)
      state_.damageRecord("NTFS_RUN_LIST", number,
                          "Its sizes do not agree with its " + std::to_string(clusters) + " clusters.");
  }

  CheckState& state_;
  std::span<const std::byte> bits_;
  WindowedReader reader_;
  FileAttributes attributes_;
  bool isAnyListDamaged_ = false;
  std::vector<std::byte> raw_;
  std::vector<std::byte> unused_;
  RecordView view_;
  std::vector<Run> runs_;
  std::vector<uint16_t> ids_;
  std::u16string text_;
};

}  // namespace

void compareRecord(CheckState& state, uint32_t number, std::span<const std::byte> found,
                   std::span<const std::byte> expected) {
  if (std::memcmp(found.data(), expected.data(), found.size()) == 0) return;
  auto at = std::ranges::mismatch(found, expected).in1 - found.begin();
  state.damageRecord("NTFS_RECORD_CONTENT", number,
                     "Byte " + std::to_string(at) + " is not what the record's own fields make it.");
}

void checkUserRecord(CheckState& state, uint32_t number, std::span<const std::byte> raw, const RecordView& view) {
  const Attribute* nameAttribute = view.find(kFileName);
  FileName name;
  std::u16string text;
  if (!state.isExact(number)) return;
  if (nameAttribute == nullptr) return state.damageRecord("NTFS_NAME", number, "It has no plain name.");
  if (!loadFileName(nameAttribute->value, name, text)) return;  // reported with the names
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
    runs.clear();
    if (!decodeRuns(attribute.mappingPairs, state.geometry.clusterCount, runs) || runs.empty()) return;  // reported
    builder.addNonResident(attribute.type, attribute.name, runs, clusterBytes, dataBytes);
    uint64_t allocated = clustersOf(runs) * clusterBytes;
    isOurs = isOurs && divideUp(dataBytes, clusterBytes) * clusterBytes == allocated;
    isOurs = isOurs && (!isFileData || name.allocatedBytes == allocated);
  }
  isOurs = isOurs && builder.finish();
  if (isOurs) return compareRecord(state, number, raw, expected);
  state.damageRecord("NTFS_RECORD_CONTENT", number, "Its attributes do not agree with each other.");
}

Status checkRecords(CheckState& state) {
  std::vector<std::byte> bits;
  DISKFERRY_TRY(readMftBitmap(state, bits));
  uint32_t recordBytes = state.geometry.recordBytes;
  uint64_t count = state.volume.mft().recordCount();
  uint64_t step = std::min<uint64_t>((1u << 20) / recordBytes, count);
  AlignedBuffer buffer(step * recordBytes);
  RecordChecker checker(state, bits);
  for (uint64_t first = 0; first < count; first += step) {
    auto part = buffer.bytes().first(static_cast<size_t>(std::min(step, count - first)) * recordBytes);
    bool isRead = state.volume.mft().readRaw(state.volume.sectors(), first, part).isOk();
    for (size_t i = 0; i * recordBytes < part.size(); i++) {
      auto number = static_cast<uint32_t>(first + i);
      std::span<std::byte> record = part.subspan(i * recordBytes, recordBytes);
      // One sector that cannot be read costs one record, not a thousand.
      Status status = isRead ? Status::ok() : state.volume.mft().readRaw(state.volume.sectors(), number, record);
      if (status.isOk())
        checker.check(number, record);
      else
        checker.reportUnreadable(number, status.message() + ".");
    }
  }
  checker.reportOrphans();
  for (uint64_t record = count; record < bits.size() * 8; record++)
    if (isBitSet(bits, record)) {
      state.add("NTFS_MFT_BITMAP", state.isPristine ? Severity::damage : Severity::warning, "$MFT bitmap",
                "It has bits behind the last record.");
      break;
    }
  return Status::ok();
}

}  // namespace diskferry::ntfs
