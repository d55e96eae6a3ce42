// Volumes that Windows made, Vista to 11, published as test data by cryptsetup (bitlk-*, with the SHA-256 of the whole
// decrypted device) and dissect.fve (fve-*). They are not part of the project: the tests skip where the folder
// `shared/fixtures/bitlocker` is not beside it. The publishers blanked the data area, with it the backup boot sector.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  type BitlockerReport,
  BitlockerVolume,
  checkBitlocker,
  createBitlocker,
  type Secret,
} from '../../src/addon/bitlocker.js'
import { Device } from '../../src/addon/device.js'
import { TransferError } from '../../src/errors.js'

const fixtures = fileURLToPath(new URL('../../../shared/fixtures/bitlocker/', import.meta.url))
const skip = !existsSync(fixtures) && 'the Windows volumes (shared/fixtures/bitlocker) are not beside the project'

interface KnownImage {
  volumeGuid: string
  passphrase: string
  recoveryPassword: string
  secondRecoveryPassword?: string
  decryptedSha256: string
}
const known: Record<string, KnownImage> = skip ? {} : JSON.parse(readFileSync(join(fixtures, 'images.json'), 'utf8'))

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diskferry-windows-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function withImage(name: string, use: (device: Device, path: string) => Promise<void>): Promise<void> {
  const path = join(folder, name)
  const [command, packed] = name.startsWith('bitlk-') ? ['xz', `${name}.img.xz`] : ['gzip', `${name}.bin.gz`]
  const file = await open(path, 'w')
  const unpacked = spawnSync(command, ['--decompress', '--stdout', join(fixtures, packed)], {
    stdio: ['ignore', file.fd, 'pipe'],
    encoding: 'utf8',
  })
  await file.close()
  assert.equal(unpacked.status, 0, `${command}: ${unpacked.stderr}`)
  const device = await Device.open(path, { access: 'read' })
  try {
    await use(device, path)
  } finally {
    await device.close()
    await rm(path)
  }
}

const wholeOf = (device: Device) => ({ offsetBytes: 0, sizeBytes: device.sizeBytes })
const codesOf = (report: BitlockerReport) => [...new Set(report.findings.map(({ code }) => code))].sort()
const byPassword = (password: string): Secret => ({ kind: 'recovery-password', password })

async function sha256Of(volume: BitlockerVolume): Promise<string> {
  const hash = createHash('sha256')
  const pieceBytes = 8 << 20
  for (let offset = 0; offset < volume.sizeBytes; offset += pieceBytes) {
    hash.update(await volume.read(offset, Math.min(pieceBytes, volume.sizeBytes - offset)))
  }
  return hash.digest('hex')
}

/** Opens it with each secret; the content is the published one. */
async function assertOpens(device: Device, secrets: Secret[], decryptedSha256: string): Promise<void> {
  for (const [index, secret] of secrets.entries()) {
    const volume = await BitlockerVolume.unlock(device, wholeOf(device), secret)
    if (index === 0) assert.equal(await sha256Of(volume), decryptedSha256)
    else assert.notEqual((await volume.read(0, volume.sectorBytes))[0], 0)
    volume.close()
  }
}

function rejectsWith(code: string, pattern: RegExp) {
  return (error: unknown) => error instanceof TransferError && error.code === code && pattern.test(error.message)
}

interface Expected {
  name: string
  method: string
  sectorBytes?: number
  /** Findings without a key, by code. */
  codes?: string[]
  /** Findings with it. */
  keyCodes?: string[]
}
const blanked = 'BITLOCKER_BACKUP_BOOT'
const opening: Expected[] = [
  { name: 'bitlk-aes-xts-128', method: 'xts-128' },
  { name: 'bitlk-aes-xts-256', method: 'xts-256' },
  { name: 'bitlk-aes-cbc-128', method: 'cbc-128' },
  { name: 'bitlk-aes-xts-128-4k', method: 'xts-128', sectorBytes: 4096 },
  { name: 'bitlk-aes-xts-128-new-entry', method: 'xts-128' },
  { name: 'bitlk-aes-xts-128-startup-key', method: 'xts-128' },
  { name: 'bitlk-aes-xts-128-two-recovery', method: 'xts-128' },
  { name: 'bitlk-aes-cbc-elephant-128', method: 'cbc-128-diffuser', codes: ['BITLOCKER_METHOD_OLD'] },
  { name: 'bitlk-togo-aes-xts-128', method: 'xts-128', codes: ['BITLOCKER_TO_GO'], keyCodes: ['BITLOCKER_TO_GO'] },
  { name: 'bitlk-aes-xts-128-crc', method: 'xts-128', codes: ['BITLOCKER_COPY_DAMAGED'] },
]

