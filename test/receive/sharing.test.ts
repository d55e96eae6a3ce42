// What drives share while they are imported side by side: turns, buffers, and the memory of names.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryGate } from '../../src/receive/memory-gate.js'
import { NameSet } from '../../src/receive/name-set.js'
import { UploadSlots } from '../../src/receive/upload-slots.js'

const tick = () => new Promise((resolve) => setImmediate(resolve))

describe('UploadSlots', () => {
  it('lets lanes take turns, however much one of them has to do', async () => {
    const slots = new UploadSlots(1)
    const order: string[] = []
    const run = (lane: ReturnType<UploadSlots['lane']>, name: string) =>
      lane.run(async () => {
        order.push(name)
        await tick()
      })
    const busy = slots.lane()
    const idle = slots.lane()
    const all = ['a1', 'a2', 'a3', 'a4'].map((name) => run(busy, name))
    all.push(run(idle, 'b1'), run(idle, 'b2'))
    await Promise.all(all)
    assert.deepEqual(order, ['a1', 'b1', 'a2', 'b2', 'a3', 'a4'])
  })

  it('four drives take turns, however much one of them has to send', async () => {
    const slots = new UploadSlots(4)
    const done = [0, 0, 0, 0]
    const started: number[] = []
    const send = (lane: number) => async () => {
      started.push(lane)
      await new Promise((resolve) => setImmediate(resolve))
      done[lane] = (done[lane] as number) + 1
    }
    const lanes = done.map(() => slots.lane())
    const all: Promise<void>[] = []
    for (const [lane, count] of [1000, 50, 50, 50].entries()) {
      for (let index = 0; index < count; index++) all.push((lanes[lane] as (typeof lanes)[number]).run(send(lane)))
    }
    await Promise.all(all)
    assert.deepEqual(done, [1000, 50, 50, 50])
    const early = started.slice(0, 200)
    for (const lane of [1, 2, 3]) assert.ok(early.filter((other) => other === lane).length >= 45, `drive ${lane}`)
  })

  it('runs no more at once than there are slots, and gives a slot back after an error', async () => {
    const slots = new UploadSlots(3)
    const lane = slots.lane()
    let running = 0
    let most = 0
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        lane.run(async () => {
          most = Math.max(most, ++running)
          await tick()
          running--
          if (index % 3 === 0) throw new Error('refused')
        }),
      ),
    )
    assert.equal(most, 3)
    assert.equal(results.filter(({ status }) => status === 'rejected').length, 7)
  })
})

describe('MemoryGate', () => {
  it('lets in what fits, in order, and lets one that wants more than all go alone', async () => {
    const gate = new MemoryGate(10)
    const order: string[] = []
    const hold = (name: string, count: number) =>
      gate.hold(count, async () => {
        order.push(`${name} in`)
        await tick()
        order.push(`${name} out`)
      })
    await Promise.all([hold('a', 6), hold('b', 25), hold('c', 4)])
    assert.deepEqual(order, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  })
})

describe('NameSet', () => {
  it('finds every repetition among 300,000 names and nothing else', () => {
    const names = new NameSet()
    for (let index = 0; index < 300_000; index++)
      assert.ok(names.add(`container/folder-${index % 977}/file ${index}.bin`))
    for (let index = 0; index < 300_000; index += 1000) {
      assert.ok(!names.add(`container/folder-${index % 977}/file ${index}.bin`))
    }
    assert.ok(names.add('') && !names.add(''))
  })
})
