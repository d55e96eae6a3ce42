// File systems that were captured by their used blocks and restored onto a device full of noise: they check clean, mount, and have
// their files.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { planRestore, restoreImage, verifyImage } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { attachLoop, loopUnavailable, run } from '../drives/loop-device.js'
import { contentOf } from '../prepare/made-tree.js'
import { capture, makeDevice, needs } from './made-capture.js'

const sizeBytes = 64 * mebibyte
const content = contentOf(5, 9 * mebibyte + 17)
const skip = loopUnavailable() ?? needs('mkfs.ext4', 'e2fsck', 'mkntfs', 'ntfscp', 'ntfscat', 'ntfsfix')

interface Kind {
  make(device: string): void
  put(device: string, file: string, folder: string): void
  get(device: string, folder: string): Buffer
  check(device: string): void
}

function mounted<T>(device: string, folder: string, options: string, work: () => T): T {
  mkdirSync(folder, { recursive: true })
  run('mount', '-o', options, device, folder)
  try {
    return work()
  } finally {
    run('umount', folder)
  }
}

const kinds: Record<string, Kind> = {
  ext4: {
    make: (device) => run('mkfs.ext4', '-q', device),
    put: (device, file, folder) => mounted(device, folder, 'rw', () => run('cp', file, join(folder, 'file'))),
    get: (device, folder) => mounted(device, folder, 'ro', () => readFileSync(join(folder, 'file'))),
    check: (device) => run('e2fsck', '-f', '-n', device),
  },
  NTFS: {
    make: (device) => run('mkntfs', '-q', '-f', device),
    put: (device, file) => run('ntfscp', '-q', device, file, 'file'),
    get: (device) => execFileSync('ntfscat', [device, 'file'], { maxBuffer: 1 << 26 }),
    check: (device) => run('ntfsfix', '-n', device),
  },
}

for (const [name, kind] of Object.entries(kinds)) {
  test(`${name} by its used blocks comes back onto a device full of noise`, { skip }, async (context) => {
    const made = makeDevice(context, 512)
    const [source, target] = [attachLoop(context, sizeBytes), attachLoop(context, sizeBytes)]
    writeFileSync(target.device, contentOf(9, sizeBytes))
    const [file, folder] = [join(made.folder, 'file'), join(made.folder, 'mount')]
    writeFileSync(file, content)
    kind.make(source.device)
    kind.put(source.device, file, folder)
    const { skippedBytes } = await capture({ ...made, device: source.device }, { usedOnly: true })
    assert.ok(skippedBytes > 30 * mebibyte, String(skippedBytes))
    const plan = await planRestore({ image: made.image, targets: [target.device] })
    await restoreImage(plan, { verify: true }).result
    kind.check(target.device)
    assert.ok(kind.get(target.device, folder).equals(content))
    assert.equal((await verifyImage({ image: made.image, against: source.device }).result).sound, true)
  })
}
