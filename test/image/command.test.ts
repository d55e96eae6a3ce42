// The image commands as a user runs them, and the map that one can look at.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { imageInfo, imageMapSvg } from '../../src/index.js'
import { mebibyte } from '../addon/made-image.js'
import { main, startIn } from '../built-program.js'
import { runCommand } from '../receive/run-command.js'
import { capture, captureInPart, makeDevice, untilMarked } from './made-capture.js'

test('the command tells its plan, its result and its errors as JSON, and info draws a map', async (context) => {
  const made = makeDevice(context)
  const { device, image } = made
  const events = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string })
  const dry = await runCommand(['image', 'capture', device, image, '--dry-run', '--json'])
  assert.deepEqual(
    events(dry.stdout).map(({ event }) => event),
    ['image-plan'],
  )
  assert.equal(existsSync(image), false)
  const done = await runCommand(['image', 'capture', device, image, '--json', '--hash', 'md5'])
  assert.equal(done.exitCode, 0, done.stderr)
  assert.equal(events(done.stdout).at(-1)?.event, 'image-captured')
  const again = await runCommand(['image', 'capture', device, image, '--json'])
  assert.equal(again.exitCode, 1)
  assert.match(again.stdout, /"code":"FILE_EXISTS"/)
  const svg = join(made.folder, 'map.svg')
  const info = await runCommand(['image', 'info', image, '--svg', svg])
  assert.match(info.stdout, new RegExp(`${basename(image)}: lz4 image`))
  assert.match(readFileSync(svg, 'utf8'), /^<svg .*<\/svg>\n$/s)
  if (spawnSync('xmllint', ['--version']).status === 0) execFileSync('xmllint', ['--noout', svg])
  assert.equal((await runCommand(['image', 'capture', device, image, '--hash', 'crc'])).exitCode, 2)
  const cat = await runCommand(['image', 'cat', image, '--offset', '0', '--length', '16'])
  assert.equal(cat.stdout, made.content.toString('latin1', 0, 16))
})

test('what only counts together with another option is refused without it', async (context) => {
  const { device, image } = makeDevice(context)
  const lonely: [words: string[], says: RegExp][] = [
    [['--retries', '3'], /expected --retries only with --rescue/],
    [['--rescue-map', `${image}.map`], /only with rescue/],
    [['--trust-unclean'], /only with usedOnly/],
  ]
  for (const [words, says] of lonely) {
    const { exitCode, stderr } = await runCommand(['image', 'capture', device, image, ...words])
    assert.equal(exitCode, 2, stderr)
    assert.match(stderr, says)
  }
  assert.equal(existsSync(image), false)
  assert.equal((await runCommand(['image', 'capture', device, image, '--rescue', '--retries', '3'])).exitCode, 0)
})

test('Ctrl-C says no more than is so: how a capture goes on is in what it ends with', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  const words = ['image', 'capture', made.device, made.image, '--limit-rate', '6M']
  const { child, ended } = startIn(made.folder, words)
  await untilMarked(made, ended)
  child.kill('SIGINT')
  const { status, output } = await ended
  assert.equal(status, 130, output)
  assert.match(output, /\nStopping\.\n/)
  assert.match(output, /INTERRUPTED\)\n {2}Run the same command with --resume to go on\.\n/)
  assert.doesNotMatch(output, /same command again/)
})

test('a map shows where nothing could be read, whatever the names in it', async (context) => {
  const made = makeDevice(context)
  await capture(made)
  const info = await imageInfo(made.image)
  assert.equal(imageMapSvg(info).includes('#c62828" x') || / fill="#c62828"\/>\n/.test(imageMapSvg(info)), false)
  info.kinds?.fill(3, 1, 2)
  if (info.description !== undefined) info.description.source.model = '<b>\ud800\uffff\u0007'
  const svg = imageMapSvg(info)
  assert.match(svg, /<rect [^>]*height="9" fill="#c62828"\/>/)
  assert.doesNotMatch(svg, /<b>/)
})

test('the content goes through a pipe, also one that is closed early, and not into a full place in silence', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  await capture(made)
  const shell = (script: string) => {
    const words = ['-c', script, 'bash', process.execPath, main, made.image, made.device]
    return spawnSync('bash', words, { encoding: 'utf8' })
  }
  const whole = shell('set -o pipefail; "$1" "$2" image cat "$3" | (sleep 0.2; cmp - "$4")')
  assert.deepEqual([whole.status, whole.stderr], [0, ''])
  const early = shell('"$1" "$2" image cat "$3" | head -c 10 | wc -c; exit $PIPESTATUS')
  assert.deepEqual([early.status, early.stdout.trim(), early.stderr], [0, '10', ''])
  const full = shell('"$1" "$2" image cat "$3" > /dev/full')
  assert.equal(full.status, 7)
  assert.match(full.stderr, /^diskferry: Standard output cannot be written: .*\(DEVICE_FULL\)\n$/)
})

test('the map and the picture of an image are never written over it, and what has no room is said', async (context) => {
  const made = makeDevice(context)
  await capture(made)
  for (const option of ['--svg', '--rescue-map']) {
    const over = await runCommand(['image', 'info', made.image, option, made.image, '--json'])
    assert.equal(over.exitCode, 8, over.stderr)
    assert.match(over.stdout, /^{"event":"error","code":"DRIVE_UNFIT".*\n$/)
    assert.equal((await runCommand(['image', 'info', made.image, option, '/dev/full'])).exitCode, 7)
  }
  assert.equal((await imageInfo(made.image)).state, 'complete')
})

test('the map of an unfinished capture tells of no more than was read', async (context) => {
  const made = makeDevice(context, 64 * mebibyte)
  await captureInPart(made)
  const map = join(made.folder, 'device.map')
  const { stdout } = await runCommand(['image', 'info', made.image, '--rescue-map', map])
  const { readBytes = 0 } = await imageInfo(made.image)
  assert.ok(readBytes > 0 && readBytes < 64 * mebibyte, String(readBytes))
  assert.match(stdout, /Read so far: /)
  const hex = (bytes: number) => `0x${bytes.toString(16).toUpperCase().padStart(8, '0')}`
  assert.ok(readFileSync(map, 'utf8').endsWith(`${hex(readBytes)}  ${hex(64 * mebibyte - readBytes)}  ?\n`))
})

test('a restore says what became of --fix-gpt', async (context) => {
  const made = makeDevice(context)
  const target = join(made.folder, 'larger.img')
  writeFileSync(target, Buffer.alloc(24 * mebibyte))
  const words = ['image', 'restore', made.device, target, '--overwrite', '--yes', '--fix-gpt']
  const { stdout, stderr, exitCode } = await runCommand(words)
  assert.equal(exitCode, 0, stderr)
  assert.match(stdout, /Note: .*larger.img: it has no GUID partition table that is whole, so nothing was moved/)
})
