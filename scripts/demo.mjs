// npm run demo: the whole trip on real files with nothing set up. Two drives (image files in a temporary folder) are prepared
// from this checkout's own packages, verified and looked at; then they "arrive": both are imported into a storage emulator
// that the demo starts itself, and every blob is compared with the file it came from. Then all is removed.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { build, root, setUp } from './setup.mjs'

setUp('demo')
build()

const folder = mkdtempSync(join(tmpdir(), 'diskferry-demo-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
// One large file, and many of all sizes.
const sources = ['node_modules/@biomejs', 'node_modules/typescript']
const drives = ['disk1.img', 'disk2.img']
const journal = 'demo.jrn'

/** Runs the command line as a user would, without blocking what else runs here. */
async function diskferry(...words) {
  const program = [join(root, 'dist/cli/main.js'), ...words]
  console.log(`\n$ diskferry ${words.map((word) => word.replace(`${root}/`, '')).join(' ')}`)
  const child = spawn(process.execPath, program, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  const status = await new Promise((resolve) => child.on('close', resolve))
  if (status === 0) return output
  console.error(`${output}\nThe demo stopped: exit code ${status}.`)
  return process.exit(status ?? 1)
}

/** Every source file by the name that its blob has. */
function sourceFiles() {
  const files = new Map()
  for (const source of sources.map((path) => join(root, path))) {
    for (const entry of readdirSync(source, { withFileTypes: true, recursive: true })) {
      const path = join(entry.parentPath ?? entry.path, entry.name)
      if (entry.isFile()) files.set(`packages/${relative(source, path)}`, path)
    }
  }
  return files
}

/** The emulator of Azure's storage, on a free port of this machine. */
async function startEmulator() {
  const azurite = dirname(createRequire(import.meta.url).resolve('azurite/package.json'))
  const words = [
    '--silent',
    '--disableTelemetry',
    '--skipApiVersionCheck',
    '--blobPort',
    '0',
    '--location',
    join(folder, 'azurite'),
  ]
  const child = spawn(process.execPath, [join(azurite, 'dist/src/blob/main.js'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.on('exit', () => child.kill('SIGKILL'))
  for await (const line of createInterface(child.stdout)) {
    const port = /successfully listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (port !== undefined) return { child, url: `http://127.0.0.1:${port}/devstoreaccount1` }
  }
  throw new Error('the storage emulator did not start')
}

async function compareBlobs(url, files) {
  const { openBlobStore } = await import(join(root, 'dist/index.js'))
  const store = await openBlobStore(url)
  let bytes = 0
  const names = []
  for await (const { name } of store.list('backup', '')) {
    const hash = createHash('sha256')
    for await (const piece of store.read({ container: 'backup', name })) hash.update(piece)
    const path = files.get(name)
    if (path === undefined) throw new Error(`${name} is in the account and not in the source`)
    const content = readFileSync(path)
    if (createHash('sha256').update(content).digest('hex') !== hash.digest('hex'))
      throw new Error(`${name} arrived different`)
    bytes += content.length
    names.push(name)
  }
  await store.close()
  if (names.length !== files.size) throw new Error(`${files.size - names.length} files did not arrive`)
  return { blobs: names.length, bytes }
}

const files = sourceFiles()
const largest = Math.max(...[...files.values()].map((path) => readFileSync(path).length))
// Sized so that the large file fits on the first drive, and not everything.
const sizes = [Math.ceil(largest / 2 ** 20) + 28, 100]
const driveOptions = drives.flatMap((name, index) => ['--drive', `${name}:${sizes[index]}M`])
const from = sources.flatMap((source) => ['--from', join(root, source)])

console.log(
  await diskferry('prepare', ...from, '--to', 'backup/packages/', ...driveOptions, '--journal', journal, '--yes'),
)
for (const drive of drives) {
  console.log(await diskferry('verify', '--drive', drive, '--journal', journal))
  console.log(await diskferry('inspect', '--drive', drive))
}
const listing = await diskferry('list', '--drive', drives[1], '--journal', journal)
const lines = listing.trimEnd().split('\n')
console.log([...lines.slice(0, 8), `… ${lines.length} files in all`].join('\n'))

console.log('\nThe drives have arrived. A storage emulator stands for the account.')
const emulator = await startEmulator()
const arrived = drives.flatMap((name) => ['--drive', name])
console.log(
  await diskferry('receive', ...arrived, '--journal', journal, '--to', emulator.url, '--report', 'report.html'),
)
const compared = await compareBlobs(emulator.url, files)
emulator.child.kill()
console.log(`\n${compared.blobs} blobs, ${compared.bytes} bytes: each compared with its file, byte for byte.`)
