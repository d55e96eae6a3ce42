// Importing a drive into a storage emulator, against @azure/storage-blob's uploadFile of the same files, and into nothing.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchCase, BenchContext, Row } from '../case.js'
import { withEmulator } from '../emulator.js'
import { type Measurement, measure, measureOutput, median } from '../measure.js'
import { withTarget } from '../target.js'

interface Peer {
  name: string
  words: string[]
}

const driveBytes = 2600 * 1024 * 1024

/** Runs `work` with a drive that holds the folder. */
function withDrive<T>(context: BenchContext, source: string, work: (drive: string, journal: string) => T): T {
  const journal = join(context.folder, 'receive.jrn')
  return withTarget(
    join(context.folder, 'receive.img'),
    'file',
    (drive) => {
      const words = ['prepare', '--from', source, '--to', 'bench/in/', '--drive', drive, '--journal', journal]
      measure(context.folder, [...context.cli, ...words, '--yes', '--no-verify'])
      try {
        return work(drive, journal)
      } finally {
        for (const path of [journal, `${journal}.d`]) rmSync(path, { recursive: true, force: true })
      }
    },
    driveBytes,
  )
}

function againstPeers(
  context: BenchContext,
  { folder: source, bytes }: { folder: string; bytes: number },
  { work, peers, bound }: { work: string; peers: readonly Peer[]; bound: number },
): Row[] {
  const ours: Measurement[] = []
  const others = peers.map((): Measurement[] => [])
  withDrive(context, source, (drive, journal) => {
    const state = join(context.folder, 'receive.state')
    for (let round = 0; round < context.rounds; round++) {
      peers.forEach(({ words }, index) => {
        const script = join(import.meta.dirname, '../peers/upload-file.mjs')
        const peer = (url: string) => measure(context.folder, [process.execPath, script, url, source, ...words])
        others[index]?.push(withEmulator(context.folder, peer))
      })
      const words = ['receive', '--drive', drive, '--journal', journal, '--state', state]
      ours.push(withEmulator(context.folder, (url) => measure(context.folder, [...context.cli, ...words, '--to', url])))
      for (const path of [state, `${state}.d`]) rmSync(path, { recursive: true, force: true })
    }
  })
  const best = others.reduce((left, right) => (secondsOf(left) <= secondsOf(right) ? left : right))
  const value = median(ours.map(({ seconds }, round) => (best[round]?.seconds ?? Number.NaN) / seconds))
  return [
    ...peers.map(({ name }, index) => row(work, `uploadFile, ${name}`, others[index] ?? [], bytes)),
    {
      ...row(work, 'diskferry receive: check, decrypt, hash, compare, send', ours, bytes),
      ratio: { to: 'the best uploadFile', value, bound },
      limit: { what: 'peak MiB', value: Math.max(...ours.map(({ peakBytes }) => peakBytes)) / 2 ** 20, bound: 400 },
    },
  ]
}

function secondsOf(measured: readonly Measurement[]): number {
  return median(measured.map(({ seconds }) => seconds))
}

function row(work: string, tool: string, measured: readonly Measurement[], bytes: number): Row {
  const peakBytes = Math.max(...measured.map((one) => one.peakBytes))
  const cpuSeconds = median(measured.map((one) => one.cpuSeconds))
  return { work, tool, seconds: secondsOf(measured), bytes, peakBytes, cpuSeconds }
}

export const receiveLarge: BenchCase = {
  name: 'receive-large',
  describe: 'a drive with eight 256 MiB files into an emulator, against uploadFile of the same files',
  run: (context) =>
    againstPeers(context, context.largeFiles(), {
      work: '8 x 256 MiB into Azurite',
      peers: [
        { name: 'blocks of 8 MiB, 4 at once', words: ['1', '8', '4'] },
        { name: 'blocks of 4 MiB, 8 at once', words: ['1', '4', '8'] },
      ],
      bound: 1,
    }),
}

export const receiveSmall: BenchCase = {
  name: 'receive-small',
  describe: 'a drive with 20,000 files of 10 KiB into an emulator, against uploadFile of the same files',
  run: (context) =>
    againstPeers(context, context.manyFiles(), {
      work: '20,000 x 10 KiB into Azurite',
      peers: [
        { name: '8 files at once', words: ['8', '8', '1'] },
        { name: '32 files at once', words: ['32', '8', '1'] },
      ],
      bound: 1.5,
    }),
}

export const receiveMemory: BenchCase = {
  name: 'receive-memory',
  describe: 'a drive with eight 256 MiB files into a store that keeps nothing: bytes for each second of a processor',
  run(context): Row[] {
    const { folder: source, bytes } = context.largeFiles()
    const found: { seconds: number; cpuSeconds: number }[] = []
    withDrive(context, source, (drive, journal) => {
      const state = join(context.folder, 'receive.state')
      for (let round = 0; round < context.rounds; round++) {
        const script = join(import.meta.dirname, '../receive-memory.ts')
        const words = [process.execPath, '--import', 'tsx', script, drive, journal, state]
        found.push(JSON.parse(measureOutput(words)))
        for (const path of [state, `${state}.d`]) rmSync(path, { recursive: true, force: true })
      }
    })
    const cpuSeconds = median(found.map((one) => one.cpuSeconds))
    const value = bytes / cpuSeconds / 1e9
    return [
      {
        work: '8 x 256 MiB, no server',
        tool: 'diskferry receive, without start-up',
        seconds: median(found.map((one) => one.seconds)),
        bytes,
        cpuSeconds,
        ratio: { to: '1 GB a processor second', value, bound: 1 },
      },
    ]
  },
}
