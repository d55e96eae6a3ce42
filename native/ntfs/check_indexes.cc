// Every directory's index, from the root on: the tree is complete and in order, each entry is the exact copy of its
// record's name, each record is met once.
#include <algorithm>
#include <cstring>

#include "little_endian.h"
#include "ntfs/bitmap_bits.h"
#include "ntfs/check_state.h"
#include "ntfs/fixups.h"
#include "ntfs/index_node.h"

namespace diskferry::ntfs {

namespace {

constexpr unsigned kDepthMax = 16;           // a hundred million files need six
constexpr uint64_t kBlocksMax = 1ull << 26;  // 256 GiB of index

class IndexWalker {
 public:
  explicit IndexWalker(CheckState& state)
      : state_(state), reader_(state.volume.sectors()), record_(state.geometry.recordBytes) {}

  Status walkAll() {
    state_.recordFlags[kRootRecord] |= CheckState::kWalked;
    queue_.push_back(kRootRecord);
    for (size_t i = 0; i < queue_.size(); i++) DISKFERRY_TRY(walk(queue_[i]));
    for (uint32_t record = 0; record < state_.recordFlags.size(); record++) checkReached(record);
    return Status::ok();
  }

 private:
  struct Allocation {
    std::vector<Run> runs;
    uint64_t blocks = 0;
    std::vector<std::byte> bitmap;
    std::vector<bool> visited;
  };

  void damage(const std::string& message) {
    state_.damage("NTFS_INDEX", "index of " + path(), message);
    isDamaged_ = true;
  }

  // "\a\b", from the entries on the way here.
  std::string path() const {
    std::string text;
    for (uint32_t at = directory_; at != kRootRecord;) {
      auto known = std::ranges::lower_bound(names_, at, {}, &KnownName::record);
      if (known == names_.end() || known->record != at || text.size() > 4096) break;
      text = "\\" + known->name + text;
      at = known->parent;
    }
    return text.empty() ? directory_ == kRootRecord ? "\\" : recordName(directory_) : text;
  }

  Status walk(uint32_t directory) {
    directory_ = directory;
    isDamaged_ = false;
    Status status = readDirectory();
    if (!status.isOk()) {
      if (status.code() != ErrorCode::NTFS_DAMAGED) return status;
      return Status::ok();  // reported with the records
    }
    if ((state_.recordFlags[directory] & CheckState::kNoNames) != 0) return Status::ok();
    isExact_ = state_.isExact(directory);
    self_ = reference(directory, view_.sequence);
    Status collected = attributes_.collect(reader_, state_.geometry, state_.volume.mft(), directory, view_);
    if (!collected.isOk()) return collected.code() == ErrorCode::NTFS_DAMAGED ? Status::ok() : collected;
    const Attribute* root = attributes_.find(kIndexRoot, u"$I30");
    if (root == nullptr || root->isNonResident || root->value.size() < kIndexRootHeaderBytes) {
      damage("It has no root.");
      return Status::ok();
    }
    Allocation allocation;
    DISKFERRY_TRY(loadAllocation(allocation));
    hasPrevious_ = false;
    IndexNode node;
    const char* problem = parseIndexNode(root->value.subspan(0x10), false, node);
    if (problem != nullptr) {
      damage(std::string("Its root is damaged: ") + problem + ".");
      return Status::ok();
    }
    compareRoot(root->value, node);
    DISKFERRY_TRY(visitEntries(node, allocation, 0));
    // After other damage the unvisited blocks are no news.
    if (isDamaged_) return Status::ok();
    for (uint64_t block = 0; block < allocation.blocks; block++) {
      if (isBitSet(allocation.bitmap, block) == allocation.visited[block]) continue;
      damage("Its bitmap and its tree disagree about block " + std::to_string(block) + ".");
      break;
    }
    for (uint64_t bit = allocation.blocks; bit < allocation.bitmap.size() * 8 && !isDamaged_; bit++)
      if (isBitSet(allocation.bitmap, bit)) damage("Its bitmap has bits behind the last block.");
    return Status::ok();
  }

  Status readDirectory() {
    // Through the windows: directories lie close to each other in $MFT.
    uint64_t offset = uint64_t{directory_} * state_.geometry.recordBytes;
    DISKFERRY_TRY(readStream(state_.volume.mft().runs(), offset, record_));
    if (!removeFixups(record_) || parseRecord(record_, view_) != nullptr || !view_.isInUse() || !view_.isDirectory())
      return Status(ErrorCode::NTFS_DAMAGED, "");
    return Status::ok();
  }

  Status readStream(std::span<const Run> runs, uint64_t offsetBytes, std::span<std::byte> into) {
    for (const Run& run : runs) {
      uint64_t runBytes = run.count * state_.geometry.clusterBytes;
      if (into.empty()) break;
      if (offsetBytes >= runBytes) {
        offsetBytes -= runBytes;
        continue;
      }
      size_t length = static_cast<size_t>(std::min<uint64_t>(into.size(), runBytes - offsetBytes));
      if (run.isSparse())
        std::memset(into.data(), 0, length);
      else
        DISKFERRY_TRY(reader_.read(run.lcn * state_.geometry.clusterBytes + offsetBytes, into.first(length)));
      into = into.subspan(length);
      offsetBytes = 0;
    }
    if (!into.empty()) std::memset(into.data(), 0, into.size());
    return Status::ok();
  }

