import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, open, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Device } from '../../src/addon/device.js'
import { TransferError } from '../../src/errors.js'
import { attachFile, loopUnavailable } from '../drives/loop-device.js'

const megabyte = 1 << 20
let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diskferry-device-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function imageOf(name: string, sizeBytes: number): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  return path
}

function rejectsWith(code: string, pattern: RegExp = /./) {
  return (error: unknown) => error instanceof TransferError && error.code === code && pattern.test(error.message)
}

describe('a regular file as device', () => {
  for (const sectorBytes of [512, 4096] as const) {
    it(`reads what was written, with sectors of ${sectorBytes} bytes`, async () => {
      const path = await imageOf(`plain-${sectorBytes}.img`, 5 * megabyte)
      const device = await Device.open(path, { access: 'write', logicalSectorBytes: sectorBytes })
      assert.equal(device.kind, 'file')
      assert.equal(device.sizeBytes, 5 * megabyte)
      assert.equal(device.logicalSectorBytes, sectorBytes)
      const data = randomBytes(3 * megabyte + sectorBytes)
      await device.write(sectorBytes, data)
      await device.flush()
      assert.ok(data.equals(await device.read(sectorBytes, data.length)))
      await device.close()
      const file = await readFile(path)
      assert.ok(file.subarray(sectorBytes, sectorBytes + data.length).equals(data))
      assert.ok(file.subarray(sectorBytes + data.length).every((byte) => byte === 0))
    })
  }

  it('accepts memory of any alignment', async () => {
    const device = await Device.open(await imageOf('unaligned.img', megabyte), { access: 'write' })
    const data = randomBytes(65536 + 1).subarray(1)
    await device.write(512, data)
    assert.ok(data.equals(await device.read(512, data.length)))
    await device.close()
  })

  it('refuses offsets and lengths that are not whole sectors, or outside, and changes nothing', async () => {
    const path = await imageOf('range.img', megabyte)
    const device = await Device.open(path, { access: 'write', logicalSectorBytes: 4096 })
    for (const [offset, length] of [
      [512, 4096],
      [0, 512],
      [megabyte, 4096],
      [megabyte - 4096, 8192],
      [Number.MAX_SAFE_INTEGER - 4095, 4096],
    ] as const) {
      await assert.rejects(device.write(offset, Buffer.alloc(length, 1)), rejectsWith('DEVICE_RANGE'))
      await assert.rejects(device.read(offset, length), rejectsWith('DEVICE_RANGE'))
    }
    await device.close()
    assert.ok((await readFile(path)).every((byte) => byte === 0))
  })

  it('rounds its size down to whole sectors', async () => {
    const device = await Device.open(await imageOf('odd.img', 10_000), { access: 'read', logicalSectorBytes: 4096 })
    assert.equal(device.sizeBytes, 8192)
    await device.close()
  })

  it('belongs to one writer: a second one is told DEVICE_IN_USE until the first closes', async () => {
    const path = await imageOf('locked.img', megabyte)
    const first = await Device.open(path, { access: 'write' })
    await assert.rejects(Device.open(path, { access: 'write' }), rejectsWith('DEVICE_IN_USE', /another run/))
    const reader = await Device.open(path, { access: 'read' })
    await reader.close()
    await first.close()
    await (await Device.open(path, { access: 'write' })).close()
  })

  it('refuses to write what was opened for reading', async () => {
    const device = await Device.open(await imageOf('readonly.img', megabyte), { access: 'read' })
    await assert.rejects(device.write(0, Buffer.alloc(512)), rejectsWith('DEVICE_READ_ONLY'))
    await device.close()
  })

  it('reports a file that was cut while it was open', async () => {
    const path = await imageOf('cut.img', megabyte)
    const device = await Device.open(path, { access: 'read' })
    await truncate(path, 4096)
    await assert.rejects(device.read(0, 65536), rejectsWith('DEVICE_READ_FAILED', /offset 4096/))
    await device.close()
  })

  it('closes twice, and rejects every call after that', async () => {
    const device = await Device.open(await imageOf('closed.img', megabyte), { access: 'write' })
    const reading = device.read(0, megabyte)
    await Promise.all([device.close(), device.close()])
    await reading
    for (const call of [device.read(0, 512), device.write(0, Buffer.alloc(512)), device.flush()]) {
      await assert.rejects(call, rejectsWith('DEVICE_NOT_FOUND', /closed/))
    }
  })

  it('follows a symbolic link', async () => {
    const path = await imageOf('target.img', megabyte)
    await symlink(path, join(folder, 'link.img'))
    const device = await Device.open(join(folder, 'link.img'), { access: 'read' })
    assert.equal(device.sizeBytes, megabyte)
    await device.close()
  })

  it('names what cannot be opened', async () => {
    await assert.rejects(Device.open(join(folder, 'none'), { access: 'read' }), rejectsWith('DEVICE_NOT_FOUND'))
    await assert.rejects(Device.open(folder, { access: 'read' }), rejectsWith('DEVICE_UNSUPPORTED', /neither/))
    await assert.rejects(Device.open('/dev/null', { access: 'write' }), rejectsWith('DEVICE_UNSUPPORTED'))
    execFileSync('mkfifo', [join(folder, 'fifo')])
    await assert.rejects(Device.open(join(folder, 'fifo'), { access: 'write' }), rejectsWith('DEVICE_UNSUPPORTED'))
    await assert.rejects(Device.open('x', { access: 'append' as 'read' }), TypeError)
    await assert.rejects(Device.open('x', { access: 'read', logicalSectorBytes: 513 as 512 }), RangeError)
  })

  it('tells missing rights apart', async (t) => {
    if (process.getuid?.() === 0) return t.skip('root may open everything')
    const path = await imageOf('secret.img', megabyte)
    await chmod(path, 0)
    await assert.rejects(Device.open(path, { access: 'read' }), rejectsWith('DEVICE_ACCESS_DENIED'))
  })

  it('works on a file system without O_DIRECT', async (t) => {
    const path = join('/dev/shm', `diskferry-${process.pid}.img`)
    try {
      await (await open(path, 'w')).close()
    } catch (error) {
      return t.skip(`no /dev/shm: ${(error as Error).message}`)
    }
    try {
      await truncate(path, megabyte)
      const device = await Device.open(path, { access: 'write' })
      const data = randomBytes(8192)
      await device.write(4096, data)
      await device.flush()
      assert.ok(data.equals(await device.read(4096, 8192)))
      await device.close()
    } finally {
      await rm(path, { force: true })
    }
  })
})

