// What happens on this side of the wire: drives that are pulled or damaged, disks that are full, an import that is interrupted or
// started twice. What was imported stays, what was not is said, and the same call goes on where it was.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { receiveExitCode } from '../../src/cli/receive-exit-code.js'
import { RateLimit } from '../../src/index.js'
import type { ReceiveRequest, ReceiveResult } from '../../src/receive/receive-drives.js'
import { FolderStore } from '../../src/storage/folder-store.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { lacksMount, needsRoot } from '../lacks.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertArrived, hashesInStore, type MadeDrives, makeDrives, makeMixedDrive, receive } from './made-import.js'

const mebibyte = 1 << 20
const folder = temporaryFolder('receive-drive-faults')
let made: MadeDrives
let image = ''
let sound = ''
let run = 0

before(async () => {
  made = await makeMixedDrive(folder)
  image = made.drives[0]?.path as string
  sound = join(folder, 'sound.img')
  copyFileSync(image, sound)
})

const newState = () => join(folder, `import-${++run}`)
const codeOf = ({ errors }: ReceiveResult) => [...errors.values()][0]?.code

/** Goes on until everything is there. */
async function complete(store: MemoryStore | FolderStore, statePath: string, changes: Partial<ReceiveRequest> = {}) {
  const result = await receive(made, store, { statePath, mustResume: true, ...changes })
  assert.deepEqual([...result.errors.values()], [])
  assert.equal(result.report.drives[0]?.status, 'Completed')
  await assertArrived(made, store)
  return result
}

/** Lets so many bytes go; what comes after them waits until `act` is done. */
function afterSending(bytes: number, act: () => unknown): Pick<ReceiveRequest, 'rateLimit'> {
  let leftBytes = bytes
  let acting: Promise<unknown> | undefined
  const take = async (lengthBytes: number) => {
    leftBytes -= lengthBytes
    if (leftBytes >= 0) return
    acting ??= Promise.resolve(act())
    await acting
  }
  return { rateLimit: { take } }
}

describe('an interrupted import', { timeout: 240_000 }, () => {
  it('says so with exit code 130, and goes on where it was', async () => {
    const store = new MemoryStore()
    const statePath = newState()
    const controller = new AbortController()
    const stop = afterSending(6 * mebibyte, () => controller.abort())
    const result = await receive(made, store, { statePath, signal: controller.signal, ...stop })
    assert.equal(codeOf(result), 'INTERRUPTED')
    assert.equal(receiveExitCode(result), 130)
    assert.ok((result.report.drives[0]?.blobs.imported ?? 0) < 65)
    const resumed = await complete(store, statePath)
    assert.equal(resumed.report.drives[0]?.bytesThere, result.report.drives[0]?.bytesImported)
  })

  it('sends nothing when it is interrupted before it begins', async () => {
    const store = new MemoryStore()
    const result = await receive(made, store, { statePath: newState(), signal: AbortSignal.abort() })
    assert.equal(codeOf(result), 'INTERRUPTED')
    assert.equal((await hashesInStore(store)).size, 0)
  })

  it('is refused while another one goes on with the same state', async () => {
    const store = new MemoryStore()
    const statePath = newState()
    const second: { outcome?: unknown } = {}
    const tryAgain = afterSending(mebibyte, async () => {
      second.outcome = await receive(made, store, { statePath }).catch((error) => error)
    })
    assert.equal((await receive(made, store, { statePath, ...tryAgain })).errors.size, 0)
    assert.equal((second.outcome as { code?: string })?.code, 'JOURNAL_IN_USE')
    await assertArrived(made, store)
  })
})

