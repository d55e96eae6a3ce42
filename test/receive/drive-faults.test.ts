// What happens on this side of the wire: drives that are pulled or damaged, disks that are full, an import that is interrupted or
// started twice. What was imported stays, what was not is said, and the same call goes on where it was.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { checkBitlocker } from '../../src/addon/bitlocker.js'
import { Device } from '../../src/addon/device.js'
import { receiveExitCode } from '../../src/cli/receive-exit-code.js'
import { findVolume } from '../../src/drives/open-drive.js'
import { openDrive, RateLimit } from '../../src/index.js'
import { FileIndex } from '../../src/plan/file-index.js'
import type { ReceiveRequest, ReceiveResult } from '../../src/receive/receive-drives.js'
import { UploadSlots } from '../../src/receive/upload-slots.js'
import { FolderStore } from '../../src/storage/folder-store.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertArrived, hashesInStore, type MadeDrives, makeDrives, receive } from './made-import.js'

const mebibyte = 1 << 20
const folder = temporaryFolder('receive-drive-faults')
const isRoot = process.getuid?.() === 0
const noRoot = isRoot ? false : 'mounting a small file system, and attaching a loop device, need root'
let made: MadeDrives
let image = ''
let sound = ''
let run = 0

before(async () => {
  const files: Record<string, Buffer> = { 'disk.vhd': contentOf(3, 3 * mebibyte) }
  for (let index = 0; index < 4; index++) files[`large/${index}`] = contentOf(index, 9 * mebibyte + index)
  for (let index = 0; index < 60; index++) files[`small/${index}`] = contentOf(index, 20_000 + index)
  made = await makeDrives(folder, files, ['140M'])
  image = made.drives[0]?.path as string
  sound = join(folder, 'sound.img')
  copyFileSync(image, sound)
})

const newState = () => join(folder, `import-${++run}`)
const codeOf = ({ errors }: ReceiveResult) => [...errors.values()][0]?.code
const slowly = () => ({ rateLimit: new RateLimit(12 * mebibyte) })

/** Goes on until everything is there. */
async function complete(store: MemoryStore | FolderStore, statePath: string, changes: Partial<ReceiveRequest> = {}) {
  const result = await receive(made, store, { statePath, mustResume: true, ...changes })
  assert.deepEqual([...result.errors.values()], [])
  assert.equal(result.report.drives[0]?.status, 'Completed')
  await assertArrived(made, store)
  return result
}

/** Does something once so many bytes of the first drive are in. */
function onceSent(bytes: number, act: () => void): Pick<ReceiveRequest, 'onProgress'> {
  let isDone = false
  return {
    onProgress: ([row]) => {
      if (isDone || row === undefined || row.bytesDone < bytes) return
      isDone = true
      act()
    },
  }
}

