// npm run demo: the main job on real files with nothing set up. Two drives (image files in a temporary folder) are prepared
// from this checkout's own packages, verified, looked at, and a file is copied back out and compared. Then all is removed.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, root, setUp } from './setup.mjs'

setUp('build')
build()

const folder = mkdtempSync(join(tmpdir(), 'diskferry-demo-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const source = join(root, 'node_modules')
const drives = ['disk1.img', 'disk2.img']
const journal = 'demo.jrn'

function diskferry(...words) {
  console.log(`\n$ diskferry ${words.map((word) => (word === source ? 'node_modules' : word)).join(' ')}`)
  const program = [join(root, 'dist/cli/main.js'), ...words]
  const result = spawnSync(process.execPath, program, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (result.status !== 0) {
    console.error(result.stdout)
    console.error(`The demo stopped: exit code ${result.status}.`)
    process.exit(result.status ?? 1)
  }
  return result.stdout
}

function folderBytes(path) {
  let bytes = 0
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += readFileSync(join(entry.parentPath ?? entry.path, entry.name)).length
  }
  return bytes
}

// Sized so that one drive is not enough and two are.
const mebibytes = Math.ceil(folderBytes(source) / 1024 / 1024)
const sizes = [Math.max(160, Math.ceil(mebibytes * 0.75)), Math.max(128, Math.ceil(mebibytes * 0.65))]
const driveOptions = drives.flatMap((name, index) => ['--drive', `${name}:${sizes[index]}M`])

console.log(
  diskferry(
    'prepare',
    '--from',
    source,
    '--to',
    'backup/node_modules/',
    ...driveOptions,
    '--journal',
    journal,
    '--yes',
  ),
)
for (const drive of drives) {
  console.log(diskferry('verify', '--drive', drive, '--journal', journal))
  console.log(diskferry('inspect', '--drive', drive))
}

const listing = diskferry('list', '--drive', drives[0], '--journal', journal)
const lines = listing.trimEnd().split('\n')
console.log([...lines.slice(0, 8), `… ${lines.length} files in all`].join('\n'))

const wanted = lines.map((line) => line.split(/\s+/).at(-1)).find((path) => path?.endsWith('/package.json'))
if (wanted === undefined) throw new Error('no package.json on the first drive')
console.log(diskferry('extract', wanted, '--drive', drives[0], '--journal', journal, '--into', 'out'))
const original = readFileSync(join(source, wanted.replace('backup/node_modules/', '')))
if (!original.equals(readFileSync(join(folder, 'out', wanted)))) throw new Error(`${wanted} came back different`)
console.log(`${wanted} came back byte for byte. Both drives are prepared and verified.`)
