// What we create is opened by the readers that others wrote. Limits of theirs, not ours: libbde 20190102 has no
// AES-XTS-256, whoever made the volume; cryptsetup 2.6 does not check the seal.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type BitlockerMethod, BitlockerVolume, createBitlocker } from '../../src/addon/bitlocker.js'
import { Device } from '../../src/addon/device.js'
import { ntfsBootSector } from './ntfs-boot-sector.js'

const place = { offsetBytes: 0, sizeBytes: 64 << 20 }
const regions = {
  metadata: [0x2100000, 0x2c00000, 0x3700000] as [number, number, number],
  header: 0x2110000,
  extra: 0x2112000,
}
const dumpCiphers: Record<BitlockerMethod, RegExp> = {
  'xts-128': /xts-plain64[\s\S]*256 bits/,
  'xts-256': /xts-plain64[\s\S]*512 bits/,
  'cbc-128': /cbc-eboiv[\s\S]*128 bits/,
  'cbc-256': /cbc-eboiv[\s\S]*256 bits/,
}
const bdeMethods: Partial<Record<BitlockerMethod, RegExp>> = {
  'xts-128': /AES-XTS 128-bit/,
  'cbc-128': /AES-CBC 128-bit/,
  'cbc-256': /AES-CBC 256-bit/,
}

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diskferry-readers-'))
})
after(() => rm(folder, { recursive: true, force: true }))

interface Made {
  path: string
  password: string
  sha256: string
}

/** A volume full of data, by method and sector size; made once. */
const made = new Map<string, Promise<Made>>()
function madeOf(method: BitlockerMethod, sectorBytes: 512 | 4096): Promise<Made> {
  const name = `${method}-${sectorBytes}.img`
  const known = made.get(name) ?? make(join(folder, name), method, sectorBytes)
  made.set(name, known)
  return known
}

async function make(path: string, method: BitlockerMethod, sectorBytes: 512 | 4096): Promise<Made> {
  await writeFile(path, '')
  await truncate(path, place.sizeBytes)
  const created = await createBitlocker({
    volumeBytes: place.sizeBytes,
    sectorBytes,
    method,
    regions,
    description: 'HOST DATA 1/2/2025',
  })
  const password = created.recoveryPassword.toString('ascii')
  const device = await Device.open(path, { access: 'write', logicalSectorBytes: sectorBytes })
  const secret = { kind: 'recovery-password', password } as const
  const volume = await BitlockerVolume.attach(device, place, created.metadata, secret)
  const data = Buffer.alloc(place.sizeBytes, randomBytes(1 << 20))
  const boot = ntfsBootSector({ ...place, sectorBytes })
  boot.copy(data)
  boot.copy(data, data.length - sectorBytes)
  await volume.write(0, data)
  await volume.commit(created.metadata)
  const view = await volume.read(0, place.sizeBytes)
  volume.close()
  await device.close()
  return { path, password, sha256: createHash('sha256').update(view).digest('hex') }
}

/** Its output; undefined when it is not installed. */
function run(command: string, args: string[], input = ''): { status: number | null; text: string } | undefined {
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, encoding: 'utf8' })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return undefined
  return { status, text: `${stdout}${stderr}` }
}

for (const sectorBytes of [512, 4096] as const) {
  for (const method of ['xts-128', 'xts-256', 'cbc-128', 'cbc-256'] as const) {
    describe(`a new volume, ${method}, sectors of ${sectorBytes} bytes`, () => {
      it('opens in cryptsetup with its recovery password, and with no other', async (t) => {
        const { path, password } = await madeOf(method, sectorBytes)
        const dump = run('cryptsetup', ['bitlkDump', path])
        if (dump === undefined) return t.skip('cryptsetup is not installed')
        assert.equal(dump.status, 0, dump.text)
        assert.match(dump.text, dumpCiphers[method])
        assert.match(dump.text, new RegExp(`Sector size: \\s*${sectorBytes} `))
        const open = (key: string) => run('cryptsetup', ['open', '--type', 'bitlk', '--test-passphrase', path], key)
        const opened = open(password)
        assert.equal(opened?.status, 0, opened?.text)
        const other = '235818-357951-253979-013365-241120-245575-342914-591910'
        if (method === 'xts-128') assert.notEqual(open(other)?.status, 0)
      })

      it('opens in libbde', async (t) => {
        const expected = bdeMethods[method]
        if (expected === undefined) return t.skip('libbde cannot open AES-XTS-256, not that of Windows either')
        const { path, password } = await madeOf(method, sectorBytes)
        const info = run('bdeinfo', ['-r', password, path])
        if (info === undefined) return t.skip('bdeinfo is not installed')
        assert.equal(info.status, 0, info.text)
        assert.match(info.text, expected)
        assert.doesNotMatch(info.text, /locked/)
      })

      it('has the same content in dislocker, byte for byte', async (t) => {
        const { path, password, sha256 } = await madeOf(method, sectorBytes)
        const out = `${path}.plain`
        const decrypted = run('dislocker-file', ['-r', '-V', path, `-p${password}`, '--', out])
        if (decrypted === undefined) return t.skip('dislocker-file is not installed')
        assert.equal(decrypted.status, 0, decrypted.text)
        const plain = await readFile(out)
        await rm(out)
        assert.equal(plain.length, place.sizeBytes)
        assert.equal(createHash('sha256').update(plain).digest('hex'), sha256)
      })
    })
  }
}
