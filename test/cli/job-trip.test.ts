// The whole trip with the built program: prepare, order, ship, receive by the order book, sent back.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { contentOf, temporaryFolder, writeTree } from '../prepare/made-tree.js'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const folder = temporaryFolder('trip')
writeTree(join(folder, 'source'), { 'a.txt': 'first', 'b/large.bin': contentOf(1, 3_000_000) })
const way = '--return-name A --return-street S --return-city C --return-postal-code 1 --return-country NL'
const back = `${way} --return-phone 1 --return-email a@b.example --return-carrier DHL --return-account 7`.split(' ')

function diskferry(...words: string[]) {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env,
  })
  assert.equal(status, 0, `${words.join(' ')}\n${stdout}\n${stderr}`)
  return stdout
}

test('a drive is prepared, ordered, sent, received and on its way back', async () => {
  const child = spawn(process.execPath, [main, 'service', '--data', 'service', '--listen', '127.0.0.1:0', '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  after(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { url, tokenPath } = JSON.parse(line) as { url: string; tokenPath: string }
  const at = ['--service', url, '--token-file', tokenPath]

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
