// A vault in a folder: plain files, written beside and renamed, as restic itself does there.

import { createReadStream } from 'node:fs'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TransferError } from '../errors.js'
import type { NamedSize } from '../formats/frozen-list.js'
import { syncSharedFolder } from '../jobs/staging-files.js'
import { folderError } from '../storage/folder-errors.js'
import { listRepository } from './staged-repository.js'
import type { SendOptions, VaultPlace } from './vault-place.js'

export class FolderPlace implements VaultPlace {
  private constructor(readonly name: string) {}

  static async open(path: string): Promise<FolderPlace> {
    await mkdir(path, { recursive: true }).catch((error) => {
      throw folderError(error, `Folder ${path}`)
    })
    return new FolderPlace(path)
  }

  list(kind = ''): AsyncIterable<NamedSize> {
    return listRepository(this.name, kind)
  }

  async *read(name: string): AsyncIterable<Uint8Array> {
    yield* createReadStream(join(this.name, name), { highWaterMark: 1 << 20 })
  }

  async readSmall(name: string): Promise<Buffer | undefined> {
    return await readFile(join(this.name, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw folderError(error, join(this.name, name))
    })
  }

  async create(name: string, bytes: Buffer): Promise<boolean> {
    return await this.send(name, once(bytes), bytes.length, { replaces: false })
  }

  async send(name: string, content: AsyncIterable<Buffer>, sizeBytes: number, options: SendOptions): Promise<boolean> {
    const path = join(this.name, name)
    const beside = `${path}-tmp-${process.pid}`
    try {
      await mkdir(dirname(path), { recursive: true })
      await rm(beside, { force: true })
      const file = await open(beside, 'wx', 0o600)
      try {
        let writtenBytes = 0
        for await (const piece of content) {
          await options.take?.(piece.length)
          await file.writeFile(piece)
          writtenBytes += piece.length
        }
        if (writtenBytes !== sizeBytes)
          throw new TransferError('SOURCE_CHANGED', `${name} changed while it was copied.`)
        await file.sync()
      } finally {
        await file.close()
      }
      if (options.replaces) await rename(beside, path)
      else if (!(await publish(beside, path))) return false
      // Staging may be released on the strength of this file: its name has to outlast a power loss too.
      await syncSharedFolder(dirname(path))
      return true
    } catch (error) {
      throw error instanceof TransferError ? error : folderError(error, path)
    } finally {
      await rm(beside, { force: true })
    }
  }

  async close(): Promise<void> {}
}

async function publish(beside: string, path: string): Promise<boolean> {
  try {
    await link(beside, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function* once(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes
}
