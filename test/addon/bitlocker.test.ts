import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  BitlockerVolume,
  checkBitlocker,
  checkRecoveryPassword,
  createBitlocker,
  eraseVolumeStart,
  type RegionOffsets,
  type Secret,
} from '../../src/addon/bitlocker.js'
import { Device } from '../../src/addon/device.js'
import { TransferError } from '../../src/errors.js'
import { ntfsBootSector } from './ntfs-boot-sector.js'

const megabyte = 1 << 20
const place = { offsetBytes: megabyte, sizeBytes: 64 * megabyte }
const regions: RegionOffsets = {
  metadata: [0x2100000, 0x2c00000, 0x3700000],
  header: 0x2110000,
  extra: 0x2112000,
}
const options = {
  volumeBytes: place.sizeBytes,
  sectorBytes: 512,
  method: 'xts-128',
  regions,
  description: 'HOST DATA 1/2/2025',
} as const

let folder = ''
let created: Awaited<ReturnType<typeof createBitlocker>>
let secret: Secret

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diskferry-bitlocker-'))
  created = await createBitlocker({ ...options, passphrase: 'grüß Gott' })
  secret = { kind: 'recovery-password', password: created.recoveryPassword.toString('ascii') }
})
after(() => rm(folder, { recursive: true, force: true }))

async function imageOf(name: string): Promise<Device> {
  const path = join(folder, name)
  await writeFile(path, '')
  await truncate(path, 66 * megabyte)
  return Device.open(path, { access: 'write' })
}

function isError(code: string, pattern = /./) {
  return (error: unknown) => error instanceof TransferError && error.code === code && pattern.test(error.message)
}

async function committed(name: string): Promise<Device> {
  const device = await imageOf(name)
  const volume = await BitlockerVolume.attach(device, place, created.metadata, secret)
  const boot = ntfsBootSector({ ...place, sectorBytes: 512 })
  await volume.write(0, boot)
  await volume.write(place.sizeBytes - 512, boot)
  await volume.commit(created.metadata)
  volume.close()
  return device
}

