import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseByteSize, parseDriveSpec } from '../../src/formats/drive-spec.js'

const sizes: readonly (readonly [string, number | undefined])[] = [
  ['512', 512],
  ['2G', 2 * 1024 ** 3],
  ['2g', 2 * 1024 ** 3],
  ['2GiB', 2 * 1024 ** 3],
  ['500GB', 500e9],
  ['1.5T', 1.5 * 1024 ** 4],
  ['12T', 12 * 1024 ** 4],
  ['64 MiB', 64 * 1024 ** 2],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ['9007199254740992', undefined],
  ['99999999T', undefined],
  ['', undefined],
  ['G', undefined],
  ['-1G', undefined],
  ['1e9', undefined],
  ['0x10', undefined],
  ['1P', undefined],
  ['toString', undefined],
  ['1constructor', undefined],
]

for (const [text, bytes] of sizes) {
  test(`the size ${JSON.stringify(text)} is ${bytes ?? 'none'}`, () => assert.equal(parseByteSize(text), bytes))
}

const specs = [
  ['/dev/sdb', { path: '/dev/sdb' }],
  ['disk1.img', { path: 'disk1.img' }],
  ['disk1.img:2G', { path: 'disk1.img', sizeBytes: 2 * 1024 ** 3 }],
  ['./a:b.img:64M', { path: './a:b.img', sizeBytes: 64 * 1024 ** 2 }],
  ['disk1.img:2G,serial=WX 12-34', { path: 'disk1.img', sizeBytes: 2 * 1024 ** 3, serial: 'WX12-34' }],
  ['disk1.img:2G,sector=4096', { path: 'disk1.img', sizeBytes: 2 * 1024 ** 3, sectorBytes: 4096 }],
  ['/dev/sdb,serial=9WM35C2V', { path: '/dev/sdb', serial: '9WM35C2V' }],
  ['/dev/disk/by-path/pci-0000:00:1f.2-ata-1', { path: '/dev/disk/by-path/pci-0000:00:1f.2-ata-1' }],
  ['/dev/shm/disk.img:64M', { path: '/dev/shm/disk.img', sizeBytes: 64 * 1024 ** 2 }],
] as const

for (const [text, spec] of specs) {
  test(`the drive ${text} is understood`, () => assert.deepEqual(parseDriveSpec(text), spec))
}

const invalid = [
  ['', /path of the device or image file is missing/],
  [':2G', /path of the device or image file is missing/],
  ['G', /no drive letters/],
  ['G:', /no drive letters/],
  ['G:\\', /no drive letters/],
  ['disk1.img:big', /"big" is no size/],
  ['/dev/sdb:2G', /a device has the size it has/],
  ['disk1.img,size=2G', /"size=2G" is neither serial=SERIAL nor sector=512 or 4096/],
  ['disk1.img,sector=1024', /sector/],
  ['disk1.img,serial=', /1 to 64/],
  ['disk1.img,serial=../x', /1 to 64/],
  ['disk1.img,serial=.x', /1 to 64/],
  ['disk1.img,serial=A,serial=B', /twice/],
] as const

for (const [text, message] of invalid) {
  test(`the drive ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseDriveSpec(text), { code: 'DRIVE_SPEC_INVALID', message })
  })
}