describe('an interrupted import', { timeout: 120_000 }, () => {
  it('says so with exit code 130, and goes on where it was', async () => {
    const store = new MemoryStore()
    const statePath = newState()
    const controller = new AbortController()
    const stop = onceSent(6 * mebibyte, () => controller.abort())
    const result = await receive(made, store, { statePath, signal: controller.signal, ...slowly(), ...stop })
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
    const running = receive(made, store, { statePath, ...slowly() })
    await new Promise((resolve) => setTimeout(resolve, 200))
    await assert.rejects(receive(made, store, { statePath }), { code: 'JOURNAL_IN_USE' })
    assert.equal((await running).errors.size, 0)
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
      const pull = onceSent(5 * mebibyte, () => truncateSync(image, leftBytes))
      try {
        const result = await receive(made, store, { statePath, memoryBytes: 16 * mebibyte, ...slowly(), ...pull })
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
    const pull = onceSent(5 * mebibyte, () => truncateSync(image, 0))
    try {
      const result = await receive(made, store, {
        statePath: newState(),
        drives: [drive, other],
        memoryBytes: 16 * mebibyte,
        ...slowly(),
        ...pull,
      })
      assert.notEqual(result.report.drives[0]?.status, 'Completed')
      assert.equal(result.report.drives[1]?.status, 'Completed')
      assert.equal(receiveExitCode(result), 3)
    } finally {
      copyFileSync(sound, image)
    }
  })

  it('is told for a loop device whose disk is gone', { skip: noRoot }, async (context) => {
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
      const pull = onceSent(5 * mebibyte, () => truncateSync(backing, 0))
      const drives = [{ ...drive, path }]
      const result = await receive(made, store, { statePath, drives, memoryBytes: 16 * mebibyte, ...slowly(), ...pull })
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

describe('a full disk', { skip: noRoot, timeout: 120_000 }, () => {
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
        const options = { statePath, verboseLog: true, backupManifest: true, ...slowly() }
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

describe('a damaged drive', { timeout: 120_000 }, () => {
  /** Writes over one sector, as it lies on the drive, and puts it right again. */
  async function withDamage(offsetBytes: number, work: () => Promise<void>): Promise<void> {
    const device = await Device.open(image, { access: 'write' })
    const at = offsetBytes - (offsetBytes % 512)
    const before = await device.read(at, 512)
    await device.write(at, Buffer.from(before.map((byte) => byte ^ 0x5a)))
    await device.flush()
    await device.close()
    try {
      await work()
    } finally {
      const again = await Device.open(image, { access: 'write' })
      await again.write(at, before)
      await again.close()
    }
  }

  async function refusedAs(codes: RegExp): Promise<void> {
    const store = new MemoryStore()
    const result = await receive(made, store, { statePath: newState() })
    assert.match(String(codeOf(result)), codes)
    assert.ok([4, 8].includes(receiveExitCode(result)), `exit code ${receiveExitCode(result)}`)
    assert.equal((await hashesInStore(store)).size, 0)
    assert.equal(result.report.drives[0]?.bytesImported, 0)
  }

  it('is refused for any of its BitLocker metadata', async () => {
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const { device, place } = await findVolume(image)
    const { info, volume } = await checkBitlocker(device, place, drive.secret)
    volume?.close()
    await device.close()
    assert.ok(info !== null)
    for (const region of info.regions.metadata) {
      await withDamage(place.offsetBytes + region + 100, () => refusedAs(/^(DRIVE_DAMAGED|VOLUME_DAMAGED)$/))
    }
  })

  it('is refused for its file table and for its manifest', async () => {
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const opened = await openDrive(image, drive.secret)
    const boot = await opened.volume.read(0, 512)
    const clusterBytes = boot.readUInt16LE(11) * boot.readUInt8(13)
    const tableBytes = Number(boot.readBigUInt64LE(0x30)) * clusterBytes
    const tree = await opened.ntfs.readTree()
    const file = new FileIndex(tree).find('\\DriveManifest.xml') as number
    const record = tree.fileRecord[file] as number
    const manifestBytes = tree.extents.offsetBytes[tree.extents.firstExtent[file] as number] as number
    const { offsetBytes } = opened.place
    await opened.close()
    await withDamage(offsetBytes + tableBytes, () => refusedAs(/^(DRIVE_DAMAGED|NTFS_DAMAGED)$/))
    await withDamage(offsetBytes + tableBytes + 1024 * (record & 0xffff), () =>
      refusedAs(/^(DRIVE_DAMAGED|NTFS_DAMAGED)$/),
    )
    await withDamage(offsetBytes + manifestBytes + 600, () => refusedAs(/^MANIFEST_MISMATCH$/))
  })

  it('is never imported wrong, whatever byte of its content or structures changed', async () => {
    const sizeBytes = readFileSync(image).length
    for (let round = 0; round < 6; round++) {
      const at = Math.floor((0.05 + 0.9 * Math.random()) * sizeBytes)
      await withDamage(at, async () => {
        const store = new MemoryStore()
        await receive(made, store, { statePath: newState() })
        const arrived = await hashesInStore(store)
        const { createHash } = await import('node:crypto')
        for (const [name, hash] of arrived) {
          const content = readFileSync(join(made.source, name))
          assert.equal(hash, createHash('sha256').update(content).digest('hex'), `${name} with damage at ${at}`)
        }
      })
    }
  })
})

it('four drives take turns, however much one of them has to send', async () => {
  const slots = new UploadSlots(4)
  const done = [0, 0, 0, 0]
  const started: number[] = []
  const send = (lane: number) => async () => {
    started.push(lane)
    await new Promise((resolve) => setImmediate(resolve))
    done[lane] = (done[lane] as number) + 1
  }
  const lanes = done.map(() => slots.lane())
  const all: Promise<void>[] = []
  for (const [lane, count] of [1000, 50, 50, 50].entries()) {
    for (let index = 0; index < count; index++) all.push((lanes[lane] as (typeof lanes)[number]).run(send(lane)))
  }
  await Promise.all(all)
  assert.deepEqual(done, [1000, 50, 50, 50])
  const early = started.slice(0, 200)
  for (const lane of [1, 2, 3]) assert.ok(early.filter((other) => other === lane).length >= 45, `drive ${lane}`)
})