  Status loadAllocation(Allocation& allocation) {
    std::span<const Attribute* const> blockParts = attributes_.parts(kIndexAllocation, u"$I30");
    const Attribute* blocks = blockParts.empty() ? nullptr : blockParts[0];
    const Attribute* bitmap = attributes_.find(kBitmap, u"$I30");
    if (blocks == nullptr && bitmap == nullptr) return Status::ok();
    if (blocks == nullptr || bitmap == nullptr || !joinWholeRuns(state_.geometry, blockParts, allocation.runs).isOk() ||
        blocks->dataBytes % state_.geometry.indexBytes != 0) {
      damage("Its blocks or their bitmap cannot be found.");
      return Status::ok();
    }
    allocation.blocks = blocks->dataBytes / state_.geometry.indexBytes;
    if (allocation.blocks > kBlocksMax) {
      damage("It claims " + std::to_string(allocation.blocks) + " blocks.");
      allocation.blocks = 0;
    }
    allocation.visited.resize(allocation.blocks);
    uint64_t slackStart = blocks->dataBytes;
    uint64_t slackEnd = clustersOf(allocation.runs) * state_.geometry.clusterBytes;
    if (slackEnd - slackStart < 65536 && isExact_) {
      std::vector<std::byte> slack(slackEnd - slackStart);
      DISKFERRY_TRY(readStream(allocation.runs, slackStart, slack));
      if (!isZero(slack)) damage("Its last cluster has bytes behind the last block.");
    }
    if (!bitmap->isNonResident) {
      allocation.bitmap.assign(bitmap->value.begin(), bitmap->value.end());
      return Status::ok();
    }
    std::vector<Run> runs;
    uint64_t limit = allocation.blocks / 8 + 65536 + 8;
    if (!joinWholeRuns(state_.geometry, attributes_.parts(kBitmap, u"$I30"), runs).isOk() ||
        clustersOf(runs) * state_.geometry.clusterBytes > limit + (2u << 20)) {
      damage("Its block bitmap cannot be found.");
      return Status::ok();
    }
    allocation.bitmap.resize(isExact_ ? clustersOf(runs) * state_.geometry.clusterBytes : bitmap->dataBytes);
    return readStream(runs, 0, allocation.bitmap);
  }

  void compareRoot(std::span<const std::byte> value, const IndexNode& node) {
    if (!isExact_) return;
    std::vector<std::byte> expected(value.size());
    auto writer =
        IndexNodeWriter::forRoot(expected, state_.geometry.indexBytes, state_.geometry.clusterBytes, node.hasChildren);
    if (node.entriesOffset != 0x10 || !rebuild(writer, node) || !std::ranges::equal(value, expected))
      damage("Its root is not what its entries make it.");
  }

  void compareBlock(std::span<const std::byte> raw, uint64_t vcn, const IndexNode& node) {
    if (!state_.isPristine) return;
    if (fixupCounter(raw) != 1) {
      state_.rewrittenBlocks++;
      return;
    }
    std::vector<std::byte> expected(raw.size());
    auto writer = IndexNodeWriter::forBlock(expected, vcn, node.hasChildren);
    bool isBuilt =
        node.entriesOffset + kIndexNodeHeaderOffset == indexEntriesStart(raw.size()) && rebuild(writer, node);
    if (isBuilt) applyFixups(expected, 1);
    if (!isBuilt || !std::ranges::equal(raw, expected))
      damage("Block " + std::to_string(vcn) + " is not what its entries make it.");
  }

  // Entries with their shortest lengths; false when one is longer, and so could not be written into the same room.
  bool rebuild(IndexNodeWriter& writer, const IndexNode& node) {
    for (const IndexEntry& entry : node.entries) {
      if (entry.raw.size() != indexEntryBytes(entry.key.size(), node.hasChildren)) return false;
      if (entry.isLast())
        writer.addEnd(entry.childVcn);
      else
        std::ranges::copy(entry.key, writer.add(entry.reference, entry.key.size(), entry.childVcn).begin());
    }
    writer.finish();
    return true;
  }

  Status visitEntries(const IndexNode& node, Allocation& allocation, unsigned depth) {
    if (depth > 0 && node.entries.size() == 1 && isExact_) damage("A block is empty.");
    for (const IndexEntry& entry : node.entries) {
      if (entry.hasChild()) DISKFERRY_TRY(visitBlock(entry.childVcn, allocation, depth + 1));
      if (!entry.isLast()) visitName(entry);
    }
    return Status::ok();
  }

