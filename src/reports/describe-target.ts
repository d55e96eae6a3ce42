// What somebody must see before a device or file is written over: model, serial, size, and what is on it.

import { formatBytes } from './format-bytes.js'

export interface TargetFacts {
  kind: 'block' | 'file'
  sizeBytes: number
  /** Undefined for a file, and for a device of which nothing is known. */
  drive?: { model: string; serial?: string; contents: string } | undefined
}

export function describeTarget({ kind, sizeBytes, drive }: TargetFacts): string {
  if (kind === 'file') return `image file of ${formatBytes(sizeBytes)} with data on it`
  if (drive === undefined) return formatBytes(sizeBytes)
  const parts = [drive.model, `serial ${drive.serial ?? 'unknown'}`, formatBytes(sizeBytes), drive.contents]
  return parts.filter((part) => part !== '').join(', ')
}
