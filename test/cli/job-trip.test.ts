// The whole trip with the built program: prepare, order, ship, receive by the order book, sent back.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { main, runIn, startServiceProgram } from '../built-program.js'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'

const folder = temporaryFolder('trip')
writeTree(join(folder, 'source'), { 'a.txt': 'first', 'b/large.bin': contentOf(1, 3_000_000) })
const way = '--return-name A --return-street S --return-city C --return-postal-code 1 --return-country NL'
const back = `${way} --return-phone 1 --return-email a@b.example --return-carrier DHL --return-account 7`.split(' ')

function diskferry(...words: string[]) {
  const { status, stdout, output } = runIn(folder, words)
  assert.equal(status, 0, `${words.join(' ')}\n${output}`)
  return stdout
}

const { at } = await startServiceProgram(join(folder, 'service'))

test('a drive is prepared, ordered, sent, received and on its way back', () => {
  const drive = ['--drive', 'disk.img:100M,serial=TRIP1']
  diskferry('prepare', '--from', 'source', '--to', 'archive/in/', ...drive, '--journal', 'seed.jrn', '--yes')
  const order = ['--name', 'trip-1', '--journal', 'seed.jrn', '--account', 'mybackup', '--location', 'West Europe']
  diskferry('job', 'create', ...order, ...at)
  diskferry('job', 'ship', 'trip-1', '--carrier', 'DHL', '--tracking', 'JD014600', ...back, ...at)
  assert.match(diskferry('job', 'arrived', 'trip-1', ...at), /trip-1: Received\n +TRIP1 +Received/)
  const received = diskferry('receive', '--drive', 'disk.img', '--to', './blobs', ...at)
  assert.match(received, /can be packed, 1 drive.*\n +TRIP1\n +Send with DHL, account 7, to\n[\s\S]*job return trip-1/)
  assert.match(diskferry('job', 'status', 'trip-1', ...at), /Packaging.*\n[\s\S]*TRIP1 +Completed/)
  const blob = readFileSync(join(folder, 'blobs', 'archive', 'in', 'b', 'large.bin'))
  assert.ok(blob.equals(contentOf(1, 3_000_000)))

  const sent = ['--carrier', 'DHL', '--tracking', 'JDBACK01']
  assert.match(diskferry('job', 'return', 'trip-1', ...sent, ...at), /Completed, everything arrived\. 1 drive /)
  assert.match(diskferry('job', 'return', 'trip-1', ...sent, ...at), /reported already/)
  assert.match(diskferry('job', 'status', 'trip-1', '--watch', ...at), /Completed, done/)
})

test('a station that is killed while it imports goes on with the same command, and the job can be packed', async () => {
  writeTree(join(folder, 'more'), { 'one.bin': contentOf(2, 9 << 20), 'two.bin': contentOf(3, 9 << 20) })
  const drive = ['--drive', 'disk2.img:100M,serial=TRIP2']
  diskferry('prepare', '--from', 'more', '--to', 'archive/more/', ...drive, '--journal', 'more.jrn', '--yes')
  const order = ['--name', 'trip-2', '--journal', 'more.jrn', '--account', 'mybackup', '--location', 'West Europe']
  diskferry('job', 'create', ...order, ...at)
  diskferry('job', 'ship', 'trip-2', '--carrier', 'DHL', '--tracking', 'JD014602', ...back, ...at)
  const words = ['receive', '--drive', 'disk2.img', '--to', './more-blobs', '--state', 'more.import', ...at]
  const killed = spawn(process.execPath, [main, ...words, '--limit-rate', '256K'], { cwd: folder, stdio: 'ignore' })
  const driveNow = () => JSON.parse(diskferry('job', 'show', 'trip-2', ...at)).drives[0]
  // Its first block goes at once, and the next one when that is paid for: it would take more than a minute.
  const until = Date.now() + 60_000
  while (!(driveNow().bytesSucceeded > 0) && Date.now() < until) await sleep(100)
  killed.kill('SIGKILL')
  await once(killed, 'close')
  assert.equal(driveNow().state, 'Transferring')
  assert.match(diskferry(...words), /Job trip-2: its drives can be packed/)
  assert.deepEqual(readdirSync(join(folder, 'more-blobs', 'archive', 'more')).sort(), ['one.bin', 'two.bin'])
  assert.ok(readFileSync(join(folder, 'more-blobs', 'archive', 'more', 'two.bin')).equals(contentOf(3, 9 << 20)))
  assert.match(diskferry('job', 'return', 'trip-2', '--carrier', 'DHL', '--tracking', 'JDBACK02', ...at), /Completed/)
})
