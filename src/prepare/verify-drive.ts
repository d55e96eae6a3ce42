// Reads a drive back and compares it with what it claims to hold: BitLocker's structures, NTFS's structures, the manifest's
// hash where a journal knows it, every block of every file against the manifest, and, where the session's files are still
// there, every byte of NTFS metadata against what was written. Says what was checked, never more.

import { createHash } from 'node:crypto'
import type { BitlockerVolume, Secret } from '../addon/bitlocker.js'
import { verifyBlocks } from '../addon/copy-engine.js'
import type { MetadataRange } from '../addon/ntfs.js'
import { NtfsVolume } from '../addon/ntfs.js'
import type { DriveProgress } from '../drives/drive-progress.js'
import { openCheckedDrive } from '../drives/open-drive.js'
import { TransferError } from '../errors.js'
import type { ExtentTable } from '../file-tree.js'
import type { CheckFinding } from './check-finding.js'
import { type ExpectedBlocks, readExpectedBlocks } from './read-drive-manifest.js'

/** BitLocker keeps the volume's first 8 KiB in its header block. */
const relocatedBytes = 8192

export interface VerifyOptions {
  secret: Secret
  /** What the journal says; the manifest's MD5 (32 hex digits) and the digests of the metadata as written. */
  expected?: { manifestHash?: string; metadata?: MetadataRange[] }
  memoryBytes?: number
  progress?: DriveProgress
  signal?: AbortSignal
}

export interface VerifyReport {
  findings: CheckFinding[]
  /** True when nothing of severity damage was found. */
  sound: boolean
  driveId: string
  manifestHash: string
  files: number
  bytes: number
  blocks: number
  /** What was compared, in words for the report. */
  checked: string[]
  seconds: number
}

/** @throws TransferError when the drive cannot be opened at all; damage that is found is in the report. */
export async function verifyDrive(path: string, options: VerifyOptions): Promise<VerifyReport> {
  const started = performance.now()
  const { volume, findings, checked, close } = await openCheckedDrive(path, options.secret)
  try {
    return await verifyVolume({ volume, findings: [...findings], checked: [...checked], started }, options)
  } finally {
    await close()
  }
}

interface Verification {
  volume: BitlockerVolume
  findings: CheckFinding[]
  checked: string[]
  started: number
}

async function verifyVolume(run: Verification, options: VerifyOptions): Promise<VerifyReport> {
  const { volume, findings, checked } = run
  const ntfs = await NtfsVolume.open(volume)
  findings.push(...(await ntfs.check()))
  checked.push('NTFS: every record, index and run against $Bitmap')
  const expected = await readExpectedBlocks(ntfs, await ntfs.readTree())
  findings.push(...expected.findings)
  checkManifestHash(expected, options, findings, checked)
  const blocks = await compareBlocks(run, expected, options)
  checked.push(`${expected.files} files, ${blocks} blocks against the manifest`)
  if (options.expected?.metadata !== undefined) {
    await compareMetadata(run, options.expected.metadata, options)
    checked.push('NTFS metadata against the digests taken when it was written')
  }
  return {
    findings,
    sound: !findings.some((finding) => finding.severity === 'damage'),
    driveId: expected.driveId,
    manifestHash: expected.manifestHash,
    files: expected.files,
    bytes: expected.bytes,
    blocks,
    checked,
    seconds: (performance.now() - run.started) / 1000,
  }
}

function checkManifestHash(
  expected: ExpectedBlocks,
  options: VerifyOptions,
  findings: CheckFinding[],
  checked: string[],
): void {
  const wanted = options.expected?.manifestHash
  if (wanted === undefined) return
  checked.push("manifest against the journal's hash")
  if (wanted.toUpperCase() === expected.manifestHash) return
  findings.push({
    code: 'MANIFEST_HASH',
    severity: 'damage',
    structure: '\\DriveManifest.xml',
    message: `The manifest's MD5 is ${expected.manifestHash}, the journal says ${wanted}.`,
  })
}

