// What a repair did, as plain data, for the terminal, and as objects for programs.

import { finalMeanings, meaningOf } from '../formats/copy-log-codes.js'
import { formatBytes, formatDuration } from './format-bytes.js'
import { printable } from './printable.js'

export interface RepairLeft {
  /** `container/name` */
  blobPath: string
  /** A code of copy logs. */
  status: string
  /** A sentence. */
  message: string
}

export interface RepairReport {
  /** ISO 8601. */
  startedAt: string
  finishedAt: string
  /** Name of the storage account. */
  account: string
  log: string
  driveId: string | undefined
  /** Of the whole drive, in the log. */
  driveStatus: string | undefined
  blobs: {
    /** That the log says something is missing of. */
    listed: number
    repaired: number
    /** By an earlier repair from this log. */
    repairedBefore: number
    left: number
  }
  bytesSent: number
  /** The first ones. */
  left: readonly RepairLeft[]
  /** The copy log of what is left; undefined when nothing is. */
  remainingLog: string | undefined
  /** A new path map with the files that were not found, to be filled in. */
  pathMap: string | undefined
}

const leftShown = 20

export function describeRepair(report: RepairReport): string {
  const { account, log, driveId, blobs, bytesSent, left, remainingLog, pathMap } = report
  const seconds = secondsOf(report)
  const lines = left
    .slice(0, leftShown)
    .map(({ blobPath, status, message }) => `LEFT ${printable(blobPath)}: ${status}; ${printable(message)}`)
  if (blobs.left > leftShown) lines.push(`and ${blobs.left - leftShown} more: see ${remainingLog}`)
  const before = blobs.repairedBefore > 0 ? `, ${blobs.repairedBefore} were repaired before` : ''
  const drive = driveId === undefined ? '' : ` of drive ${printable(driveId)}`
  lines.push(
    `${printable(log)}${drive}: ${blobs.repaired} of ${blobs.listed} blobs repaired in ${printable(account)}${before}, ${formatBytes(bytesSent)} sent in ${formatDuration(seconds)}.`,
  )
  if (isDriveLost(report)) lines.push(lostSentence(report))
  else if (blobs.left === 0)
    lines.push('Nothing is left of what the log names; every byte was compared before it was sent.')
  else lines.push(`NOT COMPLETE: ${blobs.left} of ${blobs.listed} blobs are left.`)
  if (remainingLog !== undefined) lines.push(`  what is left: ${remainingLog}`)
  if (pathMap !== undefined) lines.push(`  files that were not found, to be filled in: ${pathMap}`)
  return lines.join('\n')
}

/** The drive failed before any blob: there is nothing in the log to repair from. */
export function isDriveLost({ blobs, driveStatus }: Pick<RepairReport, 'blobs' | 'driveStatus'>): boolean {
  return blobs.listed === 0 && driveStatus !== undefined && meaningOf(driveStatus, finalMeanings).outcome === 'failed'
}

function lostSentence({ driveStatus = '' }: RepairReport): string {
  const { says, next } = meaningOf(driveStatus, finalMeanings)
  return `NOT COMPLETE: the log names no blob; the drive failed as a whole: ${says}. ${next ?? ''} Then import it with: diskferry receive`
}

function secondsOf({ startedAt, finishedAt }: RepairReport): number {
  return Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)
}

/** One object for each blob that is left, then one for all. docs/json.md has the fields. */
export function repairToJson(report: RepairReport): Record<string, unknown>[] {
  const { left, ...facts } = report
  const lines: Record<string, unknown>[] = left.map((blob) => ({ event: 'repair-left', ...blob }))
  const isComplete = report.blobs.left === 0 && !isDriveLost(report)
  lines.push({
    event: 'repaired',
    ...facts,
    complete: isComplete,
    leftNotListed: report.blobs.left - left.length,
    seconds: secondsOf(report),
  })
  return lines
}
