// Goal: a capture and a restore that are killed go on with the same call and end as if nothing had happened. Method: the library in
// a process of its own, slowed down, killed with SIGKILL at moments all over it, then finished.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verifyImage } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { capture, lz4, makeDevice, needs, sha256 } from './made-capture.js'

const library = new URL('../../dist/index.js', import.meta.url).href
const isLong = process.env.DISKFERRY_LONG_TESTS === '1'
const kills = isLong ? 25 : 3
const sizeBytes = 128 * mebibyte + 512
// At this rate; a mark needs about 20 MiB.
const rate = 100e6
const fullMs = 1300

/** Without order, and the same in every run of the tests: parts of the first two thirds. */
const momentMs = (turn: number) => ((turn * 0.618 + 0.3) % 1) * fullMs * 0.7

/** Runs the text with the library's names; kills the process so long after it said that it begins, or after a file is there. */
function runAndKill(
  text: string,
  afterMs: number,
  waitFor?: string,
): Promise<{ killed: boolean; output: string; errors: string }> {
  const program = `import * as library from ${JSON.stringify(library)}\nconsole.log('begins')\n${text}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [output, errors] = ['', '']
  child.stderr.on('data', (piece) => {
    errors += piece
  })
  child.stdout.on('data', (piece) => {
    if (output === '' && Number.isFinite(afterMs)) {
      const timer = setInterval(() => {
        if (waitFor !== undefined && !existsSync(waitFor)) return
        clearInterval(timer)
        setTimeout(() => child.kill('SIGKILL'), afterMs)
      }, 2)
      child.on('close', () => clearInterval(timer))
    }
    output += piece
  })
  return new Promise((resolve) => {
    child.on('close', (_, signal) => resolve({ killed: signal === 'SIGKILL', output, errors }))
  })
}

const formats = ['lz4', 'raw'] as const
for (const format of formats) {
  test(`a capture to ${format} that is killed at ${kills} moments ends as if it had not been`, {
    skip: needs('lz4'),
  }, async (context) => {
    const made = makeDevice(context, sizeBytes, `backup.${format}`)
    const settings = {
      source: made.device,
      image: made.image,
      resume: true,
      durableEveryMs: 40,
      limitBytesPerSecond: rate,
    }
    const call = (
      more: object,
    ) => `const result = await library.captureImage(${JSON.stringify({ ...settings, ...more })}).result
      console.log(JSON.stringify(result))`
    let [killed, resumed] = [0, 0]
    for (let turn = 0; killed < kills; turn++) {
      const run = await runAndKill(call({}), momentMs(turn), `${made.image}.partial`)
      if (run.killed) {
        killed++
        // Killed behind the last rename it is whole already.
        if (existsSync(made.image) && !existsSync(`${made.image}.capture`)) rmSync(made.image)
      } else {
        assert.equal(run.errors, '')
        rmSync(made.image)
      }
    }
    const last = await runAndKill(call({ limitBytesPerSecond: undefined }), Number.POSITIVE_INFINITY)
    assert.equal(last.killed, false)
    const result = JSON.parse(last.output.split('\n')[1] ?? `{"errors":${JSON.stringify(last.errors)}}`)
    if (result.resumedAtBytes > 0) resumed++
    assert.equal(result.digests?.sha256, sha256(made.content), last.errors)
    const content = format === 'lz4' ? lz4('-dc', made.image).stdout : readFileSync(made.image)
    assert.ok(content.equals(made.content))
    assert.equal((await verifyImage({ image: made.image, digests: true }).result).sound, true)
    const left = readdirSync(made.folder).filter((name) => !/^(device\.bin|backup\.(lz4|raw|raw\.dfmap))$/.test(name))
    assert.deepEqual(left, [])
    context.diagnostic(
      `${killed} kills; the last run ${resumed > 0 ? `went on at ${result.resumedAtBytes}` : 'began anew'}`,
    )
  })
}

test(`a restore that is killed at ${kills} moments does not look whole, and ends byte for byte`, async (context) => {
  const made = makeDevice(context, sizeBytes)
  await capture(made)
  const target = join(made.folder, 'target.bin')
  writeFileSync(target, Buffer.alloc(sizeBytes, 0xee))
  const call = (resume: boolean, rate: string) => `
    const request = { image: ${JSON.stringify(made.image)}, targets: [${JSON.stringify(target)}], overwrite: true, resume: ${resume} }
    const plan = await library.planRestore(request)
    await library.restoreImage(plan, { ${rate} }).result
    console.log('done')`
  let killed = 0
  let isBegun = false
  for (let turn = 0; killed < kills; turn++) {
    const run = await runAndKill(call(isBegun, `limitBytesPerSecond: ${rate}`), 100 + momentMs(turn))
    const found = readFileSync(target)
    const start = found.subarray(0, 4 * mebibyte)
    const looksWhole = ![0, 0xee].some((byte) => start.equals(Buffer.alloc(4 * mebibyte, byte)))
    if (looksWhole) assert.ok(found.equals(made.content), 'the first block is not there before all others are')
    isBegun = !looksWhole
    if (run.killed) killed++
    else assert.match(run.output, /done/, run.errors)
    // It was over before it could be killed, or nearly.
    if (looksWhole) writeFileSync(target, Buffer.alloc(sizeBytes, 0xee))
  }
  const last = await runAndKill(call(isBegun, ''), Number.POSITIVE_INFINITY)
  assert.match(last.output, /done/, last.errors)
  assert.ok(readFileSync(target).equals(made.content))
})
