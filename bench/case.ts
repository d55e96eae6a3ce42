// One measured line: the work, who did it, how long it took, and what it is compared with.

import type { ImagedDevice } from './image-device.js'

export interface Row {
  work: string
  tool: string
  seconds: number
  /** Bytes of user data moved; none where the work is not about bytes. */
  bytes?: number
  peakBytes?: number
  /** User and system, of the tool alone and not of a server. */
  cpuSeconds?: number
  /** Length of the image that was made. */
  outputBytes?: number
  /** What is computed of the content, or checked. */
  hashes?: string
  /** Drawn into docs/bench-<chart>.svg instead of docs/bench.svg. */
  chart?: string
  /** Rate (or speed) over that of the row it is compared with, and the bound that it has to reach. */
  ratio?: { to: string; value: number; bound: number }
  /** An upper bound, for example seconds or bytes of memory, that has to hold. */
  limit?: { what: string; value: number; bound: number }
}

export interface BenchCase {
  name: string
  describe: string
  run(context: BenchContext): Row[]
}

export interface BenchContext {
  /** Temporary folder, removed at the end. */
  folder: string
  /** How often each command is measured; the median counts. */
  rounds: number
  cli: readonly string[]
  largeFiles(): { folder: string; paths: string[]; bytes: number }
  smallFiles(): { folder: string; bytes: number }
  /** 20,000 of 10 KiB. */
  manyFiles(): { folder: string; bytes: number }
  /** A loop device with ext4, half full; the rest was never written. */
  imagedDevice(): ImagedDevice
  /** The same, the rest full of files that were deleted. */
  agedDevice(): ImagedDevice
}
