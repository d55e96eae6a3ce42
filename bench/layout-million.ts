// Child process of the layout case: lays out a million files on a 4 TB volume and prints the seconds.

import { NtfsLayout } from '../src/addon/ntfs.js'
import { bitlockerFileGroups } from '../src/drives/bitlocker-regions.js'
import { type FileTree, NameColumnBuilder } from '../src/file-tree.js'
import { makeSkeleton } from '../src/prepare/make-skeleton.js'

const files = 1_000_000
const folders = 1000
const volumeBytes = 4 * 10 ** 12 - ((4 * 10 ** 12) % (1 << 20))

const directoryNames = new NameColumnBuilder()
directoryNames.push('')
for (let index = 1; index <= folders; index++) directoryNames.push(`folder-${index}`)
const fileNames = new NameColumnBuilder()
for (let index = 0; index < files; index++) fileNames.push(`document-${index}.dat`)
const tree: FileTree = {
  directoryParent: new Uint32Array(folders + 1),
  directoryNames: directoryNames.finish(),
  fileDirectory: Uint32Array.from({ length: files }, (_, index) => 1 + (index % folders)),
  fileNames: fileNames.finish(),
  fileSizeBytes: new Float64Array(files).fill(1_000_000),
  fileModifiedNs: new BigInt64Array(files).fill(1_700_000_000_000_000_000n),
}
const skeleton = await makeSkeleton({
  volumeBytes,
  sectorBytes: 512,
  clusterBytes: 4096,
  partitionStartSector: 34816,
  label: 'bench',
})
const started = performance.now()
const layout = await NtfsLayout.plan(skeleton, tree, bitlockerFileGroups(volumeBytes))
const extents = layout.extents()
console.log(((performance.now() - started) / 1000).toFixed(3), extents.offsetBytes.length)
