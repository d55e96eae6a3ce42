// How a drive is named on the command line and in driveset.csv: `/dev/sdb`, or an image file with the size it is to have,
// `disk2.img:1G`, and either with the serial number to use, `disk2.img:1G,serial=WX1234`, an image also with the sector size
// that it is to show, `disk2.img:1G,sector=4096`.

import { TransferError } from '../errors.js'

export interface DriveSpec {
  path: string
  /** Only for image files, and only where it was given. */
  sizeBytes?: number
  /** Without blanks, as it becomes the DriveId. */
  serial?: string
  /** Logical sector size of an image file; 512 when it is not given. */
  sectorBytes?: 512 | 4096
}

const unitBytes: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
  KIB: 1024,
  MIB: 1024 ** 2,
  GIB: 1024 ** 3,
  TIB: 1024 ** 4,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
}

/**
 * Bytes of a size such as `512`, `2G`, `1.5T`, `500GB`: K, M, G, T and KiB… are powers of 1024, KB… powers of 1000.
 * Undefined for anything else, and for what is not a whole number of bytes.
 */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d{1,16}(?:\.\d{1,6})?)\s*([A-Za-z]{0,3})$/.exec(text)
  const unit = unitBytes[match?.[2]?.toUpperCase() ?? 'none']
  if (match === null || unit === undefined) return undefined
  const bytes = Math.round(Number(match[1]) * unit)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/**
 * `path[:size][,serial=SERIAL][,sector=512|4096]`.
 * @throws TransferError DRIVE_SPEC_INVALID
 */
export function parseDriveSpec(text: string): DriveSpec {
  const [head = '', ...options] = text.split(',')
  const spec: DriveSpec = parseTarget(head, text)
  for (const option of options) {
    const [, name, value = ''] = /^\s*(\w+)=(.*)$/.exec(option) ?? []
    if (name?.toLowerCase() === 'sector') {
      spec.sectorBytes = sectorBytesOf(value.trim(), text)
      continue
    }
    if (name?.toLowerCase() !== 'serial') {
      throw invalid(text, `${JSON.stringify(option)} is neither serial=SERIAL nor sector=512 or 4096`)
    }
    const serial = value.replaceAll(' ', '')
    if (!isDriveId(serial))
      throw invalid(text, 'a serial number has 1 to 64 letters, digits, dots, hyphens or underscores')
    if (spec.serial !== undefined) throw invalid(text, 'serial= is given twice')
    spec.serial = serial
  }
  return spec
}

function sectorBytesOf(value: string, text: string): 512 | 4096 {
  if (value !== '512' && value !== '4096') throw invalid(text, `a sector has 512 or 4096 bytes, not ${value}`)
  return value === '512' ? 512 : 4096
}

/** What a DriveId may be: it names files, and stands in XML and on labels. */
export function isDriveId(text: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(text)
}

function parseTarget(head: string, text: string): DriveSpec {
  const colon = head.lastIndexOf(':')
  const path = colon === -1 ? head : head.slice(0, colon)
  if (/^[A-Za-z]:?\\?$/.test(head)) {
    throw invalid(text, 'there are no drive letters on Linux; give a device such as /dev/sdb, or an image file')
  }
  if (path === '' || path.includes('\0')) throw invalid(text, 'the path of the device or image file is missing')
  if (colon === -1) return { path }
  const sizeBytes = parseByteSize(head.slice(colon + 1))
  if (sizeBytes === undefined) {
    // Paths such as /dev/disk/by-path/pci-0000:00:1f.2-ata-1 have colons of their own.
    if (head.startsWith('/dev/')) return { path: head }
    throw invalid(
      text,
      `${JSON.stringify(head.slice(colon + 1))} is no size; write 500M, 2G, 1.5T or a number of bytes`,
    )
  }
  if (head.startsWith('/dev/') && !/^\/dev\/shm\//.test(head)) {
    throw invalid(text, 'a device has the size it has; only an image file is given one')
  }
  return { path, sizeBytes }
}

function invalid(text: string, problem: string): TransferError {
  return new TransferError(
    'DRIVE_SPEC_INVALID',
    `The drive ${JSON.stringify(text.slice(0, 300))} is not usable: ${problem}.`,
  )
}
