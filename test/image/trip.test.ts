// The trip of a disk: captured into a staging location as a VHD, onto an encrypted drive with everything else, and where it
// arrives a page blob of the disk's size, of which only what holds something was sent.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { captureImage, initStagedJob } from '../../src/index.js'
import type { ReceiveDrive } from '../../src/receive/receive-drive.js'
import { receiveDrives } from '../../src/receive/receive-drives.js'
import { MemoryStore } from '../../src/storage/memory-store.js'
import { mebibyte } from '../addon/made-image.js'
import { prepare, requestFor } from '../prepare/made-drive.js'
import { makeDevice, sha256 } from './made-capture.js'

/** Remembers which pages were sent. */
class WatchedStore extends MemoryStore {
  readonly sent: [offsetBytes: number, lengthBytes: number][] = []

  override async putPages(...call: Parameters<MemoryStore['putPages']>): Promise<void> {
    this.sent.push([call[1], call[2].byteLength])
    return super.putPages(...call)
  }
}

test('a disk is captured, shipped and received as a page blob, and its zeros are never sent', async (context) => {
  const made = makeDevice(context, 24 * mebibyte)
  const staging = join(made.folder, 'staging')
  const { folder } = await initStagedJob(staging, { job: 'disks-1', account: 'mybackup', container: 'archive' })
  const image = join(folder, 'files', 'server.vhd')
  const { digests } = await captureImage({ source: made.device, image }).result
  assert.equal(digests.sha256, sha256(made.content))

  const specs = [`${join(made.folder, 'drive.img')}:120M,serial=DRIVE1`]
  const request = requestFor(join(folder, 'files'), specs)
  const session = await prepare(request, { journalPath: join(made.folder, 'job.jrn') })
  const drives = session.drives.map(({ path, recoveryPassword, driveId }): ReceiveDrive => {
    const secret = { kind: 'recovery-password', password: recoveryPassword } as const
    return { path, secret, expected: { driveId }, expectedFrom: 'the journal' }
  })

  const store = new WatchedStore()
  const { report } = await receiveDrives({ drives, store, statePath: join(made.folder, 'import.jrn') })
  assert.deepEqual(
    report.drives.map(({ status }) => status),
    ['Completed'],
  )
  const place = { container: 'archive', name: 'in/server.vhd' }
  const facts = await store.head(place)
  assert.deepEqual([facts?.kind, facts?.sizeBytes], ['page', 24 * mebibyte + 512])
  // Blocks of 4 MiB: text, noise, zeros, text, noise, zeros; then the footer.
  const sent = store.sent.sort(([left], [right]) => left - right)
  assert.deepEqual(sent, [
    [0, 4 * mebibyte],
    [4 * mebibyte, 4 * mebibyte],
    [12 * mebibyte, 4 * mebibyte],
    [16 * mebibyte, 4 * mebibyte],
    [24 * mebibyte, 512],
  ])
  const pieces: Uint8Array[] = []
  for await (const piece of store.read(place)) pieces.push(piece)
  assert.ok(Buffer.concat(pieces).equals(readFileSync(image)))
  // Whoever gets the blob can check it block by block.
  assert.ok((await store.head({ container: 'archive', name: 'in/server.vhd.dfmap' })) !== undefined)
})
