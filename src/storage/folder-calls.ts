// What the calls of a folder store go through: those for one blob take turns, and what the file system says becomes an error of
// ours. What each operation does is folder-store.ts.

import { join } from 'node:path'
import type { BlobPlace, SignalOption } from './blob-store.js'
import { folderError } from './folder-errors.js'
import { isThere } from './folder-paths.js'
import { type BlobRecord, RecordPaths, readRecord } from './folder-records.js'
import { containerNotFound, shown, throwIfAborted } from './local-rules.js'
import { NamedLocks } from './named-locks.js'
import { checkPlace } from './request-limits.js'

type BlobWork<Result> = (paths: RecordPaths, record: BlobRecord | undefined) => Promise<Result>

export class FolderCalls {
  readonly #locks = new NamedLocks()

  constructor(private readonly root: string) {}

  paths(container: string): RecordPaths {
    return new RecordPaths(join(this.root, container))
  }

  /** @param subject of the message when the file system refuses. */
  async guard<Result>(subject: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw folderError(error, subject)
    }
  }

  /** One call at a time for a blob, with its record. */
  async change<Result>(place: BlobPlace, options: SignalOption, work: BlobWork<Result>): Promise<Result> {
    return await this.#inTurn(place, '', options, (paths) => withRecord(paths, place, work))
  }

  /** Blocks of one blob are written side by side: the turn is the block's, and replacing its file needs none of the blob's. */
  async changeBlock(place: BlobPlace, id: string, options: SignalOption, work: BlobWork<void>): Promise<void> {
    await this.#inTurn(place, `\n${id}`, options, (paths) => withRecord(paths, place, work))
  }

  async #inTurn<Result>(
    place: BlobPlace,
    part: string,
    options: SignalOption,
    work: (paths: RecordPaths) => Promise<Result>,
  ): Promise<Result> {
    checkPlace(place)
    throwIfAborted(options.signal)
    const paths = this.paths(place.container)
    return await this.guard(shown(place), () =>
      this.#locks.run(`${place.container}/${place.name}${part}`, async () => {
        // Its turn may have come long after it was asked for.
        throwIfAborted(options.signal)
        return await work(paths)
      }),
    )
  }
}

async function withRecord<Result>(paths: RecordPaths, place: BlobPlace, work: BlobWork<Result>): Promise<Result> {
  if (!(await isThere(paths.hidden))) throw containerNotFound(place.container)
  return await work(paths, await readRecord(paths.record(place.name)))
}
