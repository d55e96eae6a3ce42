// Where BitLocker's hidden regions go on the NTFS volume: as one-extent files of System Volume Information, so that no
// file system ever hands their clusters out. Names and order as on volumes that Windows made (docs/bitlocker-format.md).

import type { RegionOffsets } from '../addon/bitlocker.js'
import type { SystemFileGroup } from '../addon/ntfs.js'

const mebibyte = 1024 * 1024
const firstCopyBytes = 33 * mebibyte
const spacingMaxBytes = 16 * 1024 * mebibyte
const controlName = 'FVE2.{e40ad34d-dae9-4bc7-95bd-b16218c10f72}'
const headerName = 'FVE2.{24e6f0ae-6a00-4f73-984b-75ce9942852d}'
const extraName = 'FVE2.{da392a22-cae0-4f0f-9a30-b8830385d046}'

/** Windows' documented minimum for a BitLocker volume, which we keep. */
export const volumeBytesMin = 64 * mebibyte

/** Copy 1 with the header block and the extra area behind it, copies 2 and 3 a ninth of the volume (at most 16 GiB) apart. */
export function bitlockerFileGroups(volumeBytes: number): SystemFileGroup[] {
  const spacing = Math.min(Math.floor(volumeBytes / 9 / mebibyte) * mebibyte, spacingMaxBytes)
  const copy = (number: number) => ({ name: `${controlName}.${number}`, sizeBytes: 65536 })
  return [
    {
      notBeforeBytes: firstCopyBytes,
      files: [copy(1), { name: headerName, sizeBytes: 8192 }, { name: extraName, sizeBytes: 65536 }],
    },
    { notBeforeBytes: firstCopyBytes + spacing, files: [copy(2)] },
    { notBeforeBytes: firstCopyBytes + 2 * spacing, files: [copy(3)] },
  ]
}

/** The offsets that the NTFS layout gave to the groups above. */
export function regionOffsets(systemFileOffsets: number[][]): RegionOffsets {
  const [[copy1, header, extra] = [], [copy2] = [], [copy3] = []] = systemFileOffsets
  if (
    copy1 === undefined ||
    header === undefined ||
    extra === undefined ||
    copy2 === undefined ||
    copy3 === undefined
  ) {
    throw new RangeError('expected the offsets of five system files in three groups')
  }
  return { metadata: [copy1, copy2, copy3], header, extra }
}
