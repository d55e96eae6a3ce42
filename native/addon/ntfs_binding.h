// NTFS: skeletons, layouts, and volumes that are read and checked. A layout's handle is a
// std::shared_ptr<ntfs::Layout>. `target` is a device's or an unlocked BitLocker volume's handle.
#pragma once

#include <napi.h>

namespace diskferry::addon {

// JS: ntfsCreateMemoryFile(sizeBytes): number, a file descriptor that the caller closes
Napi::Value ntfsCreateMemoryFile(const Napi::CallbackInfo& info);
// JS: ntfsReadSkeleton(descriptor): Promise<Buffer>
Napi::Value ntfsReadSkeleton(const Napi::CallbackInfo& info);

// JS: ntfsPlan(skeleton, directoryParent, directoryNameBytes, directoryNameEnds, fileDirectory, fileNameBytes,
// fileNameEnds, fileSizeBytes, fileModifiedNs, groupNotBeforeBytes: Float64Array, groupFileCounts: Uint32Array,
// systemFileNames: string (joined by '\n'), systemFileSizes: Float64Array): Promise<{handle, stats: Float64Array
// [cluster bytes, volume bytes, free before, metadata, data, free after], systemFileOffsets: Float64Array} | {code,
// message, problems: Float64Array [is directory, index, reason, is other a directory or -1, other index]*, neededBytes,
// freeBytes}>. The second form for NTFS_NAMES and NTFS_NO_SPACE.
Napi::Value ntfsPlan(const Napi::CallbackInfo& info);
// JS: ntfsExtents(layout): {firstExtent, offsetBytes, lengthBytes}
Napi::Value ntfsExtents(const Napi::CallbackInfo& info);
// JS: ntfsWrite(layout, target, dropped: Uint32Array, resizedFiles: Uint32Array, actualSizes: Float64Array):
// Promise<{offsetBytes: Float64Array, lengthBytes: Uint32Array, md5: Buffer, structures: string[]}>
Napi::Value ntfsWrite(const Napi::CallbackInfo& info);

// JS: ntfsOpen(target): Promise<{handle, label, clusterBytes, volumeBytes}>
Napi::Value ntfsOpen(const Napi::CallbackInfo& info);
// JS: ntfsCheck(volume): Promise<Finding[]>
Napi::Value ntfsCheck(const Napi::CallbackInfo& info);
// JS: ntfsReadTree(volume): Promise<FileTree and fileRecord, fileAccess, extents, unreachableRecords>
Napi::Value ntfsReadTree(const Napi::CallbackInfo& info);
// JS: ntfsReadFile(volume, recordNumber, offsetBytes, into: Buffer): Promise<number>, the bytes read
Napi::Value ntfsReadFile(const Napi::CallbackInfo& info);

}  // namespace diskferry::addon
