// The list of disks, and a line of a file listing, as text.

import { formatBytes, table } from './format-bytes.js'
import { printable } from './printable.js'

export interface DriveFacts {
  path: string
  kind: string
  model: string
  serial?: string
  sizeBytes: number
  logicalSectorBytes: number
  transport: string
  contents: string
  fit: { ok: boolean; reasons: readonly string[]; warnings: readonly string[] }
}

export function describeDrives(drives: readonly DriveFacts[]): string {
  if (drives.length === 0) return 'No disks were found.'
  const rows = drives.map((drive) => [
    drive.path,
    printable(drive.model || drive.kind),
    printable(drive.serial ?? 'no serial'),
    formatBytes(drive.sizeBytes),
    String(drive.logicalSectorBytes),
    drive.transport || 'unknown',
    drive.fit.ok ? 'yes' : 'no',
    printable(drive.contents || 'empty'),
  ])
  const lines = [table(['PATH', 'MODEL', 'SERIAL', 'SIZE', 'SECTOR', 'BUS', 'FIT', 'HOLDS'], rows)]
  for (const { path, fit } of drives) {
    for (const reason of fit.reasons) lines.push(`${path} is not fit for shipping: it ${printable(reason)}.`)
    for (const warning of fit.warnings) lines.push(`${path}: ${printable(warning)}.`)
  }
  return lines.join('\n')
}

export interface FileFacts {
  path: string
  sizeBytes: number
  /** ISO 8601, UTC. */
  modified: string
  /** False for files whose content is not read; they get an exclamation mark. */
  readable?: boolean
}

export function describeFile(file: FileFacts): string {
  const modified = file.modified.slice(0, 19).replace('T', ' ')
  const mark = file.readable === false ? '!' : ' '
  return `${String(file.sizeBytes).padStart(15)}  ${modified} ${mark}${printable(file.path)}`
}
