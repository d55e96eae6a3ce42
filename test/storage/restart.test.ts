// A service that ends in the middle of an upload and comes back, and disks that are full behind a service or a folder.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AzureCredential } from '../../src/storage/azure-credential.js'
import { AzureStore } from '../../src/storage/azure-store.js'
import type { BlobStore } from '../../src/storage/blob-store.js'
import { FolderStore } from '../../src/storage/folder-store.js'
import { azuriteAccount, azuriteKey, azuriteMissing, startAzurite } from './azurite.js'
import { blockId, listed, madeBytes, md5Of, put, readAll } from './conformance.js'

const skip = azuriteMissing()
const credential: AzureCredential = { kind: 'key', accountName: azuriteAccount, accountKey: azuriteKey }

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`a service that ends by ${signal} in the middle of an upload and comes back is survived`, { skip }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'diskferry-restart-'))
    const mortal = await startAzurite({ dir })
    const patient = new AzureStore(new URL(mortal.url), credential, {
      retry: { tries: 100, firstDelayMs: 50, maxDelayMs: 1000, tryTimeoutMs: 30_000 },
    })
    try {
      const place = { container: 'restart', name: 'blob' }
      await patient.createContainer(place.container)
      if (signal === 'SIGKILL') await untilWritten(dir, place.container)
      const pieces = Array.from({ length: 40 }, (_, index) => madeBytes(200_000, index + 1))
      const ids = pieces.map((_, index) => blockId(index))
      const underWay = new Set<string>()
      let whileEnding: Set<string> | undefined
      const upload = async (index: number) => {
        const [piece, id] = [pieces[index] as Buffer, ids[index] as string]
        underWay.add(id)
        whileEnding?.add(id)
        await patient.putBlock(place, id, piece, md5Of(piece))
        underWay.delete(id)
      }
      let restarted: Promise<void> | undefined
      let mayBeGone = new Set<string>()
      const queue = ids.map((_, index) => index)
      const work = async () => {
        for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
          if (index === 12) {
            const touched = new Set(underWay)
            whileEnding = touched
            await mortal.kill(signal)
            whileEnding = undefined
            // What Azurite confirms while it ends it forgets.
            mayBeGone = signal === 'SIGTERM' ? touched : new Set(ids)
            restarted = sleep(300).then(() => mortal.restart())
          }
          await upload(index)
        }
      }
      await Promise.all([work(), work(), work(), work()])
      await restarted
      // Blocks that a killed service had confirmed may be gone: whoever uploads looks before committing.
      const there = new Set((await patient.listBlocks(place)).uncommitted.map((block) => block.id))
      assert.deepEqual(
        ids.filter((id) => !there.has(id) && !mayBeGone.has(id)),
        [],
      )
      for (const [index, id] of ids.entries()) if (!there.has(id)) await upload(index)
      assert.equal(await patient.commitBlocks(place, ids, { ifAbsent: true }), 'written')
      assert.ok((await readAll(patient, place)).equals(Buffer.concat(pieces)))
    } finally {
      await patient.close()
      await mortal.stop()
      await rm(dir, { recursive: true, force: true, maxRetries: 3 })
    }
  })
}

/** It writes the list of its containers every 5 seconds. */
async function untilWritten(dir: string, container: string): Promise<void> {
  const list = join(dir, '__azurite_db_blob__.json')
  const until = Date.now() + 120_000
  while (!(await readFile(list, 'utf8').catch(() => '')).includes(`"${container}"`)) {
    assert.ok(Date.now() < until, `${list} has no ${container}`)
    await sleep(50)
  }
}

const noMount = process.getuid?.() === 0 ? false : 'mounting a small file system needs root'

async function withSmallDisk(sizeBytes: number, work: (folder: string) => Promise<void>): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'diskferry-small-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder])
  try {
    if (mounted.status !== 0) return `tmpfs cannot be mounted: ${mounted.stderr}`
    await work(folder)
    return undefined
  } finally {
    if (mounted.status === 0) spawnSync('umount', [folder])
    await rm(folder, { recursive: true, force: true })
  }
}

async function fill(target: BlobStore, container: string): Promise<void> {
  await target.createContainer(container)
  const piece = madeBytes(1 << 20)
  for (let index = 0; index < 64; index++) await put(target, { container, name: `blob-${index}` }, piece)
}

test('a folder on a full disk says so, and keeps what it had', { skip: noMount }, async (context) => {
  const reason = await withSmallDisk(8 << 20, async (folder) => {
    const target = await FolderStore.open(folder)
    await assert.rejects(fill(target, 'container'), { code: 'STORAGE_FULL', message: /ENOSPC/ })
    const found = await listed(target, 'container')
    assert.ok(found.length >= 3)
    for (const { name } of found) {
      assert.ok((await readAll(target, { container: 'container', name })).equals(madeBytes(1 << 20)), name)
    }
    await target.remove({ container: 'container', name: 'blob-0' })
    assert.equal(await put(target, { container: 'container', name: 'last' }, Buffer.from('fits again')), 'written')
  })
  if (reason !== undefined) context.skip(reason)
})

test('a service on a full disk is told, and what it confirmed is there', { skip: skip || noMount }, async (context) => {
  const reason = await withSmallDisk(12 << 20, async (folder) => {
    const full = await startAzurite({ dir: folder })
    const target = new AzureStore(new URL(full.url), credential, { retry: { tries: 2, firstDelayMs: 5 } })
    try {
      // Azurite says no more than 500.
      await assert.rejects(fill(target, 'container'), { code: 'STORAGE_UNREACHABLE', message: /500/ })
      const found = await listed(target, 'container')
      assert.ok(found.length >= 3)
      for (const { name } of found) {
        assert.ok((await readAll(target, { container: 'container', name })).equals(madeBytes(1 << 20)), name)
      }
    } finally {
      await target.close()
      await full.stop()
    }
  })
  if (reason !== undefined) context.skip(reason)
})
