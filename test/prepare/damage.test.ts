// Any flipped byte is found and named: in file data, in the manifest, in NTFS's metadata, in BitLocker's, in the partition
// table. One drive is prepared; each case flips bytes in a copy-on-nothing way: flip, verify, flip back.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { inspectDrive, openDrive, readSessionKey, type Secret, verifyDrive } from '../../src/index.js'
import { prepare, requestFor } from './made-drive.js'
import { contentOf, temporaryFolder, writeTree } from './made-tree.js'

const volumeOffsetBytes = 17 * 1024 * 1024
const folder = temporaryFolder('damage')
const image = join(folder, 'drive.img')
const journal = join(folder, 'damage.jrn')
let file: FileHandle
let secret: Secret
let expected: Awaited<ReturnType<typeof readSessionKey>>['expected']
/** Structure name, volume offset and length of what the metadata writer wrote. */
let ranges: [offset: number, length: number, md5: string, structure: string][]
/** For each file where a byte of it lies on the volume: a large one may lie around BitLocker's regions. */
const extents = new Map<string, { offsetOf: (at: number) => number; size: number }>()

before(async () => {
  const files: Record<string, Buffer> = { 'large.bin': contentOf(1, 9_000_000), 'small.txt': Buffer.from('small') }
  for (let index = 0; index < 100; index++) files[`many/${index}.bin`] = contentOf(index, index * 200)
  writeTree(join(folder, 'source'), files)
  const result = await prepare(requestFor(join(folder, 'source'), [`${image}:160M`]), { journalPath: journal })
  ;({ secret, expected } = await readSessionKey(journal, image))
  const driveId = result.drives[0]?.driveId as string
  const text = readFileSync(join(`${journal}.d`, driveId, 'metadata'), 'utf8')
  ranges = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const drive = await openDrive(image, secret)
  const tree = await drive.ntfs.readTree()
  const { filePath } = await import('../../src/index.js')
  for (let index = 0; index < tree.fileDirectory.length; index++) {
    const first = tree.extents.firstExtent[index] as number
    const offsetOf = (at: number) => {
      let extent = first
      let rest = at
      for (; rest >= (tree.extents.lengthBytes[extent] as number); extent++)
        rest -= tree.extents.lengthBytes[extent] as number
      return (tree.extents.offsetBytes[extent] as number) + rest
    }
    extents.set(filePath(tree, index), { offsetOf, size: tree.fileSizeBytes[index] as number })
  }
  await drive.close()
  file = await open(image, 'r+')
})

after(async () => {
  await file?.close()
})

/** Flips one bit at a byte of the image for the time of `work`. */
async function withFlip<T>(imageOffset: number, work: () => Promise<T>): Promise<T> {
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, imageOffset)
  const flipped = Buffer.from([(byte[0] as number) ^ 0x10])
  await file.write(flipped, 0, 1, imageOffset)
  try {
    return await work()
  } finally {
    await file.write(byte, 0, 1, imageOffset)
  }
}

test('the drive is sound before anything is flipped', async () => {
  const report = await verifyDrive(image, { secret, expected })
  assert.deepEqual(
    report.findings.filter((finding) => finding.severity === 'damage'),
    [],
  )
  assert.equal(report.files, 102)
})

const inFiles: [path: string, at: number, block: number][] = [
  ['archive/in/large.bin', 0, 0],
  ['archive/in/large.bin', 4_194_303, 0],
  ['archive/in/large.bin', 4_194_304, 1],
  ['archive/in/large.bin', 8_999_999, 2],
  ['archive/in/small.txt', 2, 0],
  ['archive/in/many/99.bin', 19_000, 0],
]
for (const [path, at, block] of inFiles) {
  test(`a flipped byte ${at} of ${path} is named with its block, ${block}`, async () => {
    const place = extents.get(path)
    assert.ok(place !== undefined)
    await withFlip(volumeOffsetBytes + place.offsetOf(at), async () => {
      const report = await verifyDrive(image, { secret, expected })
      const found = report.findings.find((finding) => finding.code === 'FILE_BLOCK')
      assert.match(found?.message ?? '', new RegExp(`block ${block} `))
      assert.equal(found?.structure, `\\${path.replaceAll('/', '\\')}`)
      assert.equal(report.sound, false)
    })
  })
}

test('a flipped byte of the manifest is found, wherever it is', async () => {
  const place = extents.get('DriveManifest.xml')
  assert.ok(place !== undefined)
  for (const at of [0, 100, Math.floor(place.size / 2), place.size - 5]) {
    await withFlip(volumeOffsetBytes + place.offsetOf(at), async () => {
      const outcome = await verifyDrive(image, { secret, expected }).catch((error) => error)
      if (outcome instanceof Error) assert.match(String((outcome as { code?: string }).code), /^MANIFEST_/)
      else assert.ok(outcome.findings.some((finding: { code: string }) => finding.code === 'MANIFEST_HASH'))
    })
  }
})

