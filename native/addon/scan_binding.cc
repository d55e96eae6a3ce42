#include "addon/scan_binding.h"

#include <cstring>

#include "addon/arguments.h"
#include "addon/async_task.h"
#include "io/tree_scan.h"

namespace diskferry::addon {

namespace {

template <typename Column, typename T>
Column column(Napi::Env env, const std::vector<T>& values) {
  Column array = Column::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(T));
  return array;
}

Napi::Object nameColumn(Napi::Env env, const NameList& names) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("bytes", Napi::Buffer<char>::Copy(env, names.bytes.data(), names.bytes.size()));
  result.Set("ends", column<Napi::Uint32Array>(env, names.ends));
  return result;
}

const char* reasonName(SkipReason reason) {
  switch (reason) {
    case SkipReason::symlink:
      return "symlink";
    case SkipReason::special:
      return "special";
    case SkipReason::unreadable:
      return "unreadable";
    case SkipReason::invalidUtf8:
      return "invalid-utf8";
    case SkipReason::loop:
      return "loop";
  }
  return "unreadable";
}

Napi::Value convert(Napi::Env env, ScannedTree& tree) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("directoryParent", column<Napi::Uint32Array>(env, tree.directoryParent));
  result.Set("directoryNames", nameColumn(env, tree.directoryNames));
  result.Set("fileDirectory", column<Napi::Uint32Array>(env, tree.fileDirectory));
  result.Set("fileNames", nameColumn(env, tree.fileNames));
  result.Set("fileSizeBytes", column<Napi::Float64Array>(env, tree.fileSizeBytes));
  result.Set("fileModifiedNs", column<Napi::BigInt64Array>(env, tree.fileModifiedNs));
  Napi::Array skipped = Napi::Array::New(env, tree.skipped.size());
  for (uint32_t index = 0; index < tree.skipped.size(); index++) {
    Napi::HandleScope scope(env);
    const SkippedEntry& entry = tree.skipped[index];
    Napi::Object item = Napi::Object::New(env);
    item.Set("path", entry.path);
    item.Set("reason", reasonName(entry.reason));
    item.Set("message", entry.message);
    skipped.Set(index, item);
  }
  result.Set("skipped", skipped);
  return result;
}

}  // namespace

Napi::Value scanTree(const Napi::CallbackInfo& info) {
  std::string root = argumentString(info, 0);
  bool followSymlinks = argumentBoolean(info, 1);
  return AsyncTask<ScannedTree>::run(
      info.Env(), {}, [root, followSymlinks] { return diskferry::scanTree(root, followSymlinks); }, convert);
}

}  // namespace diskferry::addon
