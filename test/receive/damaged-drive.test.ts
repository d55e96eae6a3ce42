// A drive whose sectors are not what was written: what is left of it arrives, what is not is said, and nothing arrives wrong.

import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { checkBitlocker } from '../../src/addon/bitlocker.js'
import { Device } from '../../src/addon/device.js'
import { receiveExitCode } from '../../src/cli/receive-exit-code.js'
import { findVolume } from '../../src/drives/open-drive.js'
import { openDrive } from '../../src/index.js'
import { FileIndex } from '../../src/plan/file-index.js'
import { incompleteMark, metadataValue } from '../../src/receive/put-pages.js'
import type { ReceiveResult } from '../../src/receive/receive-drives.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { hashesBelow, temporaryFolder } from '../prepare/made-tree.js'
import { hashesInStore, type MadeDrives, makeMixedDrive, receive } from './made-import.js'

const folder = temporaryFolder('receive-damaged-drive')
let made: MadeDrives
let image = ''
let run = 0

before(async () => {
  made = await makeMixedDrive(folder)
  image = made.drives[0]?.path as string
})

const newState = () => join(folder, `import-${++run}`)

describe('a damaged drive', { timeout: 300_000 }, () => {
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
    assert.match(String([...result.errors.values()][0]?.code), codes)
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

  /** Where the last extent of a file begins on the drive. */
  async function contentOffset(name: string): Promise<number> {
    const [drive] = made.drives
    assert.ok(drive !== undefined)
    const opened = await openDrive(image, drive.secret)
    const tree = await opened.ntfs.readTree()
    const file = new FileIndex(tree).find(`archive/in/${name}`.replaceAll('/', '\\')) as number
    const offset = tree.extents.offsetBytes[(tree.extents.firstExtent[file + 1] as number) - 1] as number
    await opened.close()
    return opened.place.offsetBytes + offset
  }

  /** Receives what is damaged. Whatever arrived is right, or a page blob that says it is not complete. */
  async function receiveDamaged(at: string): Promise<{ result: ReceiveResult; names: string[]; incomplete: string[] }> {
    const store = new MemoryStore()
    const result = await receive(made, store, { statePath: newState() })
    const expected = hashesBelow(made.source)
    const arrived = await hashesInStore(store)
    const incomplete: string[] = []
    for (const [name, hash] of arrived) {
      const facts = await store.head({ container: 'archive', name: `in/${name}` })
      const isMarked = metadataValue(facts?.properties ?? {}, incompleteMark) !== undefined
      if (isMarked) incomplete.push(name)
      else assert.equal(hash, expected.get(name), `${name} with damage ${at}`)
    }
    const isWhole = arrived.size === expected.size && incomplete.length === 0
    assert.equal(receiveExitCode(result) === 0, isWhole, `exit code ${receiveExitCode(result)} with damage ${at}`)
    return { result, names: [...arrived.keys()], incomplete }
  }

  for (const [kind, name] of [
    ['a small blob', 'small/7'],
    ['a large blob', 'large/2'],
    ['a page blob', 'disk.vhd'],
  ] as const) {
    it(`costs ${kind} that is damaged, and no other`, async () => {
      await withDamage(await contentOffset(name), async () => {
        const { result, names, incomplete } = await receiveDamaged(`in ${name}`)
        assert.equal(result.report.drives[0]?.blobs.failed, 1)
        assert.deepEqual(incomplete, kind === 'a page blob' ? [name] : [])
        assert.equal(names.includes(name), kind === 'a page blob')
        assert.equal(names.length, hashesBelow(made.source).size - (kind === 'a page blob' ? 0 : 1))
      })
    })
  }

  it('is never imported wrong, wherever the damage lies', async () => {
    const sizeBytes = statSync(image).size
    const places = 12
    for (let index = 0; index < places; index++) {
      const at = Math.floor(sizeBytes * (0.05 + (0.9 * (index + 0.5)) / places))
      await withDamage(at, async () => void (await receiveDamaged(`at ${at}`)))
    }
  })
})