describe('volumes made by Windows', { skip }, () => {
  for (const { name, method, sectorBytes = 512, codes = [], keyCodes = [...codes, blanked].sort() } of opening) {
    it(`${name} is reported as what it is, opens, and has the published content`, async () => {
      const image = known[name] as KnownImage
      await withImage(name, async (device) => {
        const bare = await checkBitlocker(device, wholeOf(device))
        assert.deepEqual(codesOf(bare), codes, JSON.stringify(bare.findings, null, 1))
        assert.equal(bare.info?.method, method)
        assert.equal(bare.info?.sectorBytes, sectorBytes)
        assert.equal(bare.info?.volumeGuid, image.volumeGuid)
        const secrets = [image.recoveryPassword, image.secondRecoveryPassword]
          .filter((password) => password !== undefined)
          .map(byPassword)
        if (image.passphrase !== '') secrets.push({ kind: 'passphrase', passphrase: image.passphrase })
        const report = await checkBitlocker(device, wholeOf(device), secrets[0])
        assert.deepEqual(codesOf(report), keyCodes, JSON.stringify(report.findings, null, 1))
        assert.ok(report.volume)
        report.volume.close()
        await assertOpens(device, secrets, image.decryptedSha256)
      })
    })
  }

  it('with two damaged copies are reported with both, and open by the third', async () => {
    await withImage('bitlk-aes-xts-128-crc', async (device) => {
      const { findings } = await checkBitlocker(device, wholeOf(device))
      assert.deepEqual(
        findings.map(({ structure, severity }) => [structure, severity]),
        [
          ['metadata copy 1', 'damage'],
          ['metadata copy 2', 'damage'],
        ],
      )
    })
  })

  it('that are suspended open without a secret and are reported as not protected', async () => {
    const name = 'bitlk-aes-xts-128-clearkey-only'
    await withImage(name, async (device) => {
      const report = await checkBitlocker(device, wholeOf(device), { kind: 'clear-key' })
      assert.deepEqual(codesOf(report), [blanked, 'BITLOCKER_NOT_PROTECTED', 'BITLOCKER_NO_RECOVERY_PASSWORD'].sort())
      await assertOpens(device, [{ kind: 'clear-key' }], (known[name] as KnownImage).decryptedSha256)
      const password = byPassword('235818-357951-253979-013365-241120-245575-342914-591910')
      await assert.rejects(
        BitlockerVolume.unlock(device, wholeOf(device), password),
        rejectsWith('KEY_NOT_APPLICABLE', /has: clear-key/),
      )
    })
    await withImage('fve-suspended', async (device) => {
      const report = await checkBitlocker(device, wholeOf(device))
      assert.ok(codesOf(report).includes('BITLOCKER_NOT_PROTECTED'))
      ;(await BitlockerVolume.unlock(device, wholeOf(device), { kind: 'clear-key' })).close()
    })
  })

  it('that are still being encrypted are refused, and Windows is asked to finish', async () => {
    const name = 'bitlk-partially-encrypted-aes-cbc-128'
    await withImage(name, async (device) => {
      const secret = byPassword((known[name] as KnownImage).recoveryPassword)
      const report = await checkBitlocker(device, wholeOf(device), secret)
      assert.equal(report.info?.kind, 'encrypt-on-write')
      assert.equal(report.info?.state, 'converting')
      assert.equal(report.volume, undefined)
      assert.deepEqual(codesOf(report), ['BITLOCKER_CONVERTING', 'BITLOCKER_NOT_PROTECTED'])
      await assert.rejects(
        BitlockerVolume.unlock(device, wholeOf(device), secret),
        rejectsWith('VOLUME_CONVERTING', /let Windows finish/),
      )
    })
  })

  it('that are decrypted are said to be not encrypted at all', async () => {
    await withImage('fve-decrypted', async (device) => {
      const report = await checkBitlocker(device, wholeOf(device))
      assert.equal(report.info?.state, 'decrypted')
      assert.ok(codesOf(report).includes('BITLOCKER_DECRYPTED'))
      await assert.rejects(
        BitlockerVolume.unlock(device, wholeOf(device), { kind: 'clear-key' }),
        rejectsWith('VOLUME_NOT_BITLOCKER', /decrypted: not encrypted at all/),
      )
    })
  })

  it('with Vista are unsupported', async () => {
    await withImage('fve-vista', async (device) => {
      assert.deepEqual(codesOf(await checkBitlocker(device, wholeOf(device))), ['BITLOCKER_VISTA'])
      await assert.rejects(
        BitlockerVolume.unlock(device, wholeOf(device), { kind: 'clear-key' }),
        rejectsWith('VOLUME_UNSUPPORTED', /Vista/),
      )
    })
  })
})

