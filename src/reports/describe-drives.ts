// The list of disks, and a line of a file listing, as text.

import { formatBytes, table } from './format-bytes.js'

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
    drive.model || drive.kind,
    drive.serial ?? 'no serial',
    formatBytes(drive.sizeBytes),
    String(drive.logicalSectorBytes),
    drive.transport || 'unknown',
    drive.fit.ok ? 'yes' : 'no',
    drive.contents || 'empty',
  ])
  const lines = [table(['PATH', 'MODEL', 'SERIAL', 'SIZE', 'SECTOR', 'BUS', 'FIT', 'HOLDS'], rows)]
  for (const drive of drives) {
    for (const reason of drive.fit.reasons) lines.push(`${drive.path} is not fit for shipping: ${reason}`)
    for (const warning of drive.fit.warnings) lines.push(`${drive.path}: ${warning}`)
  }
  return lines.join('\n')
}

export interface FileFacts {
  path: string
  sizeBytes: number
  /** ISO 8601, UTC. */
  modified: string
}

export function describeFile(file: FileFacts): string {
  return `${String(file.sizeBytes).padStart(15)}  ${file.modified.slice(0, 19).replace('T', ' ')}  ${file.path}`
}
