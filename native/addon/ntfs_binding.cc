#include "addon/ntfs_binding.h"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/async_task.h"
#include "addon/finding_array.h"
#include "bitlocker/volume.h"
#include "ntfs/layout.h"
#include "ntfs/skeleton.h"
#include "ntfs/volume.h"

namespace diskferry::addon {

namespace {

using ntfs::Layout;
using ntfs::MetadataRange;
using ntfs::NtfsVolume;
using ntfs::PlanProblems;

template <typename T>
std::shared_ptr<T> share(T value) {
  return std::make_shared<T>(std::move(value));
}

// A device's handle or an unlocked volume's.
std::shared_ptr<Sectors> argumentTarget(const Napi::CallbackInfo& info, size_t index) {
  if (info[index].IsExternal() &&
      info[index].As<Napi::External<std::shared_ptr<bitlocker::Volume>>>().CheckTypeTag(handleTag<bitlocker::Volume>()))
    return argumentHandle<bitlocker::Volume>(info, index);
  return argumentHandle<Sectors>(info, index);
}

Napi::Buffer<uint8_t> bufferOf(Napi::Env env, std::span<const std::byte> bytes) {
  return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

template <typename Array, typename T>
Napi::Value columnOf(Napi::Env env, const std::vector<T>& values) {
  Array array = Array::New(env, values.size());
  for (size_t index = 0; index < values.size(); index++)
    array[index] = static_cast<typename std::remove_reference<decltype(array[0])>::type>(values[index]);
  return array;
}

std::vector<ntfs::SystemFileGroup> argumentGroups(const Napi::CallbackInfo& info, size_t index) {
  std::span<const double> notBefore = argumentArray<const double>(info, index);
  std::span<const uint32_t> counts = argumentArray<const uint32_t>(info, index + 1);
  std::string names = argumentString(info, index + 2);
  std::span<const double> sizes = argumentArray<const double>(info, index + 3);
  std::vector<ntfs::SystemFileGroup> groups;
  size_t start = 0;
  size_t file = 0;
  for (size_t group = 0; group < counts.size() && group < notBefore.size(); group++) {
    groups.push_back({static_cast<uint64_t>(notBefore[group]), {}});
    for (uint32_t member = 0; member < counts[group] && file < sizes.size(); member++, file++) {
      size_t end = std::min(names.find('\n', start), names.size());
      groups.back().files.push_back({names.substr(start, end - start), static_cast<uint64_t>(sizes[file])});
      start = std::min(end + 1, names.size());
    }
  }
  return groups;
}

// A plan, or why there is none; both are results.
struct PlanOutcome {
  std::shared_ptr<Layout> layout;
  Status status;
  PlanProblems problems;
};

Napi::Value plannedObject(Napi::Env env, const std::shared_ptr<Layout>& layout) {
  const ntfs::LayoutStats& stats = layout->stats();
  Napi::Object object = Napi::Object::New(env);
  object.Set("handle", makeHandle(env, layout));
  object.Set("stats",
             columnOf<Napi::Float64Array>(
                 env, std::vector<uint64_t>{stats.clusterBytes, stats.volumeBytes, stats.freeClustersBefore,
                                            stats.metadataClusters, stats.dataClusters, stats.freeClustersAfter}));
  std::vector<uint64_t> offsets;
  for (const std::vector<uint64_t>& group : layout->systemFileOffsets())
    offsets.insert(offsets.end(), group.begin(), group.end());
  object.Set("systemFileOffsets", columnOf<Napi::Float64Array>(env, offsets));
  return object;
}

Napi::Value problemsObject(Napi::Env env, const PlanOutcome& outcome) {
  std::vector<double> problems;
  for (const ntfs::NameProblem& problem : outcome.problems.names) {
    double other = !problem.hasOther ? -1 : problem.otherIsDirectory ? 1 : 0;
    problems.insert(problems.end(),
                    {problem.isDirectory ? 1.0 : 0.0, static_cast<double>(problem.index),
                     static_cast<double>(problem.reason), other, static_cast<double>(problem.otherIndex)});
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("code", std::string(name(outcome.status.code())));
  object.Set("message", outcome.status.message());
  object.Set("problems", columnOf<Napi::Float64Array>(env, problems));
  object.Set("neededBytes", static_cast<double>(outcome.problems.neededBytes));
  object.Set("freeBytes", static_cast<double>(outcome.problems.freeBytes));
  return object;
}

Napi::Value rangesObject(Napi::Env env, const std::vector<MetadataRange>& ranges) {
  std::vector<uint64_t> offsets;
  std::vector<uint32_t> lengths;
  std::vector<std::byte> digests;
  Napi::Array structures = Napi::Array::New(env, ranges.size());
  for (size_t index = 0; index < ranges.size(); index++) {
    offsets.push_back(ranges[index].offsetBytes);
    lengths.push_back(ranges[index].lengthBytes);
    digests.insert(digests.end(), ranges[index].md5.begin(), ranges[index].md5.end());
    structures.Set(static_cast<uint32_t>(index), ranges[index].structure);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("offsetBytes", columnOf<Napi::Float64Array>(env, offsets));
  object.Set("lengthBytes", columnOf<Napi::Uint32Array>(env, lengths));
  object.Set("md5", bufferOf(env, digests));
  object.Set("structures", structures);
  return object;
}

Napi::Value treeObject(Napi::Env env, const ntfs::VolumeTree& tree) {
  auto names = [&](const std::string& bytes, const std::vector<uint32_t>& ends) {
    Napi::Object column = Napi::Object::New(env);
    column.Set("bytes", bufferOf(env, std::as_bytes(std::span(bytes.data(), bytes.size()))));
    column.Set("ends", columnOf<Napi::Uint32Array>(env, ends));
    return column;
  };
  Napi::BigInt64Array modified = Napi::BigInt64Array::New(env, tree.fileModifiedNs.size());
  for (size_t index = 0; index < tree.fileModifiedNs.size(); index++) modified[index] = tree.fileModifiedNs[index];
  Napi::Object extents = Napi::Object::New(env);
  extents.Set("firstExtent", columnOf<Napi::Uint32Array>(env, tree.firstExtent));
  extents.Set("offsetBytes", columnOf<Napi::Float64Array>(env, tree.extentOffsetBytes));
  extents.Set("lengthBytes", columnOf<Napi::Float64Array>(env, tree.extentLengthBytes));
  Napi::Object object = Napi::Object::New(env);
  object.Set("directoryParent", columnOf<Napi::Uint32Array>(env, tree.directoryParent));
  object.Set("directoryNames", names(tree.directoryNames, tree.directoryNameEnds));
  object.Set("fileDirectory", columnOf<Napi::Uint32Array>(env, tree.fileDirectory));
  object.Set("fileNames", names(tree.fileNames, tree.fileNameEnds));
  object.Set("fileSizeBytes", columnOf<Napi::Float64Array>(env, tree.fileSizeBytes));
  object.Set("fileModifiedNs", modified);
  object.Set("fileRecord", columnOf<Napi::Uint32Array>(env, tree.fileRecord));
  object.Set("fileAccess", columnOf<Napi::Uint8Array>(env, tree.fileAccess));
  object.Set("extents", extents);
  object.Set("unreachableRecords", static_cast<double>(tree.unreachableRecords));
  return object;
}

}  // namespace

Napi::Value ntfsCreateMemoryFile(const Napi::CallbackInfo& info) {
  Result<int> created = ntfs::createMemoryFile(argumentInteger(info, 0));
  if (!created.isOk()) throw toJsError(info.Env(), created.status());
  return Napi::Number::New(info.Env(), created.value());
}

Napi::Value ntfsReadSkeleton(const Napi::CallbackInfo& info) {
  int descriptor = static_cast<int>(argumentInteger(info, 0));
  return AsyncTask<std::vector<std::byte>>::run(
      info.Env(), {}, [descriptor] { return ntfs::readSkeleton(descriptor); },
      [](Napi::Env env, std::vector<std::byte>& bytes) -> Napi::Value { return bufferOf(env, bytes); });
}

Napi::Value ntfsPlan(const Napi::CallbackInfo& info) {
  std::vector<Napi::Value> pinned;
  for (size_t index = 0; index < 9; index++) pinned.push_back(info[index]);
  std::span<const std::byte> skeleton = argumentArray<const std::byte>(info, 0);
  ntfs::TreeColumns tree{argumentArray<const uint32_t>(info, 1),  argumentArray<const std::byte>(info, 2),
                         argumentArray<const uint32_t>(info, 3),  argumentArray<const uint32_t>(info, 4),
                         argumentArray<const std::byte>(info, 5), argumentArray<const uint32_t>(info, 6),
                         argumentArray<const double>(info, 7),    argumentArray<const int64_t>(info, 8)};
  auto groups = argumentGroups(info, 9);
  return AsyncTask<PlanOutcome>::run(
      info.Env(), std::move(pinned),
      [skeleton, tree, groups = std::move(groups)]() -> Result<PlanOutcome> {
        PlanOutcome outcome;
        Result<std::shared_ptr<Layout>> planned = Layout::plan(skeleton, tree, groups, outcome.problems);
        if (planned.isOk()) {
          outcome.layout = planned.take();
          return outcome;
        }
        outcome.status = planned.status();
        if (outcome.status.code() == ErrorCode::NTFS_NAMES || outcome.status.code() == ErrorCode::NTFS_NO_SPACE)
          return outcome;
        return outcome.status;
      },
      [](Napi::Env env, PlanOutcome& outcome) {
        return outcome.layout != nullptr ? plannedObject(env, outcome.layout) : problemsObject(env, outcome);
      });
}

Napi::Value ntfsExtents(const Napi::CallbackInfo& info) {
  std::shared_ptr<Layout> layout = argumentHandle<Layout>(info, 0);
  double clusterBytes = static_cast<double>(layout->stats().clusterBytes);
  uint32_t files = layout->fileCount();
  size_t total = 0;
  for (uint32_t file = 0; file < files; file++) total += layout->extentsOf(file).size();
  Napi::Uint32Array first = Napi::Uint32Array::New(info.Env(), size_t{files} + 1);
  Napi::Float64Array offsets = Napi::Float64Array::New(info.Env(), total);
  Napi::Float64Array lengths = Napi::Float64Array::New(info.Env(), total);
  uint32_t next = 0;
  for (uint32_t file = 0; file < files; file++) {
    first[file] = next;
    for (const ntfs::Extent& extent : layout->extentsOf(file)) {
      offsets[next] = extent.lcn * clusterBytes;
      lengths[next++] = extent.count * clusterBytes;
    }
  }
  first[files] = next;
  Napi::Object table = Napi::Object::New(info.Env());
  table.Set("firstExtent", first);
  table.Set("offsetBytes", offsets);
  table.Set("lengthBytes", lengths);
  return table;
}

Napi::Value ntfsWrite(const Napi::CallbackInfo& info) {
  std::shared_ptr<Layout> layout = argumentHandle<Layout>(info, 0);
  std::shared_ptr<Sectors> target = argumentTarget(info, 1);
  std::span<const uint32_t> dropped = argumentArray<const uint32_t>(info, 2);
  std::span<const uint32_t> resized = argumentArray<const uint32_t>(info, 3);
  std::span<const double> sizes = argumentArray<const double>(info, 4);
  ntfs::WriteOptions options;
  options.droppedFiles.assign(dropped.begin(), dropped.end());
  for (size_t index = 0; index < resized.size() && index < sizes.size(); index++)
    options.actualSizes.emplace_back(resized[index], static_cast<uint64_t>(sizes[index]));
  return AsyncTask<std::vector<MetadataRange>>::run(
      info.Env(), {}, [layout, target, options = std::move(options)] { return layout->write(*target, options); },
      [](Napi::Env env, std::vector<MetadataRange>& ranges) { return rangesObject(env, ranges); });
}

Napi::Value ntfsOpen(const Napi::CallbackInfo& info) {
  std::shared_ptr<Sectors> target = argumentTarget(info, 0);
  return AsyncTask<std::shared_ptr<NtfsVolume>>::run(
      info.Env(), {}, [target] { return NtfsVolume::open(target); },
      [](Napi::Env env, std::shared_ptr<NtfsVolume>& volume) -> Napi::Value {
        Napi::Object object = Napi::Object::New(env);
        object.Set("handle", makeHandle(env, volume));
        object.Set("label", volume->label());
        object.Set("clusterBytes", static_cast<double>(volume->geometry().clusterBytes));
        return object;
      });
}

Napi::Value ntfsCheck(const Napi::CallbackInfo& info) {
  std::shared_ptr<NtfsVolume> volume = argumentHandle<NtfsVolume>(info, 0);
  return AsyncTask<std::vector<Finding>>::run(
      info.Env(), {}, [volume] { return volume->check(); },
      [](Napi::Env env, std::vector<Finding>& findings) { return findingArray(env, findings); });
}

Napi::Value ntfsReadTree(const Napi::CallbackInfo& info) {
  std::shared_ptr<NtfsVolume> volume = argumentHandle<NtfsVolume>(info, 0);
  return AsyncTask<ntfs::VolumeTree>::run(
      info.Env(), {}, [volume] { return volume->readTree(); },
      [](Napi::Env env, ntfs::VolumeTree& tree) { return treeObject(env, tree); });
}

Napi::Value ntfsReadFile(const Napi::CallbackInfo& info) {
  std::shared_ptr<NtfsVolume> volume = argumentHandle<NtfsVolume>(info, 0);
  uint64_t record = argumentInteger(info, 1);
  uint64_t offsetBytes = argumentInteger(info, 2);
  std::span<std::byte> into = argumentArray<std::byte>(info, 3);
  return AsyncTask<size_t>::run(
      info.Env(), {info[3]},
      [volume, record, offsetBytes, into] { return volume->readFile(record, offsetBytes, into); },
      [](Napi::Env env, size_t& length) -> Napi::Value { return Napi::Number::New(env, static_cast<double>(length)); });
}

}  // namespace diskferry::addon
