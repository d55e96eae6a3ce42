// Drives that were prepared from a tree, and what arrived of it in a store.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { PrepareRequest, SessionResult } from '../../src/index.js'
import type { ReceiveDrive } from '../../src/receive/receive-drive.js'
import { type ReceiveRequest, type ReceiveResult, receiveDrives } from '../../src/receive/receive-drives.js'
import type { BlobStore } from '../../src/storage/blob-store.js'
import { prepare, requestFor } from '../prepare/made-drive.js'
import { contentOf, hashesBelow, writeTree } from '../prepare/made-tree.js'

export interface MadeDrives {
  source: string
  folder: string
  session: SessionResult
  drives: ReceiveDrive[]
}

/** Writes the files, prepares them onto images of these sizes, and gives what `receive` needs. */
export async function makeDrives(
  folder: string,
  files: Readonly<Record<string, Buffer | string>>,
  sizes: readonly string[] = ['200M'],
  changes: Partial<PrepareRequest> = {},
  serial = 'DRIVE',
): Promise<MadeDrives> {
  const source = join(folder, 'source')
  writeTree(source, files)
  const specs = sizes.map((size, index) => `${join(folder, `drive-${index}.img`)}:${size},serial=${serial}${index}`)
  const request = requestFor(source, specs, changes)
  const session = await prepare(request, { journalPath: join(folder, 'job.jrn'), verify: false })
  const drives = session.drives.map((drive) => {
    assert.equal(drive.error, undefined)
    return driveOf(drive)
  })
  return { source, folder, session, drives }
}

/** One drive with blobs of each kind: a page blob, large ones and small ones. */
export function makeMixedDrive(folder: string): Promise<MadeDrives> {
  const files: Record<string, Buffer> = { 'disk.vhd': contentOf(3, 3 << 20) }
  for (let index = 0; index < 4; index++) files[`large/${index}`] = contentOf(index, (9 << 20) + index)
  for (let index = 0; index < 60; index++) files[`small/${index}`] = contentOf(index, 20_000 + index)
  return makeDrives(folder, files, ['140M'])
}

function driveOf(drive: SessionResult['drives'][number]): ReceiveDrive {
  const { path, recoveryPassword, manifestHash, driveId } = drive
  const secret = { kind: 'recovery-password', password: recoveryPassword } as const
  const expected = manifestHash === undefined ? { driveId } : { manifestHash, driveId }
  return { path, secret, expected, expectedFrom: 'the journal' }
}

export function receive(
  made: MadeDrives,
  store: BlobStore,
  changes: Partial<ReceiveRequest> = {},
): Promise<ReceiveResult> {
  return receiveDrives({ drives: made.drives, store, statePath: join(made.folder, 'import.jrn'), ...changes })
}

/** SHA-256 of every blob below a prefix, by the rest of its name. */
export async function hashesInStore(
  store: BlobStore,
  container = 'archive',
  prefix = 'in/',
): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  for await (const { name } of store.list(container, prefix)) {
    const hash = createHash('sha256')
    for await (const piece of store.read({ container, name })) hash.update(piece)
    hashes.set(name.slice(prefix.length), hash.digest('hex'))
  }
  return hashes
}

export async function assertArrived(made: MadeDrives, store: BlobStore): Promise<void> {
  const expected = hashesBelow(made.source)
  const actual = await hashesInStore(store)
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort())
  for (const [path, hash] of expected) assert.equal(actual.get(path), hash, path)
}

/** A recovery password that differs in its first group from every other one. */
export function otherPassword(password: string): string {
  return `${password.startsWith('000000') ? '000011' : '000000'}${password.slice(6)}`
}