describe('a loop device', { skip: loopUnavailable() ?? false }, () => {
  for (const sectorBytes of [512, 4096] as const) {
    it(`with sectors of ${sectorBytes} bytes is claimed, written past the cache, and read back`, async (t) => {
      const path = await imageOf(`loop-${sectorBytes}.img`, 8 * megabyte)
      const loop = attachFile(t, path, `--sector-size=${sectorBytes}`)
      const device = await Device.open(loop, { access: 'write' })
      assert.equal(device.kind, 'block')
      assert.equal(device.logicalSectorBytes, sectorBytes)
      assert.ok(device.physicalSectorBytes >= sectorBytes)
      assert.equal(device.sizeBytes, 8 * megabyte)
      assert.equal(device.directIo, true)
      const data = randomBytes(2 * megabyte)
      await device.write(3 * sectorBytes, data)
      await device.flush()
      assert.ok(data.equals(await device.read(3 * sectorBytes, data.length)))
      await assert.rejects(device.write(256, Buffer.alloc(sectorBytes)), rejectsWith('DEVICE_RANGE'))
      await assert.rejects(Device.open(loop, { access: 'write' }), rejectsWith('DEVICE_IN_USE'))
      await device.close()
      const image = await readFile(path)
      assert.ok(image.subarray(3 * sectorBytes, 3 * sectorBytes + data.length).equals(data))
    })
  }

  it('that is read-only is DEVICE_READ_ONLY', async (t) => {
    const loop = attachFile(t, await imageOf('loop-ro.img', 8 * megabyte), '--read-only')
    await assert.rejects(Device.open(loop, { access: 'write' }), rejectsWith('DEVICE_READ_ONLY'))
    await (await Device.open(loop, { access: 'read' })).close()
  })
})