/** Every entry of a metadata copy as one line: nesting, role, type, version, size and key type. */
function shapeOf(copy: Buffer): string[] {
  const lines: string[] = []
  const nestedAt = new Map([
    [3, 20],
    [8, 28],
  ])
  const walk = (start: number, end: number, depth: number) => {
    for (let at = start; at < end; at += copy.readUInt16LE(at)) {
      const [size, role, type, version] = [0, 2, 4, 6].map((field) => copy.readUInt16LE(at + field))
      const keyType = type === 1 || type === 3 ? ` key ${copy.readUInt16LE(at + 8)}` : ''
      const protection = type === 8 ? ` protection ${copy.readUInt16LE(at + 8 + 26)}` : ''
      lines.push(`${'>'.repeat(depth)} role ${role} type ${type} v${version} size ${size}${keyType}${protection}`)
      const nested = nestedAt.get(type as number)
      if (nested !== undefined) walk(at + 8 + nested, at + (size as number), depth + 1)
    }
  }
  walk(112, 64 + copy.readUInt32LE(64), 0)
  return lines
}

describe('the metadata of our volumes', { skip }, () => {
  it('has the entries of a Windows volume, kind by kind, and its frame', async () => {
    await withImage('fve-recovery_password', async (device, path) => {
      const password = byPassword('284867-596541-514998-422114-660297-261613-215424-199408')
      for (const secret of [password, { kind: 'passphrase', passphrase: 'password12!@' } as const]) {
        ;(await BitlockerVolume.unlock(device, wholeOf(device), secret)).close()
      }
      const image = await readFile(path)
      const windows = image.subarray(0x21f0000, 0x21f0000 + 65536)
      const options = {
        volumeBytes: 0x3ef0000,
        sectorBytes: 512,
        method: 'xts-128',
        regions: { metadata: [0x21f0000, 0x2946000, 0x309b000], header: 0x2200000, extra: 0x2202000 },
        description: 'DESKTOP-QNI1MMF TestVolume 10/8/2021',
      } as const
      const make = async (passphrase?: string) =>
        (
          await createBitlocker({
            ...options,
            regions: { ...options.regions, metadata: [...options.regions.metadata] },
            ...(passphrase === undefined ? {} : { passphrase }),
          })
        ).metadata
      const both = await make('password12!@')
      assert.deepEqual(shapeOf(both), shapeOf(windows))
      // Without the passphrase protector: its line and the three below it.
      const lines = shapeOf(windows)
      const passphraseAt = lines.findIndex((line) => line.includes('protection 8192'))
      lines.splice(passphraseAt, 4)
      assert.deepEqual(shapeOf(await make()), lines)
      // Block header, dataset header up to the GUID, description, relocation but for the build of Windows.
      assert.deepEqual(both.subarray(0, 80), windows.subarray(0, 80))
      assert.deepEqual(both.subarray(112, 112 + 82), windows.subarray(112, 112 + 82))
      const relocationAt = 64 + windows.readUInt32LE(64) - 100
      const withoutBuild = (copy: Buffer) => {
        const entry = Buffer.from(copy.subarray(relocationAt, relocationAt + 100))
        entry.writeUInt32LE(0, 8 + 16 + 44)
        return entry
      }
      assert.deepEqual(withoutBuild(both), withoutBuild(windows))
      // Lengths and versions of the validation, and of its seal.
      const informationBytes = 16 * windows.readUInt16LE(8)
      for (const [start, end] of [
        [0, 4],
        [8, 16],
        [88, 65536 - informationBytes],
      ] as const) {
        const part = (copy: Buffer) => copy.subarray(informationBytes + start, informationBytes + end)
        assert.ok(part(both).equals(part(windows)), `validation ${start} to ${end}`)
      }
    })
  })
})
