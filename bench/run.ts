// npm run bench [CASE …] [--rounds N] [--device-gib N]: measures diskferry beside what people use today, alternating in one run,
// and prints a table with the ratios and their bounds. Draws docs/bench.svg and docs/bench-image.svg with --draw. Cases:
//
//   prepare-large   eight 256 MiB files to one drive, against dd
//   prepare-small   100,000 files of 10 KiB, against dd's rate
//   dislocker       against cp through dislocker and ntfs-3g
//   verify          reading back, against dd
//   layout          1,000,000 files, seconds and memory
//   receive-large   a drive with eight 256 MiB files into an emulator, against uploadFile
//   receive-small   20,000 files of 10 KiB, against uploadFile
//   receive-memory  into memory: bytes for each second of a processor
//   vault-seed-large, vault-seed-small  the first backup into staging, against restic alone
//   image-capture   a device to an image, against dd | lz4 and other imagers
//   image-capture-used   its used blocks only, against the same, partclone and fsarchiver
//   image-capture-aged  the same of a device whose free room is full of deleted files
//   image-restore   an image onto a device, against lz4 -d | dd
//   image-verify    an image checked, against lz4 -t

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { BenchCase, BenchContext, Row } from './case.js'
import { dislocker } from './cases/dislocker.js'
import { imageCapture, imageCaptureAged, imageCaptureUsed } from './cases/image-capture.js'
import { imageRestore, imageVerify } from './cases/image-restore.js'
import { layout } from './cases/layout.js'
import { prepareLarge } from './cases/prepare-large.js'
import { prepareSmall } from './cases/prepare-small.js'
import { receiveLarge, receiveMemory, receiveSmall } from './cases/receive.js'
import { vaultSeedLarge, vaultSeedSmall } from './cases/vault-seed.js'
import { verify } from './cases/verify.js'
import { makeLargeFiles, makeSmallFiles } from './corpora.js'
import { makeImagedDevice } from './image-device.js'
import { drawRows, tableOf } from './report.js'

const cases: BenchCase[] = [
  prepareLarge,
  prepareSmall,
  dislocker,
  verify,
  layout,
  receiveLarge,
  receiveSmall,
  receiveMemory,
  vaultSeedLarge,
  vaultSeedSmall,
  imageCapture,
  imageCaptureUsed,
  imageCaptureAged,
  imageRestore,
  imageVerify,
]
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    'device-gib': { type: 'string', default: '4' },
    draw: { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !cases.some((one) => one.name === name))
if (unknown.length > 0) {
  console.error(
    `unknown case ${unknown.join(', ')}; there are:\n${cases.map((one) => `  ${one.name}: ${one.describe}`).join('\n')}`,
  )
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'diskferry-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))

const context: BenchContext = {
  folder,
  rounds: Number(values.rounds),
  cli: [process.execPath, join(root, 'dist/cli/main.js')],
  largeFiles: once(() => {
    const paths = makeLargeFiles(join(folder, 'large'))
    return { folder: join(folder, 'large'), paths, bytes: paths.reduce((sum, path) => sum + statSync(path).size, 0) }
  }),
  smallFiles: once(() => {
    makeSmallFiles(join(folder, 'small'))
    return { folder: join(folder, 'small'), bytes: 100_000 * 10 * 1024 }
  }),
  manyFiles: once(() => {
    makeSmallFiles(join(folder, 'many'), 20_000)
    return { folder: join(folder, 'many'), bytes: 20_000 * 10 * 1024 }
  }),
  imagedDevice: once(() => makeImagedDevice(folder, Number(values['device-gib']) * 2 ** 30, 'new')),
  agedDevice: once(() => makeImagedDevice(folder, Number(values['device-gib']) * 2 ** 30, 'deleted')),
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

const rows: Row[] = []
for (const one of cases.filter((candidate) => positionals.length === 0 || positionals.includes(candidate.name))) {
  console.error(`${one.name}: ${one.describe}`)
  rows.push(...one.run(context))
}
const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}; medians of ${context.rounds} alternating cold runs`
console.log(`${machine}\n\n${tableOf(rows)}`)
if (values.draw) {
  for (const chart of new Set(rows.map((row) => row.chart))) {
    const path = join(root, 'docs', chart === undefined ? 'bench.svg' : `bench-${chart}.svg`)
    const drawn = rows.filter((row) => row.chart === chart)
    writeFileSync(path, drawRows(drawn, machine, chart === undefined ? 'What reaches the drive' : 'Of the device'))
  }
}