describe('a new BitLocker volume', () => {
  it('gives back what was written, decrypted, once it is committed and unlocked again', async () => {
    const device = await imageOf('round-trip.img')
    const attached = await BitlockerVolume.attach(device, place, created.metadata, secret)
    assert.equal(attached.sizeBytes, place.sizeBytes)
    assert.equal(attached.sectorBytes, 512)
    const data = randomBytes(3 * megabyte)
    await attached.write(0, ntfsBootSector({ ...place, sectorBytes: 512 }))
    await attached.write(5 * megabyte + 512, data)
    await attached.flush()
    await assert.rejects(BitlockerVolume.unlock(device, place, secret), isError('VOLUME_NOT_BITLOCKER'))
    await attached.commit(created.metadata)
    attached.close()

    for (const key of [secret, { kind: 'passphrase', passphrase: 'grüß Gott' } as const]) {
      const volume = await BitlockerVolume.unlock(device, place, key)
      assert.ok(data.equals(await volume.read(5 * megabyte + 512, data.length)))
      volume.close()
    }
    const stored = await device.read(place.offsetBytes + 5 * megabyte + 512, 4096)
    assert.ok(!stored.equals(data.subarray(0, 4096)))
    await device.close()
  })

  it('is sound, and its report says what it is', async () => {
    const device = await committed('sound.img')
    const report = await checkBitlocker(device, place, secret)
    assert.deepEqual(report.findings, [])
    assert.ok(report.volume, 'the volume is handed out open')
    assert.equal((await report.volume.read(0, 512)).toString('latin1', 3, 7), 'NTFS')
    report.volume.close()
    const info = report.info
    assert.ok(info)
    assert.deepEqual(
      [info.kind, info.state, info.method, info.sectorBytes, info.encryptedBytes, info.description],
      ['fixed', 'encrypted', 'xts-128', 512, place.sizeBytes, options.description],
    )
    assert.deepEqual(info.regions, regions)
    assert.deepEqual(
      info.protectors.map(({ kind }) => kind),
      ['recovery-password', 'passphrase'],
    )
    assert.ok(info.created && Math.abs(info.created.getTime() - Date.now()) < 300_000)
    await device.close()
  })

  it('is reported with the copy and the offset when a byte of it changed', async () => {
    await (await committed('flipped.img')).close()
    const path = join(folder, 'flipped.img')
    const file = await open(path, 'r+')
    const at = place.offsetBytes + 0x2c00000 + 300
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at)
    await file.write(Buffer.of((buffer[0] as number) ^ 1), 0, 1, at)
    await file.close()
    const device = await Device.open(path, { access: 'read' })
    const { findings, volume } = await checkBitlocker(device, place)
    assert.equal(volume, undefined)
    assert.deepEqual(
      findings.map(({ code, severity, structure }) => [code, severity, structure]),
      [['BITLOCKER_COPY_DAMAGED', 'damage', 'metadata copy 2']],
    )
    assert.match(findings[0]?.message ?? '', /first at offset 0x12c \(information\)/)
    ;(await BitlockerVolume.unlock(device, place, secret)).close()
    await device.close()
  })

  it('is gone after its start was erased', async () => {
    const device = await committed('erased.img')
    await eraseVolumeStart(device, place, regions)
    await assert.rejects(BitlockerVolume.unlock(device, place, secret), isError('VOLUME_NOT_BITLOCKER'))
    const { findings, info } = await checkBitlocker(device, place, secret)
    assert.equal(info, null)
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['BITLOCKER_NONE'],
    )
    await device.close()
  })

  it('does not open with a wrong, mistyped or inapplicable secret', async () => {
    const device = await committed('locked.img')
    const other = '235818-357951-253979-013365-241120-245575-342914-591910'
    const cases: [Secret, string, RegExp][] = [
      [{ kind: 'recovery-password', password: other }, 'KEY_WRONG', /recovery-password/],
      [{ kind: 'recovery-password', password: other.replace('253979', '253978') }, 'KEY_MISTYPED', /group 3 of 8/],
      [{ kind: 'passphrase', passphrase: 'gruss Gott' }, 'KEY_WRONG', /passphrase/],
      [{ kind: 'clear-key' }, 'KEY_NOT_APPLICABLE', /recovery-password, passphrase/],
      [{ kind: 'startup-key', file: Buffer.from('?') }, 'KEY_MISTYPED', /startup key file/],
    ]
    for (const [wrong, code, pattern] of cases) {
      await assert.rejects(BitlockerVolume.unlock(device, place, wrong), isError(code, pattern))
    }
    await assert.rejects(checkBitlocker(device, place, cases[0]?.[0]), isError('KEY_WRONG'))
    await device.close()
  })

  it('refuses ranges that are not whole sectors of it, and calls after it was closed', async () => {
    const device = await imageOf('ranges.img')
    const volume = await BitlockerVolume.attach(device, place, created.metadata, secret)
    await assert.rejects(volume.read(1, 512), isError('DEVICE_RANGE'))
    await assert.rejects(volume.write(place.sizeBytes, Buffer.alloc(512)), isError('DEVICE_RANGE'))
    await assert.rejects(volume.commit(created.metadata), isError('NTFS_DAMAGED'))
    const reading = volume.read(0, 8 * megabyte)
    volume.close()
    volume.close()
    assert.equal((await reading).length, 8 * megabyte)
    await assert.rejects(volume.read(0, 512), TypeError)
    await device.close()
  })

  it('does not attach to a place of another size, or to one that leaves the device', async () => {
    const device = await imageOf('places.img')
    const attach = (offsetBytes: number, sizeBytes: number) =>
      BitlockerVolume.attach(device, { offsetBytes, sizeBytes }, created.metadata, secret)
    await assert.rejects(attach(megabyte, 63 * megabyte), isError('VOLUME_DAMAGED', /66060288/))
    await assert.rejects(attach(3 * megabyte, 64 * megabyte), isError('DEVICE_RANGE'))
    await device.close()
  })
})

describe('the arguments', () => {
  it('that make no volume are refused', async () => {
    const overlapping = { ...regions, header: regions.metadata[0] }
    await assert.rejects(createBitlocker({ ...options, regions: overlapping }), isError('DEVICE_RANGE', /overlaps/))
    await assert.rejects(createBitlocker({ ...options, method: 'xts-512' as 'xts-128' }), TypeError)
    await assert.rejects(createBitlocker({ ...options, passphrase: '' }), TypeError)
    await assert.rejects(createBitlocker({ ...options, volumeBytes: -1 }), RangeError)
  })

  it('of a recovery password are checked for their arithmetic, naming the group', () => {
    checkRecoveryPassword('235818-357951-253979-013365-241120-245575-342914-591910')
    checkRecoveryPassword('235818 357951 253979 013365 241120 245575 342914 591910')
    assert.throws(
      () => checkRecoveryPassword('235818-357951-253979-013365-241120-245575-342914-591911'),
      isError('KEY_MISTYPED', /group 8 of 8 is mistyped \(not divisible by 11\)/),
    )
    assert.throws(() => checkRecoveryPassword('x'), isError('KEY_MISTYPED', /8 groups/))
  })
})

describe('docs/bitlocker-format.md', () => {
  it('has a row for each code that a check can give, and no other', async () => {
    const core = new URL('../../native/bitlocker/', import.meta.url)
    const codes = new Set<string>()
    for (const name of await readdir(core)) {
      for (const [code] of (await readFile(new URL(name, core), 'utf8')).matchAll(/(?<=")BITLOCKER_[A-Z_]+(?=")/g)) {
        if (name.endsWith('.cc')) codes.add(code)
      }
    }
    const page = await readFile(new URL('../../docs/bitlocker-format.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| `(BITLOCKER_[A-Z_]+)` \|/gm)].map((match) => match[1])
    assert.deepEqual(rows.sort(), [...codes].sort())
  })
})