async function compareBlocks(run: Verification, expected: ExpectedBlocks, options: VerifyOptions): Promise<number> {
  const result = await runVerify(run.volume, expected, options, (file, block, unreadable) => {
    const path = expected.filePath(file)
    const offset = block * (expected.fileBlockBytes[file] as number)
    run.findings.push({
      code: unreadable === undefined ? 'FILE_BLOCK' : 'FILE_UNREADABLE',
      severity: 'damage',
      structure: path,
      message:
        unreadable === undefined
          ? `${path}: block ${block} (at byte ${offset}) differs from the manifest.`
          : `${path}: block ${block} (at byte ${offset}) cannot be read: ${unreadable}`,
    })
  })
  return result.blocks + expected.blocksCompared
}

// A metadata range is a "file" of one block at one extent, so the same engine reads it. The start of the volume, which
// BitLocker keeps elsewhere, is read through the decrypted view.
async function compareMetadata(run: Verification, ranges: MetadataRange[], options: VerifyOptions): Promise<void> {
  const relocated = ranges.filter((range) => range.offsetBytes < relocatedBytes)
  const inPlace = ranges.filter((range) => range.offsetBytes >= relocatedBytes)
  for (const range of relocated) {
    const bytes = await run.volume.read(range.offsetBytes, range.lengthBytes)
    if (!createHash('md5').update(bytes).digest().equals(range.md5)) reportMetadata(run, range)
  }
  const extents: ExtentTable = {
    firstExtent: Uint32Array.from({ length: inPlace.length + 1 }, (_, index) => index),
    offsetBytes: Float64Array.from(inPlace, (range) => range.offsetBytes),
    lengthBytes: Float64Array.from(inPlace, (range) => range.lengthBytes),
  }
  const fileSizeBytes = Float64Array.from(inPlace, (range) => range.lengthBytes)
  const fileBlockBytes = new Float64Array(inPlace.length).fill(4 * 1024 * 1024)
  const expected = Buffer.concat(inPlace.map((range) => range.md5))
  const blocks = { fileSizeBytes, fileBlockBytes, extents, expected }
  await runVerify(run.volume, blocks, options, (file, _block, unreadable) => {
    reportMetadata(run, inPlace[file] as MetadataRange, unreadable)
  })
}

function reportMetadata(run: Verification, range: MetadataRange, unreadable?: string): void {
  const { structure, offsetBytes, lengthBytes } = range
  const place = `${structure} (volume bytes ${offsetBytes} to ${offsetBytes + lengthBytes - 1})`
  run.findings.push({
    code: 'NTFS_METADATA',
    severity: 'damage',
    structure,
    message: unreadable === undefined ? `${place} differs from what was written.` : `${place}: ${unreadable}`,
  })
}

type Blocks = Pick<ExpectedBlocks, 'fileSizeBytes' | 'fileBlockBytes' | 'extents' | 'expected'> & { skip?: Uint8Array }

async function runVerify(
  volume: BitlockerVolume,
  blocks: Blocks,
  options: VerifyOptions,
  onBad: (file: number, block: number, unreadable?: string) => void,
): Promise<{ blocks: number }> {
  const { memoryBytes = 128 * 1024 * 1024, progress, signal } = options
  const input = { volume, ...blocks, memoryBytes }
  const run = verifyBlocks(input, (event) => {
    if (event.kind === 'mismatch') onBad(event.file, event.block)
    else onBad(event.file, event.block, event.message)
  })
  const stop = () => run.abort()
  signal?.addEventListener('abort', stop)
  const timer = setInterval(() => {
    if (progress === undefined) return
    const { bytesDone, bytesTotal } = run.progress()
    Object.assign(progress, { bytesDone, bytesTotal })
  }, 200)
  try {
    if (signal?.aborted) run.abort()
    return await run.finished
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', stop)
  }
}

/** @throws TransferError DRIVE_DAMAGED naming the first thing that is wrong. */
export function assertSound(path: string, report: VerifyReport): void {
  if (report.sound) return
  const damage = report.findings.filter((finding) => finding.severity === 'damage')
  const message = `${path}: ${damage.length} damaged structures or blocks; first: ${damage[0]?.message}`
  throw new TransferError('DRIVE_DAMAGED', message, { path, hint: 'Do not ship this drive.' })
}
