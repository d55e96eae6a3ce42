// Where the content of a repair comes from: the drive, files of a folder, or both. A file of a folder is taken by its name and
// length; whoever reads it compares the hash of every range. Names come from a log, so a file has to lie in the folder itself:
// only what a person wrote into a path map may lie elsewhere.

import { constants } from 'node:fs'
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import { TransferError } from '../errors.js'
import type { ReadManifestBlob } from '../formats/manifest-reader.js'
import type { PathMap } from '../formats/path-map.js'
import { repairSourceCandidates } from '../plan/repair-source.js'
import { type AttachmentSource, attachmentBytesMax, attachmentOnDrive, hasHash } from './blob-attributes.js'
import { type RangeReader, readerOfDriveFile } from './read-slowly.js'
import type { ShippedDrive } from './shipped-drive.js'

export interface OpenSources {
  readers: RangeReader[]
  /** Why others are not among them, each a clause. */
  passedOver: string[]
  close(): Promise<void>
}

const filesMax = 8
const passedOverMax = 4

export class RepairSources {
  private constructor(
    private readonly drive: ShippedDrive | undefined,
    private readonly from: readonly string[],
    private readonly realFrom: readonly string[],
    private readonly pathMap: PathMap | undefined,
  ) {}

  /** @throws TransferError SOURCE_UNREADABLE for a folder that is not there. */
  static async open(
    drive: ShippedDrive | undefined,
    { from = [], pathMap }: { from?: readonly string[] | undefined; pathMap?: PathMap | undefined },
  ): Promise<RepairSources> {
    const realFrom: string[] = []
    for (const folder of from) {
      realFrom.push(
        await realpath(folder).catch((cause: Error) => {
          throw new TransferError('SOURCE_UNREADABLE', `${folder} cannot be read: ${cause.message}`, {
            cause,
            path: folder,
          })
        }),
      )
    }
    return new RepairSources(drive, from, realFrom, pathMap)
  }

  /** The file on the drive first, then those of the folders. */
  async find({ filePath, lengthBytes }: Pick<ReadManifestBlob, 'filePath' | 'lengthBytes'>): Promise<OpenSources> {
    const readers: RangeReader[] = []
    const passedOver: string[] = []
    const onDrive = this.drive?.index.find(filePath)
    if (this.drive !== undefined && onDrive !== undefined) {
      const sizeBytes = this.drive.tree.fileSizeBytes[onDrive] as number
      if (sizeBytes === lengthBytes) readers.push(readerOfDriveFile(this.drive, onDrive))
      else passedOver.push(`${filePath} on the drive has ${sizeBytes} bytes`)
    }
    const files: FileHandle[] = []
    const close = async () => {
      for (const file of files) await file.close()
    }
    try {
      for await (const { path, file, sizeBytes } of this.#candidates(filePath, passedOver)) {
        if (sizeBytes === lengthBytes && files.length < filesMax) {
          files.push(file)
          readers.push(readerOfFile(path, file))
        } else {
          await file.close()
          passedOver.push(`${path} has ${sizeBytes} bytes`)
        }
      }
    } catch (error) {
      await close()
      throw error
    }
    return { readers, passedOver: passedOver.slice(0, passedOverMax), close }
  }

  /** Metadata and properties files. */
  attachments(): AttachmentSource[] {
    const inFolder: AttachmentSource = async (wanted) => {
      let isThere = false
      for await (const { file, sizeBytes } of this.#candidates(wanted.path, [])) {
        try {
          if (sizeBytes > attachmentBytesMax) continue
          isThere = true
          const content = Buffer.alloc(sizeBytes)
          await file.read(content, 0, sizeBytes, 0)
          if (hasHash(content, wanted)) return content
        } finally {
          await file.close()
        }
      }
      return isThere ? 'Corrupted' : 'FileNotFound'
    }
    return [...(this.drive === undefined ? [] : [attachmentOnDrive(this.drive)]), inFolder]
  }

  /** Whoever takes a file closes it. */
  async *#candidates(filePath: string, passedOver: string[]) {
    const { from, pathMap } = this
    const sources = pathMap === undefined ? { from } : { from, pathMap }
    const isMapped = pathMap?.has(filePath.toLowerCase()) === true
    for (const path of repairSourceCandidates(filePath, sources)) {
      // A pipe must not keep us waiting for a writer.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
        if (isMapped || (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')) {
          passedOver.push(`${path} cannot be read (${error.code})`)
        }
      })
      if (file === undefined) continue
      const facts = await file.stat()
      const real = await readlink(`/proc/self/fd/${file.fd}`)
      const isInside = this.realFrom.some((folder) => real.startsWith(folder === sep ? sep : `${folder}${sep}`))
      if (facts.isFile() && (isMapped || isInside)) {
        yield { path, file, sizeBytes: facts.size }
        continue
      }
      await file.close()
      if (facts.isFile()) passedOver.push(`${path} leads out of the folder to ${real}`)
    }
  }
}

function readerOfFile(path: string, file: FileHandle): RangeReader {
  return {
    name: path,
    async read(offsetBytes, bytes) {
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, offsetBytes + at).catch((cause: Error) => {
          throw new TransferError('SOURCE_READ_FAILED', `${path} cannot be read: ${cause.message}`, { cause, path })
        })
        if (bytesRead === 0) throw new TransferError('SOURCE_CHANGED', `${path} has become shorter.`, { path })
        at += bytesRead
      }
    },
  }
}
