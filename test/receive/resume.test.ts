// Going on in awkward moments: the last requests of a run that was killed reach the account after the next run has looked, and
// blobs of several drives want the same name at once.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { TransferError } from '../../src/index.js'
import { incompleteMark } from '../../src/receive/put-pages.js'
import type { BlobPlace } from '../../src/storage/blob-store.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { contentOf, temporaryFolder } from '../prepare/made-tree.js'
import { assertArrived, hashesInStore, makeDrives, receive } from './made-import.js'

const mebibyte = 1 << 20
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest()

/** Answers truly that a blob is not there, and makes it right afterwards, as a request that was under way does. */
class LateService extends MemoryStore {
  isReachable = false
  late = new Map<string, (place: BlobPlace) => Promise<unknown>>()

  override async createContainer(container: string): Promise<boolean> {
    if (!this.isReachable) throw new TransferError('STORAGE_UNREACHABLE', 'There is no service.')
    return await super.createContainer(container)
  }

  override async head(place: BlobPlace) {
    const found = await super.head(place)
    const arrive = this.late.get(place.name)
    this.late.delete(place.name)
    if (found === undefined) await arrive?.(place)
    return found
  }
}

describe('requests of a killed run that arrive late', () => {
  it('are taken for what they are: no blob is there twice, none fails', async () => {
    const files = {
      'small.txt': contentOf(1, 1000),
      'empty.txt': Buffer.alloc(0),
      'large.bin': contentOf(2, 9 * mebibyte),
      'disk.vhd': contentOf(3, 6 * mebibyte),
    }
    const made = await makeDrives(temporaryFolder('receive-late'), files)
    const store = new LateService()
    const first = await receive(made, store)
    assert.equal([...first.errors.values()][0]?.code, 'STORAGE_UNREACHABLE')

    store.isReachable = true
    const whole = (name: 'small.txt' | 'empty.txt') => (place: BlobPlace) =>
      store.putBlob(place, files[name], md5(files[name]))
    store.late.set('in/small.txt', whole('small.txt'))
    store.late.set('in/empty.txt', whole('empty.txt'))
    store.late.set('in/large.bin', async (place) => {
      const ids: string[] = []
      for (let at = 0; at < files['large.bin'].length; at += 4 * mebibyte) {
        const block = files['large.bin'].subarray(at, at + 4 * mebibyte)
        ids.push(`MD5/${md5(block).toString('base64')}`)
        await store.putBlock(place, ids.at(-1) as string, block, md5(block))
      }
      await store.commitBlocks(place, ids)
    })
    // Blobs are numbered as they stand in the manifest, which sorts by folder and name.
    const number = ['disk.vhd', 'empty.txt', 'large.bin', 'small.txt'].indexOf('disk.vhd')
    store.late.set('in/disk.vhd', (place) =>
      store.createPageBlob(place, files['disk.vhd'].length, {
        properties: { metadata: [[incompleteMark, `DRIVE0/${number}`]] },
      }),
    )
    const { report, errors } = await receive(made, store, { mustResume: true })
    assert.deepEqual([...errors.values()], [])
    assert.equal(report.drives[0]?.status, 'Completed', JSON.stringify(report.drives[0]?.failures))
    assert.equal(store.late.size, 0)
    await assertArrived(made, store)
  })

  it('leave a blob of somebody else alone that only has the same name', async () => {
    const files = { 'small.txt': contentOf(1, 1000), 'large.bin': contentOf(2, 9 * mebibyte) }
    const made = await makeDrives(temporaryFolder('receive-foreign'), files)
    const store = new LateService()
    await receive(made, store)
    store.isReachable = true
    const foreign = Buffer.from('of somebody else')
    store.late.set('in/small.txt', (place) => store.putBlob(place, foreign, md5(foreign)))
    store.late.set('in/large.bin', (place) => store.putBlob(place, foreign, md5(foreign)))
    const { report } = await receive(made, store)
    // The large one is not known to be taken before its end; the next run finds another name for it.
    assert.deepEqual(
      report.drives[0]?.failures.map(({ status }) => status),
      ['BlobUnexpectedChange'],
    )
    const again = await receive(made, store)
    assert.equal(again.report.drives[0]?.status, 'CompletedWithWarnings')
    const found = await hashesInStore(store)
    assert.deepEqual([...found.keys()].sort(), ['large (2).bin', 'large.bin', 'small (2).txt', 'small.txt'])
    const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    assert.equal(found.get('small.txt'), sha(foreign))
    assert.equal(found.get('large (2).bin'), sha(files['large.bin']))
  })
})

describe('drives whose blobs want the same names', () => {
  for (const disposition of ['rename', 'overwrite', 'no-overwrite'] as const) {
    it(`are imported side by side with ${disposition}, and no blob is a mixture`, async () => {
      const folder = temporaryFolder('receive-names')
      const contents = [10, 20].map((seed) => ({
        'big.bin': contentOf(seed, 9 * mebibyte),
        'disk.vhd': contentOf(seed + 1, 5 * mebibyte),
        small: contentOf(seed + 2, 100),
      }))
      const both = []
      for (const [index, files] of contents.entries()) {
        const base = join(folder, String(index))
        const row = { isDirectory: true, destination: 'archive/in/', blobType: 'auto' as const, disposition, line: 1 }
        const dataset = [{ ...row, basePath: join(base, 'source') }]
        both.push(await makeDrives(base, files, ['100M'], { dataset }, `NAMES${index}`))
      }
      const [made, other] = both
      assert.ok(made !== undefined && other !== undefined)
      const store = new MemoryStore()
      const drives = [...made.drives, ...other.drives]
      let { report } = await receive(made, store, { drives })
      // What found its name in use by the other drive's blob is tried again by the same command.
      ;({ report } = await receive(made, store, { drives }))
      assert.ok(
        report.drives.every(({ blobs }) => blobs.failed === 0),
        JSON.stringify(report.drives.map(({ failures }) => failures)),
      )
      const found = await hashesInStore(store)
      const expected = ['big.bin', 'disk.vhd', 'small']
      if (disposition === 'rename') expected.push('big (2).bin', 'disk (2).vhd', 'small (2)')
      assert.deepEqual([...found.keys()].sort(), expected.sort())
      const hash = (base: string, name: string) =>
        createHash('sha256')
          .update(readFileSync(join(folder, base, 'source', name)))
          .digest('hex')
      for (const name of ['big.bin', 'disk.vhd', 'small']) {
        const arrived = [...found].filter(([blob]) => blob.replace(' (2)', '') === name).map(([, sha]) => sha)
        const possible = ['0', '1'].map((base) => hash(base, name))
        if (disposition === 'rename') assert.deepEqual(arrived.sort(), possible.sort(), name)
        else assert.ok(possible.includes(arrived[0] as string), name)
      }
    })
  }
})
