// A device to an image: the whole of it with SHA-256, and its used blocks only. Peers of which no ratio is taken are measured
// once a run.

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchCase, BenchContext, Row } from '../case.js'
import type { ImagedDevice } from '../image-device.js'
import { ddThroughLz4, floorOf, type Peer, usedOnlyPeers, wholeDevicePeers } from '../image-peers.js'
import { hasLoopDevices, type Measurement, measure, median } from '../measure.js'

export const imageCapture: BenchCase = {
  name: 'image-capture',
  describe: 'a device, half full, to an image with SHA-256, against dd | lz4 without a digest of the device',
  run: (context) =>
    capture(context, context.imagedDevice, {
      words: [],
      tool: 'diskferry image capture',
      bound: 2.5,
      peers: wholeDevicePeers,
    }),
}

const usedOnly = { words: ['--used-only'], tool: 'diskferry image capture --used-only', bound: 4 }

export const imageCaptureUsed: BenchCase = {
  name: 'image-capture-used',
  describe: 'the used blocks of a device, half full, with SHA-256, against dd | lz4 of the whole device',
  run: (context) =>
    capture(context, context.imagedDevice, {
      ...usedOnly,
      peers: usedOnlyPeers,
      floor: ({ device, bytes }, image, imageBytes) => floorOf(device, image, bytes / 2, imageBytes),
    }),
}

export const imageCaptureAged: BenchCase = {
  name: 'image-capture-aged',
  describe:
    'the used blocks of a device, half full, its free room full of deleted files, against dd | lz4 of all of it',
  run: (context) =>
    capture(context, context.agedDevice, { ...usedOnly, state: ', the rest of deleted files', peers: () => [] }),
}

interface Kind {
  words: string[]
  tool: string
  bound: number
  /** Of the device, beside being half full. */
  state?: string
  peers(device: string, image: string): Peer[]
  /** Reads and writes as much as ours did, and does nothing else. */
  floor?(imaged: ImagedDevice, image: string, imageBytes: number): Peer
}

function capture(context: BenchContext, makeDevice: () => ImagedDevice, kind: Kind): Row[] {
  const { words, tool, bound, state = '', peers, floor } = kind
  if (!hasLoopDevices()) {
    console.error('skipped: it needs root and loop devices')
    return []
  }
  const imaged = makeDevice()
  const { device, bytes } = imaged
  const work = `a device of ${bytes / 2 ** 30} GiB, half full${state}, to an image`
  const image = join(context.folder, 'captured.img.lz4')
  const lz4 = ddThroughLz4(device, image)
  const theirs: MeasuredPeer[] = []
  const floors: MeasuredPeer[] = []
  const ours: MeasuredPeer[] = []
  const line = [...context.cli, 'image', 'capture', device, image, ...words].join(' ')
  for (let round = 0; round < context.rounds; round++) {
    theirs.push(runPeer(context, lz4))
    ours.push(runPeer(context, { tool, hashes: '', line, output: image }))
    const least = floor?.(imaged, image, ours[0]?.outputBytes ?? 0)
    if (least !== undefined) floors.push(runPeer(context, least))
  }
  const others = peers(device, image).map((peer) => rowOf(work, peer, [runPeer(context, peer)], bytes))
  const value = median(ours.map(({ seconds }, index) => (theirs[index] as MeasuredPeer).seconds / seconds))
  const hashes = 'SHA-256, MD5 and XXH32 of blocks'
  return [
    ...others,
    rowOf(work, lz4, theirs, bytes),
    ...(floor === undefined ? [] : [rowOf(work, floor(imaged, image, 0), floors, bytes)]),
    { ...rowOf(work, { tool, hashes, line }, ours, bytes), ratio: { to: 'dd | lz4', value, bound } },
  ]
}

export interface MeasuredPeer extends Measurement {
  outputBytes?: number
}

/** Removes what it made. */
export function runPeer(context: BenchContext, { line, output }: Peer): MeasuredPeer {
  const before = new Set(readdirSync(context.folder))
  const measured: MeasuredPeer = measure(context.folder, ['bash', '-c', `set -o pipefail; ${line}`])
  if (output !== undefined && existsSync(output)) measured.outputBytes = statSync(output).size
  for (const name of readdirSync(context.folder)) {
    if (!before.has(name)) rmSync(join(context.folder, name), { recursive: true, force: true })
  }
  return measured
}

export function rowOf(work: string, peer: Peer, measured: readonly MeasuredPeer[], bytes: number): Row {
  const { outputBytes } = measured[0] ?? {}
  return {
    work,
    tool: peer.tool,
    chart: 'image',
    hashes: peer.hashes,
    seconds: median(measured.map(({ seconds }) => seconds)),
    bytes,
    cpuSeconds: median(measured.map(({ cpuSeconds }) => cpuSeconds)),
    peakBytes: Math.max(...measured.map(({ peakBytes }) => peakBytes)),
    ...(outputBytes === undefined ? {} : { outputBytes }),
  }
}