describe('a drive that goes away', { timeout: 240_000 }, () => {
  for (const [what, leftBytes, code] of [
    ['half of it', 30 * mebibyte, undefined],
    ['all of it', 0, 'DRIVE_GONE'],
  ] as const) {
    it(`is told when ${what} cannot be read any more, and goes on when it is back`, async () => {
      const store = new MemoryStore()
      const statePath = newState()
      const pull = afterSending(5 * mebibyte, () => truncateSync(image, leftBytes))
      try {
        const result = await receive(made, store, { statePath, memoryBytes: 16 * mebibyte, ...pull })
        const [drive] = result.report.drives
        if (code !== undefined) assert.ok(codeOf(result) === code || (drive?.blobs.failed ?? 0) > 0, codeOf(result))
        assert.notEqual(receiveExitCode(result), 0)
        assert.ok((drive?.blobs.failed ?? 0) > 0 || result.errors.size === 1)
        assert.ok(drive?.logs.some(({ kind }) => kind === 'error'))
      } finally {
        copyFileSync(sound, image)
      }
      await complete(store, statePath)
    })
  }

  it('does not take the others with it', async () => {
    const second = await makeDrives(
      join(folder, 'second'),
      { second: contentOf(9, 5 * mebibyte) },
      ['100M'],
      {},
      'SECOND',
    )
    const [other] = second.drives
    const [drive] = made.drives
    assert.ok(other !== undefined && drive !== undefined)
    const store = new MemoryStore()
    const pull = afterSending(5 * mebibyte, () => truncateSync(image, 0))
    try {
      const result = await receive(made, store, {
        statePath: newState(),
        drives: [drive, other],
        memoryBytes: 16 * mebibyte,
        ...pull,
      })
      assert.notEqual(result.report.drives[0]?.status, 'Completed')
      assert.equal(result.report.drives[1]?.status, 'Completed')
      assert.equal(receiveExitCode(result), 3)
    } finally {
      copyFileSync(sound, image)
    }
  })

  it('is told for a loop device whose disk is gone', { skip: needsRoot }, async (context) => {
    const backing = join(folder, 'backing.img')
    copyFileSync(sound, backing)
    const attached = spawnSync('losetup', ['--find', '--show', '--read-only', '--direct-io=on', backing], {
      encoding: 'utf8',
    })
    if (attached.status !== 0) return context.skip(`no loop device: ${attached.stderr}`)
    const path = attached.stdout.trim()
    const store = new MemoryStore()
    const statePath = newState()
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    try {
      const pull = afterSending(5 * mebibyte, () => truncateSync(backing, 0))
      const drives = [{ ...drive, path }]
      const result = await receive(made, store, { statePath, drives, memoryBytes: 16 * mebibyte, ...pull })
      assert.notEqual(receiveExitCode(result), 0)
      const failed = result.report.drives[0]?.blobs.failed ?? 0
      assert.ok(codeOf(result) === 'DRIVE_GONE' || failed > 0, `${codeOf(result)}, ${failed} failed`)
    } finally {
      spawnSync('losetup', ['--detach', path])
      rmSync(backing)
    }
    await complete(store, statePath)
  })
})

/** Mounts a small file system for the time of `work`. */
async function onSmallDisk(sizeBytes: number, work: (path: string, grow: () => void) => Promise<void>): Promise<void> {
  const path = join(folder, `disk-${++run}`)
  mkdirSync(path)
  const mount = (options: string) => {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { encoding: 'utf8' })
    assert.equal(mounted.status, 0, mounted.stderr)
  }
  mount(`size=${sizeBytes}`)
  try {
    await work(path, () => mount('remount,size=200M'))
  } finally {
    spawnSync('umount', [path])
  }
}

describe('a full disk', { skip: lacksMount(), timeout: 240_000 }, () => {
  it('behind the store ends the import, which goes on when there is room', async () => {
    await onSmallDisk(20 * mebibyte, async (path, grow) => {
      const store = await FolderStore.open(join(path, 'store'))
      const statePath = newState()
      const result = await receive(made, store, { statePath })
      assert.equal(codeOf(result), 'STORAGE_FULL')
      assert.equal(receiveExitCode(result), 7)
      grow()
      await complete(store, statePath)
    })
  })

  for (const freeBytes of [0, 4096, 16_384]) {
    it(`beside the journal is told with ${freeBytes} bytes left, and the journal can be gone on with`, async () => {
      await onSmallDisk(mebibyte, async (path, grow) => {
        writeFileSync(join(path, 'filler'), Buffer.alloc(mebibyte - freeBytes))
        const store = new MemoryStore()
        const statePath = join(path, 'state')
        const rateLimit = new RateLimit(12 * mebibyte)
        const options = { statePath, verboseLog: true, backupManifest: true, rateLimit }
        const result = await receive(made, store, options).catch((error) => error)
        const code = result instanceof Error ? (result as { code?: string }).code : codeOf(result)
        assert.equal(code, 'DEVICE_FULL')
        grow()
        rmSync(join(path, 'filler'))
        await complete(store, statePath, { mustResume: false })
      })
    })
  }
})
