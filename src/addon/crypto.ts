// MD5 and sector encryption over buffers, as the copy engine does them, on a path of the caller's choice. For benchmarks
// and cross-checks; they run on a pool thread, one thread a call.

import { type AvailablePaths, addon, type CipherPath, type HashPath } from './binding.js'

export type { AvailablePaths, CipherPath, HashPath }

/** BitLocker's methods, as reports name them. */
export type CipherMethod = keyof typeof keyBytes

export interface SectorTransform {
  method: CipherMethod
  /** The volume key: 16 bytes for `cbc-128`, 32 for `cbc-256` and `xts-128`, 64 for the others. Read during the call only. */
  key: Uint8Array
  sectorBytes: 512 | 4096
  /** Where `data` lies on the volume, in bytes; a multiple of `sectorBytes`. */
  offsetBytes: number
  /** Whole sectors, changed in place; not to be touched until the promise settles. */
  data: Uint8Array
  direction: 'encrypt' | 'decrypt'
  /** The widest of this CPU by default. A method that has no such path takes the next narrower one. */
  path?: CipherPath
}

const keyBytes = {
  'cbc-128-diffuser': 64,
  'cbc-256-diffuser': 64,
  'cbc-128': 16,
  'cbc-256': 32,
  'xts-128': 32,
  'xts-256': 64,
} as const

/** What this CPU can run. */
export function availablePaths(): AvailablePaths {
  return addon.cryptoPaths()
}

/**
 * The MD5 of every block of `data`: 16 bytes a block, one after the other. The last block may be short; no data, no
 * blocks.
 * @throws RangeError when the CPU has no such path
 */
export async function md5Blocks(data: Uint8Array, blockBytes: number, path?: HashPath): Promise<Buffer> {
  if (!Number.isSafeInteger(blockBytes) || blockBytes < 1) {
    throw new RangeError(`expected a whole number above 0 for blockBytes but received ${blockBytes}`)
  }
  return addon.hashBlocks(data, blockBytes, choose(availablePaths().hash, path))
}

/**
 * Encrypts or decrypts whole sectors in place.
 * @throws RangeError when key, offset or data do not fit the method and the sectors, or the CPU has no such path
 */
export async function transformSectors(transform: SectorTransform): Promise<void> {
  const { method, key, sectorBytes, offsetBytes, data, direction, path } = transform
  if (!Object.hasOwn(keyBytes, method)) {
    throw new RangeError(`expected one of ${Object.keys(keyBytes).join(', ')} for method but received ${method}`)
  }
  if (key.length !== keyBytes[method]) {
    throw new RangeError(`expected ${keyBytes[method]} bytes for key of ${method} but received ${key.length}`)
  }
  if (sectorBytes !== 512 && sectorBytes !== 4096) {
    throw new RangeError(`expected 512 or 4096 for sectorBytes but received ${sectorBytes}`)
  }
  if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0 || offsetBytes % sectorBytes !== 0) {
    throw new RangeError(`expected a multiple of ${sectorBytes} for offsetBytes but received ${offsetBytes}`)
  }
  if (data.length % sectorBytes !== 0) {
    throw new RangeError(`expected whole sectors of ${sectorBytes} bytes for data but received ${data.length} bytes`)
  }
  if (direction !== 'encrypt' && direction !== 'decrypt') {
    throw new TypeError(`expected 'encrypt' or 'decrypt' for direction but received ${direction}`)
  }
  const chosen = choose(availablePaths().cipher, path)
  await addon.cipherSectors(method, key, sectorBytes, offsetBytes, data, direction === 'encrypt', chosen)
}

function choose<Path extends string>(available: Path[], path: Path | undefined): Path {
  const chosen = path ?? available.at(-1)
  if (chosen === undefined || !available.includes(chosen)) {
    throw new RangeError(`expected one of ${available.join(', ')} for path but received ${chosen}`)
  }
  return chosen
}
