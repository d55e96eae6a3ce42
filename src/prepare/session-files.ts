// What a session keeps beside its journal so that the same command resumes after any crash: for each drive the plan, the
// NTFS skeleton, the BitLocker metadata (no plain key in it), the hash spool and the digests of the metadata written.
//
//   job.jrn              the journal, mode 0600 (it holds the recovery passwords, as WAImportExport's does)
//   job.jrn.d/<DriveId>/ plan, skeleton, bitlocker, hashes, metadata
//   <DriveId>.xml        what the import job asks for, beside the journal

import { type FileHandle, mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { MetadataRange } from '../addon/ntfs.js'
import { TransferError } from '../errors.js'
import { type DrivePlan, encodeDrivePlan, parseDrivePlan } from '../formats/drive-plan.js'
import { renameDurably } from '../sync-folder.js'

export class DriveFiles {
  constructor(
    readonly journalPath: string,
    readonly driveId: string,
  ) {}

  get folder(): string {
    return join(`${this.journalPath}.d`, this.driveId)
  }

  get driveInfoPath(): string {
    return join(dirname(this.journalPath), `${this.driveId}.xml`)
  }

  get hashSpoolPath(): string {
    return join(this.folder, 'hashes')
  }

  // What this object stored itself it need not read again.
  #plan: DrivePlan | undefined

  async create(plan: DrivePlan, skeleton: Buffer, bitlocker: Buffer): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    await rm(this.hashSpoolPath, { force: true })
    await writeWhole(join(this.folder, 'skeleton'), [skeleton])
    await writeWhole(join(this.folder, 'bitlocker'), [bitlocker])
    await writeWhole(join(this.folder, 'plan'), encodeDrivePlan(plan))
    this.#plan = plan
  }

  /** @throws TransferError PLAN_INVALID when it is not there or not whole. */
  async readPlan(): Promise<DrivePlan> {
    if (this.#plan !== undefined) return this.#plan
    const path = join(this.folder, 'plan')
    const file = await open(path).catch((cause: Error) => {
      throw new TransferError('PLAN_INVALID', `The plan of drive ${this.driveId} cannot be read: ${cause.message}.`, {
        cause,
        path,
      })
    })
    try {
      return await parseDrivePlan(file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 }))
    } finally {
      await file.close()
    }
  }

  readSkeleton(): Promise<Buffer> {
    return readFile(join(this.folder, 'skeleton'))
  }

  readBitlocker(): Promise<Buffer> {
    return readFile(join(this.folder, 'bitlocker'))
  }

  /** Digest of block k at k * 16; written by the engine, read by the manifest. */
  openHashSpool(): Promise<FileHandle> {
    return open(this.hashSpoolPath, 'a+', 0o600).then(async (created) => {
      await created.close()
      return open(this.hashSpoolPath, 'r+')
    })
  }

  writeMetadataRanges(ranges: MetadataRange[]): Promise<void> {
    const lines = ranges.map((range) =>
      JSON.stringify([range.offsetBytes, range.lengthBytes, range.md5.toString('hex'), range.structure]),
    )
    return writeWhole(join(this.folder, 'metadata'), [`${lines.join('\n')}\n`])
  }

  /** Undefined when the session never came so far, or the folder was not kept. */
  async readMetadataRanges(): Promise<MetadataRange[] | undefined> {
    const text = await readFile(join(this.folder, 'metadata'), 'utf8').catch(() => undefined)
    return text
      ?.split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [offsetBytes, lengthBytes, md5, structure] = JSON.parse(line) as [number, number, string, string]
        return { offsetBytes, lengthBytes, md5: Buffer.from(md5, 'hex'), structure }
      })
  }

  /** Of a drive that is given up. One with another key is another journal's: the drive was prepared again. */
  async removeDriveInfo(recoveryPassword: string): Promise<void> {
    const text = await readFile(this.driveInfoPath, 'utf8').catch(() => '')
    if (text.includes(recoveryPassword)) await rm(this.driveInfoPath)
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

/** Writes beside, syncs, renames, syncs the folder: a reader sees the old file or the new one, never a part. Mode 0600. */
export async function writeWhole(path: string, pieces: Iterable<string | Uint8Array>): Promise<void> {
  const beside = `${path}.new`
  const file = await open(beside, 'w', 0o600)
  try {
    for (const piece of pieces) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
  }
  await renameDurably(beside, path)
}
