// The manifest on a drive, found and read as often as needed: once to survey it, once to import, once for the logs. It is read
// as a stream each time, because the blobs of a drive may be millions.

import { createHash, type Hash } from 'node:crypto'
import { TransferError } from '../errors.js'
import { type ReadManifestBlob, readManifest } from '../formats/manifest-reader.js'
import { manifestName } from '../plan/drive-manifest.js'
import type { ShippedDrive } from './shipped-drive.js'

const pieceBytes = 4 << 20

export interface NumberedBlob {
  /** In the order of the manifest, from 0. */
  number: number
  blob: ReadManifestBlob
}

export class ManifestSource {
  private constructor(
    private readonly drive: ShippedDrive,
    /** From the root of the drive, with a backslash. */
    readonly path: string,
    private readonly file: number,
  ) {}

  /**
   * @param path as the job names it; else \DriveManifest.xml, else the only *.manifest file in the root.
   * @throws TransferError MANIFEST_MISSING
   */
  static find(drive: ShippedDrive, path?: string): ManifestSource {
    const { tree, index } = drive
    const wanted = path ?? `\\${manifestName}`
    const file = index.find(wanted)
    if (file !== undefined) return new ManifestSource(drive, wanted, file)
    const others = path === undefined ? index.rootFiles().filter((name) => /\.manifest$/i.test(name)) : []
    const [other] = others
    const otherFile = other === undefined ? undefined : index.find(other)
    if (others.length === 1 && otherFile !== undefined) return new ManifestSource(drive, `\\${other}`, otherFile)
    throw new TransferError(
      'MANIFEST_MISSING',
      `${drive.path} has no ${wanted}; it holds ${tree.fileDirectory.length} files.`,
      {
        path: drive.path,
        hint: 'Name it with --manifest-file. Was the drive prepared to its end?',
      },
    )
  }

  /** @param hash takes every byte of the file. */
  async *read(hash?: Hash) {
    yield* readManifest(this.#bytes(hash), { fileName: this.path.slice(1) })
  }

  async *blobs(): AsyncGenerator<NumberedBlob> {
    let number = 0
    for await (const part of this.read()) {
      if (part.kind !== 'header') yield { number: number++, blob: part }
    }
  }

  async *#bytes(hash: Hash | undefined): AsyncGenerator<Uint8Array> {
    const { ntfs, tree } = this.drive
    const size = tree.fileSizeBytes[this.file] as number
    for (let offset = 0; offset < size; offset += pieceBytes) {
      const piece = await ntfs.readFile(
        tree.fileRecord[this.file] as number,
        offset,
        Math.min(pieceBytes, size - offset),
      )
      hash?.update(piece)
      yield piece
    }
  }

  /** True for the path of the manifest itself. */
  isAt(filePath: string): boolean {
    return this.drive.index.find(filePath) === this.file
  }

  /** MD5 of the whole file, 32 upper-case hex digits, whatever is in it. */
  async hash(): Promise<string> {
    const hash = createHash('md5')
    for await (const _ of this.#bytes(hash));
    return hash.digest('hex').toUpperCase()
  }

  /** The file's bytes, for a backup of the manifest. */
  bytes(): AsyncGenerator<Uint8Array> {
    return this.#bytes(undefined)
  }
}