describe('NTFS metadata', () => {
  test('a flipped byte in any range that was written is named by verify, with the structure', async () => {
    let step = 7
    for (const [offset, length, , structure] of ranges) {
      step = (step * 1103515245 + 12345) >>> 0
      // The first 8 KiB of the volume live in the header block, which the next test is about.
      const at = offset === 0 ? 8192 + (step % Math.max(1, length - 8192)) : step % length
      if (offset + at >= offset + length) continue
      await withFlip(volumeOffsetBytes + offset + at, async () => {
        const outcome = await verifyDrive(image, { secret, expected }).catch((error) => error)
        if (outcome instanceof Error) {
          assert.match(
            (outcome as { code?: string }).code ?? '',
            /^(NTFS_|MANIFEST_)/,
            `${structure}: ${outcome.message}`,
          )
        } else
          assert.ok(
            outcome.findings.some((finding: { severity: string }) => finding.severity === 'damage'),
            structure,
          )
      })
    }
  })

  test('a flipped byte in any record of $MFT is found by inspect, without a journal', async () => {
    const records = ranges.filter(([, , , structure]) => structure.startsWith('$MFT rec'))
    assert.ok(records.length > 0, JSON.stringify(ranges.map((range) => range[3])))
    let step = 99
    for (const [offset, length] of records) {
      for (let record = 0; record < Math.min(120, length / 1024); record++) {
        step = (step * 1103515245 + 12345) >>> 0
        await withFlip(volumeOffsetBytes + offset + record * 1024 + (step % 1024), async () => {
          const report = await inspectDrive(image, secret).catch((error) => error)
          const damaged =
            report instanceof Error ? /^NTFS_/.test((report as { code?: string }).code ?? '') : !report.sound
          assert.ok(damaged, `record ${record}, byte ${step % 1024}`)
        })
      }
    }
  })
})

describe('BitLocker metadata', () => {
  test('a flipped byte of any copy is found by inspect without a key, and the copy is named', async () => {
    const boot = Buffer.alloc(512)
    await file.read(boot, 0, 512, volumeOffsetBytes)
    for (let copy = 0; copy < 3; copy++) {
      const offset = Number(boot.readBigUInt64LE(0xb0 + 8 * copy))
      for (const at of [0, 10, 70, 200, 500, 700, 5000, 65535]) {
        await withFlip(volumeOffsetBytes + offset + at, async () => {
          const report = await inspectDrive(image)
          const damage = report.findings.filter((finding) => finding.severity === 'damage')
          assert.ok(
            damage.some((finding) => finding.structure.includes(`copy ${copy + 1}`)),
            `copy ${copy + 1} byte ${at}: ${JSON.stringify(damage)}`,
          )
        })
      }
    }
  })

  test('one good copy is enough to open the drive', async () => {
    const boot = Buffer.alloc(512)
    await file.read(boot, 0, 512, volumeOffsetBytes)
    const [one, two] = [0, 1].map((copy) => Number(boot.readBigUInt64LE(0xb0 + 8 * copy)))
    await withFlip(volumeOffsetBytes + (one as number) + 100, () =>
      withFlip(volumeOffsetBytes + (two as number) + 100, async () => {
        const drive = await openDrive(image, secret)
        await drive.close()
      }),
    )
  })
})

test('a flipped byte of either partition table is found', async () => {
  const { size } = await file.stat()
  for (const at of [520, 1024 + 40, size - 500, size - 512 * 33 + 40]) {
    await withFlip(at, async () => {
      const report = await inspectDrive(image)
      assert.equal(report.sound, false, `byte ${at}`)
      assert.ok(report.findings.some((finding) => finding.code.startsWith('GPT_')))
    })
  }
})

describe('keys', () => {
  test('a mistyped recovery password names the group', async () => {
    const password = (secret as { password: string }).password
    const groups = password.split('-')
    groups[3] = String((Number(groups[3]) + 1) % 720896).padStart(6, '0')
    await assert.rejects(openDrive(image, { kind: 'recovery-password', password: groups.join('-') }), {
      code: 'KEY_MISTYPED',
      message: /group 4/i,
    })
  })

  test('a well-formed but wrong recovery password is refused', async () => {
    const password = '000011-000022-000033-000044-000055-000066-000077-000088'
    await assert.rejects(openDrive(image, { kind: 'recovery-password', password }), { code: 'KEY_WRONG' })
  })

  test('a passphrase is refused where the volume has none', async () => {
    await assert.rejects(openDrive(image, { kind: 'passphrase', passphrase: 'open sesame' }), {
      code: 'KEY_NOT_APPLICABLE',
    })
  })
})