  Status visitBlock(uint64_t vcn, Allocation& allocation, unsigned depth) {
    uint64_t step = state_.geometry.indexBytes / state_.geometry.indexVcnBytes();
    uint64_t block = vcn / step;
    if (vcn % step != 0 || block >= allocation.blocks || depth > kDepthMax || allocation.visited[block]) {
      damage("An entry points to block " + std::to_string(vcn) + ", which does not exist or is in use already.");
      return Status::ok();
    }
    allocation.visited[block] = true;
    // Directories that share their blocks could keep us busy for years.
    if (++visitedBlocks_ > state_.geometry.volumeBytes() / state_.geometry.indexBytes) {
      if (visitedBlocks_ - 1 == state_.geometry.volumeBytes() / state_.geometry.indexBytes)
        damage("All indexes together have more blocks than the volume has room for; the rest is not checked.");
      return Status::ok();
    }
    std::vector<std::byte> raw(state_.geometry.indexBytes);
    if (Status status = readStream(allocation.runs, block * raw.size(), raw); !status.isOk()) {
      state_.damage("NTFS_UNREADABLE", "index of " + path(), status.message() + ".");
      isDamaged_ = true;
      return Status::ok();
    }
    std::vector<std::byte> bytes = raw;
    IndexNode node;
    const char* problem =
        removeFixups(bytes) ? parseIndexBlock(bytes, vcn, false, node) : "its fix-ups differ: it was written in part";
    if (problem != nullptr) {
      damage("Block " + std::to_string(vcn) + " is damaged: " + problem + ".");
      return Status::ok();
    }
    compareBlock(raw, vcn, node);
    return visitEntries(node, allocation, depth);
  }

  void visitName(const IndexEntry& entry) {
    FileName name;
    if (!loadFileName(entry.key, name, text_)) return damage("An entry's name cannot be read.");
    if (name.parent != self_) damage("An entry belongs to another directory.");
    if (hasPrevious_ && !isAfter(text_, previous_)) damage("Its entries are out of order.");
    std::swap(previous_, text_);
    name.name = previous_;
    hasPrevious_ = true;
    uint64_t number = referencedRecord(entry.reference);
    if (number >= state_.recordFlags.size() || !state_.isInUse(number))
      return damage("An entry points to MFT record " + std::to_string(number) + ", which is not in use.");
    uint8_t& flags = state_.recordFlags[number];
    if ((flags & CheckState::kIndexed) != 0 && (flags & CheckState::kExact) != 0)
      damage("MFT record " + std::to_string(number) + " has two entries.");
    flags |= CheckState::kIndexed;
    state_.nameHashes[number] ^= nameHash(entry.key, entry.reference, state_.isExact(number));
    if (name.nameSpace == kNamespaceDos) return;
    bool isNewDirectory = (flags & CheckState::kDirectory) != 0 && (flags & CheckState::kWalked) == 0;
    if (!isNewDirectory) return;
    flags |= CheckState::kWalked;
    queue_.push_back(static_cast<uint32_t>(number));
    rememberName(static_cast<uint32_t>(number), name.name);
  }

  // Where two names are equal but for their case, others put one after the other.
  bool isAfter(std::u16string_view name, std::u16string_view previous) const {
    if (!state_.upcase) return true;
    int order = state_.upcase->compare(previous, name);
    return order < 0 || (order == 0 && !state_.isPristine && previous != name);
  }

  void rememberName(uint32_t record, std::u16string_view name) {
    // Breadth-first records ascend on our volumes; elsewhere some paths are shown as record numbers.
    if (!names_.empty() && names_.back().record >= record) return;
    names_.push_back({record, directory_, {}});
    appendUtf8(name, names_.back().name);
  }

  void checkReached(uint32_t record) {
    uint8_t flags = state_.recordFlags[record];
    constexpr uint8_t noNames = CheckState::kNoNames | CheckState::kReported;
    bool isNameless = record >= 12 && record < kFirstNamedRecord;
    if ((flags & CheckState::kInUse) == 0 || (flags & noNames) != 0 || isNameless) return;
    if ((flags & CheckState::kIndexed) == 0)
      state_.damageRecord("NTFS_UNREACHABLE", record, "No directory has it.");
    else if (state_.nameHashes[record] != 0)
      state_.damageRecord("NTFS_NAME", record, "Its name, times or sizes differ from its entry in the directory.");
    else if ((flags & CheckState::kDirectory) != 0 && (flags & CheckState::kWalked) == 0)
      state_.damageRecord("NTFS_UNREACHABLE", record, "It is a directory that cannot be reached from the root.");
  }

  struct KnownName {
    uint32_t record;
    uint32_t parent;
    std::string name;
  };

  CheckState& state_;
  WindowedReader reader_;
  std::vector<std::byte> record_;
  RecordView view_;
  FileAttributes attributes_;
  std::vector<uint32_t> queue_;
  std::vector<KnownName> names_;
  uint32_t directory_ = 0;
  uint64_t self_ = 0;
  uint64_t visitedBlocks_ = 0;
  bool isExact_ = false;
  bool isDamaged_ = false;
  bool hasPrevious_ = false;
  std::u16string previous_;
  std::u16string text_;
};

}  // namespace

Status checkIndexes(CheckState& state) {
  if (state.volume.mft().recordCount() <= kRootRecord) return Status::ok();
  return IndexWalker(state).walkAll();
}

}  // namespace diskferry::ntfs
