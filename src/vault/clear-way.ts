// Before restic restores: it writes through a link where the snapshot has a file, into whatever the link leads to, and up to 0.16 it
// makes no link where one is. So what stands in the way of a file or a link goes first; a link that did not come back is put back.

import { lstat, readlink, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { SnapshotNode } from '../restic/snapshots.js'

/** What the programs of this computer need to start, restic among them. */
const ofSystem = /^\/(?:bin|sbin|lib\w*|usr)(?:\/|$)/

export class ClearedWay {
  readonly #links = new Map<string, string>()

  constructor(private readonly target: string) {}

  /** Removes what stands where the leaves are to be, unless it is a folder or restic can write into it. */
  async clear(leaves: readonly SnapshotNode[]): Promise<void> {
    for (const leaf of leaves) await this.#clearFor(leaf)
  }

  async #clearFor({ path, type }: SnapshotNode): Promise<void> {
    const place = join(this.target, path)
    if (ofSystem.test(place)) return
    const facts = await lstat(place).catch(() => undefined)
    if (facts === undefined || facts.isDirectory()) return
    // A file with other names is not written into either: they are not of this snapshot.
    if (type === 'file' && facts.isFile() && facts.nlink === 1) return
    if (facts.isSymbolicLink()) this.#links.set(place, await readlink(place))
    await rm(place)
  }

  /** After a restore that failed. */
  async putBack(): Promise<void> {
    for (const [place, target] of this.#links) await symlink(target, place).catch(() => {})
  }
}
